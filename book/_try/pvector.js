/**
 * The P-vector of a matrix, uncentred and centred: its top left singular vector, with an error bound.
 *
 * One Gram matrix of the smaller side gives both: the uncentred one is the centred one plus what the mean adds, which cancels
 * no digits. Matrices too large for that go through block Lanczos on the rows themselves.
 */

import { lanczos } from "./lanczos.js";
import { EPS, columns, dot, eigh, meanRow, norm, product, rows } from "./linalg.js";

export const RANK = 32; // leading directions in which a P-vector is fitted again
const SMALL = 160; // up to here the whole eigenproblem costs nothing
const NARROW = 512; // up to here always by the Gram matrix, as the library's refits
const DEAR = 4e9; // multiplications of a Gram matrix that take some seconds
const PASSES = 60; // over the rows, at most

/**
 * What is computed once of a matrix and used again by other measures.
 * @typedef {object} Measured
 * @property {Matrix} matrix scaled where entries are extreme
 * @property {Float64Array} mean
 * @property {{centred: PVector, uncentred: PVector}} vectors
 * @property {Float64Array | null} gram of the centred smaller side
 */

/**
 * Both P-vectors of a matrix of finite numbers.
 * @param {Matrix} given
 * @param {(done: number) => void} [tick]
 * @returns {Measured}
 */
export function measured(given, tick = () => {}) {
  const { matrix, scale } = moderate(given);
  const mean = meanRow(matrix);
  const { n, d } = matrix;
  const m = Math.min(n, d);
  const squares = squaredLength(matrix, mean);
  const raw = n * dot(mean, mean);
  if (squares === 0) throw new Error(`${given.name}: all rows of features are equal: centred, nothing is left of them`);
  const byGram = m <= NARROW || n * d * m <= 2 * DEAR;
  const square = () => product(...twice(n < d ? rows(matrix, mean) : columns(matrix, mean)), (done) => tick(done / 2));
  let gram = byGram ? square() : null;
  const found = [true, false].map((centred, turn) => {
    const progress = (/** @type {number} */ done) => tick(byGram ? 0.5 + (turn + done) / 4 : (turn + done) / 2);
    let top = gram ? null : fromRows(matrix, centred ? mean : new Float64Array(d), progress);
    const flat = top?.settled === 0; // too flat a spectrum for a few readings of the rows
    if (flat) gram = square();
    top = gram && (!top || flat) ? fromGram(matrix, mean, gram, centred, progress) : /** @type {Top} */ (top);
    const energy = squares + (centred ? 0 : raw);
    return vectorOf(given, centred, top, { scale, energy, raw: squares + raw, dual: gram !== null && n < d });
  });
  return { matrix, mean, gram, vectors: { centred: found[0], uncentred: found[1] } };
}

/**
 * @template T
 * @param {T} one
 * @returns {[T, T]}
 */
const twice = (one) => [one, one];

/**
 * The matrix with its largest entry near 1 where fourth powers would leave the range of float64, and its factor.
 * @param {Matrix} given
 */
function moderate(given) {
  let largest = 0;
  for (let i = 0; i < given.data.length; i++) largest = Math.max(largest, Math.abs(given.data[i]));
  if (largest === 0) throw new Error(`${given.name}: features are all zero: a zero matrix has no P-vector (a dead layer?)`);
  if (largest > 2 ** -100 && largest < 2 ** 100) return { matrix: given, scale: 1 };
  const scale = 2 ** Math.min(1022, Math.max(-1022, -Math.floor(Math.log2(largest))));
  return { matrix: { ...given, data: Float64Array.from(given.data, (x) => x * scale) }, scale };
}

/**
 * @param {Matrix} matrix
 * @param {Float64Array} mean
 */
function squaredLength({ n, d, data }, mean) {
  let all = 0;
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0, at = i * d; j < d; j++, at++) sum += (data[at] - mean[j]) ** 2;
    all += sum;
  }
  return all;
}

/**
 * Leading values with the coordinates (n, r) of the rows on their directions.
 * @typedef {Spectrum & {coordinates: Float64Array, r: number}} Top
 */

/**
 * @param {Matrix} matrix
 * @param {Float64Array} mean
 * @param {Float64Array} gram
 * @param {boolean} centred
 * @param {(done: number) => void} tick
 * @returns {Top}
 */
function fromGram(matrix, mean, gram, centred, tick) {
  const { n, d } = matrix;
  const m = Math.min(n, d);
  const full = centred ? gram : withMean(matrix, mean, gram);
  const most = Math.min(RANK, m);
  const apply = (/** @type {Float64Array} */ block, /** @type {number} */ count) => times(full, m, block, count);
  const top = m <= SMALL ? eigh(full, m) : lanczos(apply, m, { wanted: m <= NARROW ? most : 2, most, tick });
  if (n >= d) {
    const r = present(top, most);
    const directions = rows(/** @type {Matrix} */ ({ n: r, d, data: top.vectors.subarray(0, r * d) }), new Float64Array(d));
    const coordinates = product(rows(matrix, centred ? mean : new Float64Array(d)), directions);
    return { ...top, coordinates, r };
  }
  const r = present(top, most);
  const coordinates = new Float64Array(n * r);
  for (let k = 0; k < r; k++) {
    const length = Math.sqrt(top.values[k]);
    for (let i = 0; i < n; i++) coordinates[i * r + k] = top.vectors[k * n + i] * length;
  }
  return { ...top, coordinates, r };
}

/**
 * A square matrix times up to four vectors.
 * @param {Float64Array} square
 * @param {number} m
 * @param {Float64Array} block
 * @param {number} count
 */
function times(square, m, block, count) {
  const q = new Float64Array(4 * m); // interleaved
  for (let c = 0; c < count; c++) for (let j = 0; j < m; j++) q[4 * j + c] = block[c * m + j];
  const out = new Float64Array(4 * m);
  for (let i = 0; i < m; i++) {
    let y0 = 0, y1 = 0, y2 = 0, y3 = 0;
    for (let j = 0, at = i * m, k = 0; j < m; j++, at++, k += 4) {
      const x = square[at];
      y0 += x * q[k]; y1 += x * q[k + 1]; y2 += x * q[k + 2]; y3 += x * q[k + 3];
    }
    out[i] = y0; out[m + i] = y1; out[2 * m + i] = y2; out[3 * m + i] = y3;
  }
  return out.subarray(0, count * m);
}

/**
 * Directions whose value is more than rounding, at least one.
 * @param {Spectrum} top
 * @param {number} most
 */
function present(top, most) {
  const noise = top.m * EPS * Math.max(top.values[0], 0);
  top.values.forEach((value, k) => {
    if (value <= noise) top.values[k] = 0;
  });
  return Math.max(1, top.values.subarray(0, most).filter((value) => value > 0).length);
}

/**
 * The Gram matrix before centring.
 * @param {Matrix} matrix
 * @param {Float64Array} mean
 * @param {Float64Array} gram
 */
function withMean(matrix, mean, gram) {
  const { n, d, data } = matrix;
  const full = gram.slice();
  if (n >= d) {
    for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) full[i * d + j] += n * mean[i] * mean[j];
    return full;
  }
  const along = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = 0, at = i * d; j < d; j++, at++) along[i] += (data[at] - mean[j]) * mean[j];
  const length = dot(mean, mean);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) full[i * n + j] += along[i] + along[j] + length;
  return full;
}

/**
 * By block Lanczos on F'F, one reading of the rows for a block.
 * @param {Matrix} matrix
 * @param {Float64Array} shift
 * @param {(done: number) => void} tick
 * @returns {Top}
 */
function fromRows(matrix, shift, tick) {
  const { n, d } = matrix;
  /** @type {Float64Array[]} */
  const lefts = []; // of every vector of the basis, F q
  const apply = (/** @type {Float64Array} */ block, /** @type {number} */ count) => {
    const { left, back } = normal(matrix, shift, block, count);
    lefts.push(...left);
    return back;
  };
  const top = lanczos(apply, d, { wanted: 2, most: RANK, limit: Math.min(d, 4 * PASSES), growth: 1, tick });
  const r = present(top, top.values.length);
  const coordinates = new Float64Array(n * r);
  const size = lefts.length;
  const weights = /** @type {Float64Array} */ (top.weights);
  for (let k = 0; k < r; k++) {
    for (let b = 0; b < size; b++) {
      const weight = weights[k * size + b];
      const left = lefts[b];
      for (let i = 0; i < n; i++) coordinates[i * r + k] += weight * left[i];
    }
  }
  return { ...top, coordinates, r };
}

/**
 * F q and F'F q of up to four vectors q, F the rows minus `shift`; four rows at a time.
 * @param {Matrix} matrix
 * @param {Float64Array} shift
 * @param {Float64Array} block
 * @param {number} count
 */
function normal({ n, d, data }, shift, block, count) {
  const q = new Float64Array(4 * d); // interleaved, as all of these
  for (let c = 0; c < count; c++) for (let j = 0; j < d; j++) q[4 * j + c] = block[c * d + j];
  const z = new Float64Array(4 * d);
  const x = new Float64Array(4 * d);
  const left = Array.from({ length: count }, () => new Float64Array(n));
  const y = new Float64Array(16);
  for (let i = 0; i < n; i += 4) {
    const height = Math.min(4, n - i);
    // Of the last rows, one may be taken several times: what it adds is left out below.
    const a = i * d, b = Math.min(i + 1, n - 1) * d, e = Math.min(i + 2, n - 1) * d, f = Math.min(i + 3, n - 1) * d;
    for (let j = 0, k = 0; j < d; j++, k += 4) {
      const mean = shift[j];
      x[k] = data[a + j] - mean;
      x[k + 1] = data[b + j] - mean;
      x[k + 2] = data[e + j] - mean;
      x[k + 3] = data[f + j] - mean;
    }
    images(x, q, y);
    y.fill(0, 4 * height);
    backImages(x, y, z);
    for (let c = 0; c < count; c++) for (let r = 0; r < height; r++) left[c][i + r] = y[4 * r + c];
  }
  const back = new Float64Array(count * d);
  for (let c = 0; c < count; c++) for (let j = 0; j < d; j++) back[c * d + j] = z[4 * j + c];
  return { left, back };
}

/**
 * y = x q for four rows and four vectors.
 * @param {Float64Array} x
 * @param {Float64Array} q
 * @param {Float64Array} y
 */
function images(x, q, y) {
  let y00 = 0, y01 = 0, y02 = 0, y03 = 0, y10 = 0, y11 = 0, y12 = 0, y13 = 0;
  let y20 = 0, y21 = 0, y22 = 0, y23 = 0, y30 = 0, y31 = 0, y32 = 0, y33 = 0;
  for (let k = 0; k < x.length; k += 4) {
    const x0 = x[k], x1 = x[k + 1], x2 = x[k + 2], x3 = x[k + 3];
    const q0 = q[k], q1 = q[k + 1], q2 = q[k + 2], q3 = q[k + 3];
    y00 += x0 * q0; y01 += x0 * q1; y02 += x0 * q2; y03 += x0 * q3;
    y10 += x1 * q0; y11 += x1 * q1; y12 += x1 * q2; y13 += x1 * q3;
    y20 += x2 * q0; y21 += x2 * q1; y22 += x2 * q2; y23 += x2 * q3;
    y30 += x3 * q0; y31 += x3 * q1; y32 += x3 * q2; y33 += x3 * q3;
  }
  y.set([y00, y01, y02, y03, y10, y11, y12, y13, y20, y21, y22, y23, y30, y31, y32, y33]);
}

/**
 * z += x' y for four rows and four vectors.
 * @param {Float64Array} x
 * @param {Float64Array} y
 * @param {Float64Array} z
 */
function backImages(x, y, z) {
  const [y00, y01, y02, y03, y10, y11, y12, y13, y20, y21, y22, y23, y30, y31, y32, y33] = y;
  for (let k = 0; k < x.length; k += 4) {
    const x0 = x[k], x1 = x[k + 1], x2 = x[k + 2], x3 = x[k + 3];
    z[k] += x0 * y00 + x1 * y10 + x2 * y20 + x3 * y30;
    z[k + 1] += x0 * y01 + x1 * y11 + x2 * y21 + x3 * y31;
    z[k + 2] += x0 * y02 + x1 * y12 + x2 * y22 + x3 * y32;
    z[k + 3] += x0 * y03 + x1 * y13 + x2 * y23 + x3 * y33;
  }
}

/**
 * The result, with the library's bounds (pvlib/measure/bounds.py), all products in float64.
 * @param {Matrix} given
 * @param {boolean} centred
 * @param {Top} top
 * @param {{scale: number, energy: number, raw: number, dual: boolean}} known
 * @returns {PVector}
 */
function vectorOf(given, centred, top, { scale, energy, raw, dual }) {
  const { name, n, d } = given;
  const { values, coordinates, r } = top;
  const [one, two = 0] = values;
  const vector = Float64Array.from({ length: n }, (_, i) => coordinates[i * r]);
  orient(vector, centred);
  const length = Math.max(4096, Math.min(n, d)); // rows of a block, at the most
  const product = (dual ? n + d : Math.min(n, length) + 5) * EPS * energy;
  const rounding = (dual ? 0 : d + length + 16) * EPS * energy;
  const weyl = dual ? product : product + 4 * d * EPS * one;
  const turned = tilt(top.residual + rounding + (dual ? product : 0), one - two - weyl - rounding - (dual ? product : 0));
  const defined = turned < Math.PI / 4;
  const shrink = dual || !defined ? 1 : Math.sqrt(Math.min(1, (two + weyl) / one));
  const own = dual ? 0 : d * EPS * Math.sqrt(raw / one);
  const resolution = Math.sqrt(dual ? 2 * product : weyl + rounding) / scale;
  const singular_values = Array.from(values.subarray(0, Math.max(2, Math.min(top.settled, RANK))), (value) =>
    Math.sqrt(Math.max(value, 0)) / scale,
  );
  if (!singular_values.every(Number.isFinite)) {
    throw new Error(
      `${name}: features hold entries near ${(1 / scale).toExponential(0)}, and their singular values are beyond the range of ` +
        "float64 (1.8e308): divide the features by a constant, which changes no P-vector",
    );
  }
  const second = singular_values[1] ?? 0;
  const single = Math.min(n - Number(centred), d) === 1;
  return {
    name,
    n,
    d,
    centred,
    vector,
    singular_values,
    resolution,
    ratio: single ? Infinity : singular_values[0] / Math.max(second, resolution),
    resolved: single || second > resolution,
    explained: Math.min(1, one / energy),
    cos_constant: Math.abs(vector.reduce((sum, x) => sum + x, 0)) / Math.sqrt(n),
    error_bound: Math.min(Math.PI / 2, turned * shrink + own),
    defined,
    stability: NaN,
    coordinates,
  };
}

/**
 * Davis & Kahan: the angle that an error can turn a vector by.
 * @param {number} error
 * @param {number} gap
 */
const tilt = (error, gap) => (gap > error ? Math.asin(error / gap) : Math.PI / 2);

/**
 * Unit length, and the library's sign: a positive sum, or a positive largest entry where the sum is 0.
 * @param {Float64Array} vector
 * @param {boolean} centred
 */
function orient(vector, centred) {
  const length = norm(vector);
  const sum = vector.reduce((total, x) => total + x, 0) / length;
  const largest = vector.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0);
  const leads = !centred && Math.abs(sum) > 1e-9 * Math.sqrt(vector.length) ? sum : largest;
  const factor = (leads < 0 ? -1 : 1) / length;
  for (let i = 0; i < vector.length; i++) vector[i] *= factor;
}
