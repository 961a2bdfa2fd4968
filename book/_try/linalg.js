/**
 * Dense linear algebra in float64: products of tall matrices, a symmetric eigensolver, block Lanczos.
 *
 * Centring is done while a block is packed, so that nothing is copied whole and no digits cancel.
 */

export const EPS = 2 ** -52;
const TILE = 64; // columns of a block, 16 panels of 4
const DEPTH = 256; // of a block: two of them fit into a core's cache
const LEFT = new Float64Array(TILE * DEPTH);
const RIGHT = new Float64Array(TILE * DEPTH);

/**
 * One side of a product: `size` vectors of length `depth`, packed four by four.
 * @typedef {{size: number, depth: number, pack: (first: number, from: number, count: number, into: Float64Array) => void}} Side
 */

/**
 * The columns of a matrix, minus their mean; all of them, or those from one on.
 * @param {Matrix} matrix
 * @param {Float64Array} mean
 * @param {number} [start]
 * @returns {Side}
 */
export function columns({ n, d, data }, mean, start = 0) {
  return {
    size: d - start,
    depth: n,
    pack(first, from, count, into) {
      const column = start + first;
      const wide = Math.min(TILE, d - column);
      if (wide < TILE) into.fill(0);
      for (let r = 0; r < count; r++) {
        const at = (from + r) * d + column;
        for (let c = 0; c < wide; c++) into[(c & ~3) * DEPTH + 4 * r + (c & 3)] = data[at + c] - mean[column + c];
      }
    },
  };
}

/**
 * The rows of a matrix, minus the mean row.
 * @param {Matrix} matrix
 * @param {Float64Array} mean
 * @returns {Side}
 */
export function rows({ n, d, data }, mean) {
  return {
    size: n,
    depth: d,
    pack(first, from, count, into) {
      const tall = Math.min(TILE, n - first);
      if (tall < TILE) into.fill(0);
      for (let c = 0; c < tall; c++) {
        const at = (first + c) * d + from;
        const to = (c & ~3) * DEPTH + (c & 3);
        for (let r = 0; r < count; r++) into[to + 4 * r] = data[at + r] - mean[from + r];
      }
    },
  };
}

/**
 * The mean of every feature, corrected once by the mean of what is left.
 * @param {Matrix} matrix
 */
export function meanRow({ n, d, data }) {
  const mean = new Float64Array(d);
  for (let pass = 0; pass < 2; pass++) {
    const sums = new Float64Array(d);
    for (let i = 0; i < n; i++) for (let j = 0, at = i * d; j < d; j++, at++) sums[j] += data[at] - mean[j];
    for (let j = 0; j < d; j++) mean[j] += sums[j] / n;
  }
  // Where all entries of a feature are equal, their rounded mean is not: there, nothing must be left.
  for (let j = 0; j < d; j++) {
    let i = 1;
    while (i < n && data[i * d + j] === data[j]) i++;
    if (i === n) mean[j] = data[j];
  }
  return mean;
}

/**
 * All inner products of the vectors of one side with those of the other, (left.size, right.size).
 * @param {Side} left
 * @param {Side} right the same object where the product is symmetric: half of it is computed
 * @param {(done: number) => void} [tick] told the share that is done
 */
export function product(left, right, tick) {
  const out = new Float64Array(left.size * right.size);
  const symmetric = left === right;
  for (let i = 0; i < left.size; i += TILE) {
    for (let from = 0; from < left.depth; from += DEPTH) {
      const count = Math.min(DEPTH, left.depth - from);
      left.pack(i, from, count, LEFT);
      for (let j = symmetric ? i : 0; j < right.size; j += TILE) {
        if (!(symmetric && i === j)) right.pack(j, from, count, RIGHT);
        const own = symmetric && i === j;
        multiply(LEFT, own ? LEFT : RIGHT, count, out, right.size, i, j, own);
      }
    }
    const done = Math.min(1, (i + TILE) / left.size);
    tick?.(symmetric ? done * (2 - done) : done);
  }
  if (symmetric) {
    const m = left.size;
    for (let i = 0; i < m; i++) for (let j = 0; j < i; j++) out[i * m + j] = out[j * m + i];
  }
  return out;
}

/**
 * Add the product of two packed blocks to `out` at (top, left): sixteen sums at a time stay in registers.
 * @param {Float64Array} a
 * @param {Float64Array} b
 * @param {number} count
 * @param {Float64Array} out
 * @param {number} width
 * @param {number} top
 * @param {number} left
 * @param {boolean} upper whether the lower triangle is left out
 */
function multiply(a, b, count, out, width, top, left, upper) {
  const height = out.length / width;
  for (let p = 0; p < TILE && top + p < height; p += 4) {
    for (let q = upper ? p : 0; q < TILE && left + q < width; q += 4) {
      let c00 = 0, c01 = 0, c02 = 0, c03 = 0, c10 = 0, c11 = 0, c12 = 0, c13 = 0;
      let c20 = 0, c21 = 0, c22 = 0, c23 = 0, c30 = 0, c31 = 0, c32 = 0, c33 = 0;
      let i = p * DEPTH;
      let j = q * DEPTH;
      for (let r = 0; r < count; r++, i += 4, j += 4) {
        const a0 = a[i], a1 = a[i + 1], a2 = a[i + 2], a3 = a[i + 3];
        const b0 = b[j], b1 = b[j + 1], b2 = b[j + 2], b3 = b[j + 3];
        c00 += a0 * b0; c01 += a0 * b1; c02 += a0 * b2; c03 += a0 * b3;
        c10 += a1 * b0; c11 += a1 * b1; c12 += a1 * b2; c13 += a1 * b3;
        c20 += a2 * b0; c21 += a2 * b1; c22 += a2 * b2; c23 += a2 * b3;
        c30 += a3 * b0; c31 += a3 * b1; c32 += a3 * b2; c33 += a3 * b3;
      }
      const sums = [c00, c01, c02, c03, c10, c11, c12, c13, c20, c21, c22, c23, c30, c31, c32, c33];
      const wide = Math.min(4, width - left - q);
      for (let r = 0; r < Math.min(4, height - top - p); r++) {
        for (let c = 0; c < wide; c++) out[(top + p + r) * width + left + q + c] += sums[4 * r + c];
      }
    }
  }
}

/**
 * Inner product.
 * @param {Float64Array} x
 * @param {Float64Array} y
 */
export function dot(x, y) {
  const length = x.length;
  let a = 0, b = 0, c = 0, d = 0; // four sums, which do not wait for each other
  let i = 0;
  for (; i + 3 < length; i += 4) {
    a += x[i] * y[i];
    b += x[i + 1] * y[i + 1];
    c += x[i + 2] * y[i + 2];
    d += x[i + 3] * y[i + 3];
  }
  for (; i < length; i++) a += x[i] * y[i];
  return a + b + (c + d);
}

/** @param {Float64Array} x */
export const norm = (x) => Math.sqrt(dot(x, x));

/**
 * Eigenvalues, descending, and eigenvectors of a symmetric matrix: Householder's tridiagonal form, then implicit QL.
 *
 * After tred2 and tql2 of EISPACK (Bowdler, Martin, Reinsch & Wilkinson 1968), kept by rows, which are contiguous.
 * @param {Float64Array} matrix (m, m)
 * @param {number} m
 * @returns {Spectrum}
 */
export function eigh(matrix, m) {
  const z = matrix.slice(); // row i becomes eigenvector i
  const diagonal = new Float64Array(m);
  const off = new Float64Array(m);
  tridiagonal(z, m, diagonal, off);
  implicitQL(z, m, diagonal, off);
  const order = Array.from(diagonal.keys()).sort((i, j) => diagonal[j] - diagonal[i]);
  const vectors = new Float64Array(m * m);
  order.forEach((from, to) => vectors.set(z.subarray(from * m, (from + 1) * m), to * m));
  return { m, values: Float64Array.from(order, (i) => diagonal[i]), vectors, settled: m, residual: 0 };
}

/**
 * Reduce to tridiagonal form; the rows of `z` become the transposed transformation.
 * @param {Float64Array} z
 * @param {number} m
 * @param {Float64Array} diagonal
 * @param {Float64Array} off
 */
function tridiagonal(z, m, diagonal, off) {
  const scales = new Float64Array(m);
  for (let i = m - 1; i > 0; i--) {
    const row = z.subarray(i * m, i * m + i);
    let largest = 0;
    for (let k = 0; k < i; k++) largest = Math.max(largest, Math.abs(row[k]));
    scales[i] = 0;
    if (i === 1 || largest === 0) {
      off[i] = row[i - 1];
      continue;
    }
    let h = 0;
    for (let k = 0; k < i; k++) {
      row[k] /= largest;
      h += row[k] * row[k];
    }
    const f = row[i - 1];
    const g = f >= 0 ? -Math.sqrt(h) : Math.sqrt(h);
    off[i] = largest * g;
    h -= f * g;
    row[i - 1] = f - g;
    const image = off.subarray(0, i).fill(0);
    for (let j = 0; j < i; j++) {
      const other = z.subarray(j * m, j * m + j + 1);
      let sum = other[j] * row[j];
      for (let k = 0; k < j; k++) {
        sum += other[k] * row[k];
        image[k] += other[k] * row[j];
      }
      image[j] += sum;
    }
    let along = 0;
    for (let j = 0; j < i; j++) {
      image[j] /= h;
      along += image[j] * row[j];
    }
    const half = along / (h + h);
    for (let j = 0; j < i; j++) image[j] -= half * row[j];
    for (let j = 0; j < i; j++) {
      const other = z.subarray(j * m, j * m + j + 1);
      for (let k = 0; k <= j; k++) other[k] -= row[j] * image[k] + image[j] * row[k];
    }
    scales[i] = h;
  }
  for (let i = 0; i < m; i++) diagonal[i] = z[i * m + i];
  off[0] = 0;
  const reflectors = z.slice();
  z.fill(0);
  for (let i = 0; i < m; i++) z[i * m + i] = 1;
  // z becomes Q', whose row j is the image of the j-th unit vector.
  const sums = new Float64Array(m);
  for (let i = 1; i < m; i++) {
    if (scales[i] === 0) continue;
    const reflector = reflectors.subarray(i * m, i * m + i);
    sums.fill(0, 0, i);
    for (let k = 0; k < i; k++) {
      const row = z.subarray(k * m, k * m + i);
      sums[k] = dot(row, reflector) / scales[i];
    }
    for (let k = 0; k < i; k++) {
      const row = z.subarray(k * m, k * m + i);
      for (let j = 0; j < i; j++) row[j] -= sums[k] * reflector[j];
    }
  }
}

/**
 * Diagonalise a tridiagonal matrix, turning the rows of `z` with it.
 * @param {Float64Array} z
 * @param {number} m
 * @param {Float64Array} d
 * @param {Float64Array} e
 */
function implicitQL(z, m, d, e) {
  e.copyWithin(0, 1);
  e[m - 1] = 0;
  for (let l = 0; l < m; l++) {
    for (let tries = 0; ; tries++) {
      let last = l;
      while (last < m - 1 && Math.abs(e[last]) > EPS * (Math.abs(d[last]) + Math.abs(d[last + 1]))) last++;
      if (last === l) break;
      if (tries === 60) throw new Error("the eigenvalues did not converge: please report these files");
      let g = (d[l + 1] - d[l]) / (2 * e[l]);
      let r = Math.hypot(g, 1);
      g = d[last] - d[l] + e[l] / (g + (g >= 0 ? r : -r));
      let s = 1, c = 1, p = 0;
      let i = last - 1;
      for (; i >= l; i--) {
        const f = s * e[i];
        const b = c * e[i];
        r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] -= p;
          e[last] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        const low = z.subarray(i * m, (i + 1) * m);
        const high = z.subarray((i + 1) * m, (i + 2) * m);
        for (let k = 0; k < m; k++) {
          const t = high[k];
          high[k] = s * low[k] + c * t;
          low[k] = c * low[k] - s * t;
        }
      }
      if (r === 0 && i >= l) continue;
      d[l] -= p;
      e[l] = g;
      e[last] = 0;
    }
  }
}
