/**
 * Block Lanczos with full reorthogonalisation and Rayleigh-Ritz over the whole basis, float64 throughout.
 *
 * Golub & Underwood, The block Lanczos method (1977). A block finds ties that a single vector would miss.
 */

import { EPS, eigh, norm } from "./linalg.js";

const BLOCK = 4;

/**
 * The leading eigenvalues and eigenvectors of a symmetric positive semi-definite operator.
 * @param {(block: Float64Array, count: number) => Float64Array} apply to `count` vectors of length m, one after the other
 * @param {number} m
 * @param {object} options
 * @param {number} options.wanted values that must settle
 * @param {number} options.most values that are given
 * @param {number} [options.limit] vectors of the basis
 * @param {number} [options.growth] of the basis between two looks at what has settled: 1 where applying is dear
 * @param {(done: number) => void} [options.tick]
 * @returns {Spectrum}
 */
export function lanczos(apply, m, { wanted, most, limit = m, growth = 1.25, tick }) {
  const basis = new Float64Array(Math.min(m, limit + BLOCK) * m);
  const small = [/** @type {Float64Array} */ (new Float64Array(0))].slice(1); // columns of Q' A Q
  const vector = (/** @type {number} */ i) => basis.subarray(i * m, (i + 1) * m);
  let size = 0; // of the basis
  let start = 0; // of its newest block
  let check = growth > 1 ? most + BLOCK : 3 * BLOCK;
  const draws = uniform();
  const extend = (/** @type {Float64Array} */ fresh, /** @type {number} */ scale) => {
    if (size === m) return false;
    for (let pass = 0; pass < 2; pass++) {
      for (let i = 0; i < size; i++) subtract(fresh, basis, i * m, along(fresh, basis, i * m));
      const length = norm(fresh);
      if (length <= scale) return false;
      for (let r = 0; r < m; r++) fresh[r] /= length;
      scale = 0.1; // what is left of a unit vector after the second pass: less would be rounding alone
    }
    vector(size++).set(fresh);
    return true;
  };
  const draw = () => extend(Float64Array.from({ length: m }, draws), 0);
  while (size < Math.min(BLOCK, m)) draw();
  for (;;) {
    const count = size - start;
    const images = apply(basis.subarray(start * m, size * m), count);
    const rest = images.slice();
    for (let c = 0; c < count; c++) {
      const image = images.subarray(c * m, (c + 1) * m);
      const column = Float64Array.from({ length: size }, (_, i) => along(image, basis, i * m));
      small.push(column);
      const left = rest.subarray(c * m, (c + 1) * m);
      column.forEach((share, i) => subtract(left, basis, i * m, share));
    }
    const known = size;
    const largest = Math.max(...small.map((column, i) => column[i]));
    const full = known === m || known + BLOCK > limit;
    tick?.(known / limit);
    if (full || known >= check) {
      const found = ritz(small, known);
      const settled = residuals(found, rest, m, start, known, most, largest);
      const enough = settled.count >= Math.min(wanted, m);
      if (full || enough) return expanded(found, basis, m, Math.min(most, known), settled);
      check = Math.max(known + 1, Math.ceil(known * growth));
    }
    start = size;
    for (let c = 0; c < count; c++) extend(rest.subarray(c * m, (c + 1) * m), 8 * EPS * Math.sqrt(m) * largest);
    if (size === start) draw(); // the block has found an invariant space: there may be more of it elsewhere
  }
}

/**
 * @param {Float64Array[]} small columns of the upper triangle
 * @param {number} size
 */
function ritz(small, size) {
  const matrix = new Float64Array(size * size);
  small.forEach((column, j) => {
    for (let i = 0; i < column.length; i++) {
      // The two triangles of the newest block differ by rounding.
      const value = i < small.length && small[i].length > j ? (column[i] + small[i][j]) / 2 : column[i];
      matrix[i * size + j] = matrix[j * size + i] = value;
    }
  });
  return eigh(matrix, size);
}

/**
 * How many leading pairs have a residual that no longer matters, and the residual of the first.
 * @param {Spectrum} found
 * @param {Float64Array} rest of the newest block's images, outside the basis
 * @param {number} m
 * @param {number} start
 * @param {number} size
 * @param {number} most
 * @param {number} largest
 */
function residuals(found, rest, m, start, size, most, largest) {
  const blocks = size - start;
  const lengths = Array.from({ length: Math.min(most, size) }, (_, k) => {
    const part = new Float64Array(m);
    for (let c = 0; c < blocks; c++) subtract(part, rest, c * m, -found.vectors[k * size + start + c]);
    return norm(part);
  });
  const [one, two = 0] = found.values;
  const floor = 4 * EPS * Math.sqrt(m) * largest;
  // The first must give the P-vector: an angle of 1e-7 is 1 - cos = 5e-15, far below what is promised.
  const allowed = (/** @type {number} */ k) => Math.max(floor, k === 0 ? 1e-7 * (one - two) : 1e-7 * found.values[k]);
  let count = 0;
  while (count < lengths.length && lengths[count] <= allowed(count)) count++;
  return { count, residual: lengths[0] };
}

/**
 * Ritz vectors in the space of the operator.
 * @param {Spectrum} found
 * @param {Float64Array} basis
 * @param {number} m
 * @param {number} most
 * @param {{count: number, residual: number}} settled
 * @returns {Spectrum}
 */
function expanded(found, basis, m, most, settled) {
  const size = found.m;
  const vectors = new Float64Array(most * m);
  for (let k = 0; k < most; k++) {
    const vector = vectors.subarray(k * m, (k + 1) * m);
    for (let i = 0; i < size; i++) subtract(vector, basis, i * m, -found.vectors[k * size + i]);
    const length = norm(vector);
    for (let r = 0; r < m; r++) vector[r] /= length;
  }
  const all = size === m ? most : settled.count;
  const weights = found.vectors.slice(0, most * size);
  return { m, values: found.values.slice(0, most), vectors, weights, settled: all, residual: settled.residual };
}

/**
 * Inner product with the vector that begins at `from`. (No views: there would be millions.)
 * @param {Float64Array} x
 * @param {Float64Array} all
 * @param {number} from
 */
function along(x, all, from) {
  const length = x.length;
  let a = 0, b = 0, c = 0, d = 0;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    a += x[i] * all[from + i];
    b += x[i + 1] * all[from + i + 1];
    c += x[i + 2] * all[from + i + 2];
    d += x[i + 3] * all[from + i + 3];
  }
  for (; i < length; i++) a += x[i] * all[from + i];
  return a + b + (c + d);
}

/**
 * @param {Float64Array} x changed
 * @param {Float64Array} all
 * @param {number} from where the vector begins that is subtracted
 * @param {number} share
 */
function subtract(x, all, from, share) {
  if (share === 0) return;
  for (let r = 0; r < x.length; r++) x[r] -= share * all[from + r];
}

/** Numbers in [-1, 1), the same each time: any start will do (Numerical Recipes' congruential generator). */
function uniform() {
  let state = 1;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) | 0) / 2 ** 31;
}
