/**
 * Debiased linear CKA, with its null and interval where these take seconds (pvlib/measure/similarity.py, calibration.py).
 *
 * The estimate needs the moments of the features; what is drawn goes through kernels of samples x samples, in which a permutation
 * costs n^2 operations whatever the number of features.
 */

import { row } from "./calibrate.js";
import { columns, dot, eigh, product, rows } from "./linalg.js";

const RANK = 256; // leading directions that half-samples and permutations go through
const WHOLE = 5; // permutations of matrices with more directions that go through all of them
const MOST_SAMPLES = 2500; // kernels of more would fill the tab
const MOST_DIRECTIONS = 1024; // an eigenproblem of more would take minutes

/** @typedef {import("./pvector.js").Measured} Measured */
/**
 * Squared norms of A'A, B'B and A'B of centred matrices, and what debiasing needs beside them.
 * @typedef {{n: number, aa: number, bb: number, ab: number, traces: [number, number], diagonals: [number, number, number]}} Norms
 */

/**
 * @param {Norms} norms
 */
export function debiased({ n, aa, bb, ab, traces: [a, b], diagonals: [kk, ll, kl] }) {
  const hsic = (/** @type {number} */ cross, /** @type {number} */ diagonal, /** @type {number} */ both) =>
    cross - (diagonal * n) / (n - 2) + both / ((n - 1) * (n - 2));
  const [one, two] = [hsic(aa, kk, a * a), hsic(bb, ll, b * b)];
  if (Math.min(one, two) <= 0)
    throw new Error("debiased CKA is undefined: the unbiased self-similarity of a matrix is not positive");
  return hsic(ab, kl, a * b) / Math.sqrt(one) / Math.sqrt(two);
}

/** Multiplications that the estimate of a pair takes. */
export function cost(/** @type {Measured} */ a, /** @type {Measured} */ b) {
  const { n } = a.matrix;
  const own = (/** @type {Measured} */ one) => (one.gram ? 0 : n * one.matrix.d ** 2);
  return wide(a, b) ? n * n * (a.matrix.d + b.matrix.d) : n * a.matrix.d * b.matrix.d + (own(a) + own(b)) / 2;
}

/** Whether kernels of samples x samples are smaller than moments of features x features. */
export const wide = (/** @type {Measured} */ a, /** @type {Measured} */ b) =>
  Math.max(a.matrix.d, b.matrix.d) > a.matrix.n;

/**
 * @param {Measured} a
 * @param {Measured} b
 * @param {(done: number) => void} tick
 * @returns {Norms}
 */
export function norms(a, b, tick) {
  const sums = ofRows(a, b);
  const [left, right] = [a, b].map(({ matrix, mean }) => (wide(a, b) ? rows(matrix, mean) : columns(matrix, mean)));
  if (wide(a, b)) {
    const dual = (
      /** @type {Measured} */ one,
      /** @type {import("./linalg.js").Side} */ side,
      /** @type {number} */ from,
    ) => (one.gram && one.matrix.n < one.matrix.d ? one.gram : product(side, side, (done) => tick(from + done / 2)));
    const [K, L] = [dual(a, left, 0), dual(b, right, 0.5)];
    return { ...sums, aa: dot(K, K), bb: dot(L, L), ab: dot(K, L) };
  }
  const own = [left, right].map((side, turn) => {
    const measured = turn ? b : a;
    measured.gram ??= product(side, side, (done) => tick((turn + done) / 4));
    return dot(measured.gram, measured.gram);
  });
  const cross = product(left, right, (done) => tick(0.5 + done / 2));
  return { ...sums, aa: own[0], bb: own[1], ab: dot(cross, cross) };
}

/**
 * What the norms need of the rows alone.
 * @param {Measured} a
 * @param {Measured} b
 */
export function ofRows(a, b) {
  const [k, l] = [a, b].map(({ matrix, mean }) => lengths(matrix, mean));
  return { n: a.matrix.n, traces: /** @type {[number, number]} */ ([total(k), total(l)]), diagonals: diagonals(k, l) };
}

/**
 * Squared lengths of the centred rows.
 * @param {Matrix} matrix
 * @param {Float64Array} mean
 */
function lengths({ n, d, data }, mean) {
  return Float64Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let j = 0, at = i * d; j < d; j++, at++) sum += (data[at] - mean[j]) ** 2;
    return sum;
  });
}

const total = (/** @type {Float64Array} */ x) => x.reduce((sum, value) => sum + value, 0);

/**
 * @param {Float64Array} k
 * @param {Float64Array} l
 * @returns {[number, number, number]}
 */
const diagonals = (k, l) => [dot(k, k), dot(l, l), dot(k, l)];

/** Whether the page computes what debiased CKA is over permutations and half-samples. */
export function hasNull(/** @type {Measured} */ a, /** @type {Measured} */ b) {
  const directions = (/** @type {Measured} */ { matrix: { n, d } }) => Math.min(n, d);
  return a.matrix.n <= MOST_SAMPLES && Math.max(directions(a), directions(b)) <= MOST_DIRECTIONS;
}

/** What the library says where it goes through the leading directions alone. */
export function note(/** @type {Measured} */ a, /** @type {Measured} */ b) {
  const directions = Math.max(...[a, b].map(({ matrix: { n, d } }) => Math.min(n, d)));
  if (directions <= RANK || !hasNull(a, b)) return [];
  return [`intervals and nulls of CKA went through the ${RANK} leading directions; what that changes is added to them`];
}

/**
 * The kernel of all directions, and that of the leading directions alone where it has more than these.
 * @typedef {{n: number, whole: Float64Array, leading: Float64Array}} Kernel
 */

/**
 * @param {Measured} measured
 * @param {(done: number) => void} tick
 * @returns {Kernel}
 */
export function kernel(measured, tick) {
  const { matrix, mean } = measured;
  const { n, d } = matrix;
  const m = Math.min(n, d);
  const side = rows(matrix, mean);
  const own = n < d ? side : columns(matrix, mean);
  const gram = (measured.gram ??= product(own, own));
  const whole = n < d ? gram : product(side, side, (done) => tick(done / 2));
  if (m <= RANK) return { n, whole, leading: whole };
  const found = eigh(gram, m);
  tick(0.8);
  const top = { n: RANK, d: m, data: found.vectors.subarray(0, RANK * m) };
  const zeros = new Float64Array(m);
  let scores;
  if (n < d) {
    scores = new Float64Array(n * RANK);
    for (let k = 0; k < RANK; k++) {
      const length = Math.sqrt(Math.max(found.values[k], 0));
      for (let i = 0; i < n; i++) scores[i * RANK + k] = found.vectors[k * n + i] * length;
    }
  } else {
    scores = product(side, rows(/** @type {Matrix} */ (top), zeros));
  }
  const part = rows(/** @type {Matrix} */ ({ n, d: RANK, data: scores }), new Float64Array(RANK));
  return { n, whole, leading: product(part, part, (done) => tick(0.8 + 0.2 * done)) };
}

/**
 * The row of debiased CKA in the table.
 * @param {number} estimate
 * @param {Kernel} K
 * @param {Kernel} L
 * @param {import("./calibrate.js").Draws} draws
 * @param {(done: number) => void} tick
 */
export function calibratedRow(estimate, K, L, { orders, halves }, tick) {
  const drawn = normsOf(K.leading, L.leading, K.n);
  const all = orders.length + halves.length;
  const values = orders.map((order, i) => {
    tick(i / all);
    return debiased({ ...drawn, ...permuted(K.leading, L.leading, order) });
  });
  const whole = K.leading === K.whole && L.leading === L.whole ? null : normsOf(K.whole, L.whole, K.n);
  const lost = whole
    ? orders.slice(0, WHOLE).map((order, i) => debiased({ ...whole, ...permuted(K.whole, L.whole, order) }) - values[i])
    : [0];
  const more = Math.max(...lost); // the largest: rather too high a null than too low a one
  const over = halves.map((half, i) => {
    tick((orders.length + i) / all);
    return debiased(chosen(K.leading, L.leading, K.n, half));
  });
  return row(
    "linear CKA, debiased",
    estimate,
    over,
    values.map((value) => value + more),
    Math.abs(estimate - debiased(drawn)),
  );
}

/**
 * @param {Float64Array} K
 * @param {Float64Array} L
 * @param {number} n
 * @returns {Norms}
 */
function normsOf(K, L, n) {
  const [k, l] = [K, L].map((kernel) => Float64Array.from({ length: n }, (_, i) => kernel[i * n + i]));
  return { n, aa: dot(K, K), bb: dot(L, L), ab: dot(K, L), traces: [total(k), total(l)], diagonals: diagonals(k, l) };
}

/**
 * What changes where the samples of the second matrix come in another order.
 * @param {Float64Array} K
 * @param {Float64Array} L
 * @param {Int32Array} order
 */
function permuted(K, L, order) {
  const n = order.length;
  let ab = 0;
  const diagonals = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const from = order[i] * n;
    let sum = 0;
    for (let j = 0, at = i * n; j < i; j++, at++) sum += K[at] * L[from + order[j]];
    const [k, l] = [K[i * n + i], L[from + order[i]]];
    ab += 2 * sum + k * l;
    diagonals[0] += k * k;
    diagonals[1] += l * l;
    diagonals[2] += k * l;
  }
  return { ab, diagonals: /** @type {[number, number, number]} */ (diagonals) };
}

/**
 * The norms of some of the samples, centred among themselves.
 * @param {Float64Array} K
 * @param {Float64Array} L
 * @param {number} n
 * @param {Int32Array} half
 * @returns {Norms}
 */
function chosen(K, L, n, half) {
  const h = half.length;
  const [k, l, kOwn, lOwn] = Array.from({ length: 4 }, () => new Float64Array(h)); // sums of rows; the diagonals
  let [aa, bb, ab] = [0, 0, 0];
  for (let i = 0; i < h; i++) {
    const from = half[i] * n;
    for (let j = 0; j < i; j++) {
      const [x, y] = [K[from + half[j]], L[from + half[j]]];
      k[i] += x;
      l[i] += y;
      k[j] += x;
      l[j] += y;
      aa += 2 * x * x;
      bb += 2 * y * y;
      ab += 2 * x * y;
    }
    kOwn[i] = K[from + half[i]];
    lOwn[i] = L[from + half[i]];
    k[i] += kOwn[i];
    l[i] += lOwn[i];
    aa += kOwn[i] ** 2;
    bb += lOwn[i] ** 2;
    ab += kOwn[i] * lOwn[i];
  }
  const [a, b] = [total(k), total(l)];
  const centred = (/** @type {number} */ sum, /** @type {number} */ cross, /** @type {number} */ both) =>
    sum - (2 / h) * cross + both / h ** 2;
  const kc = kOwn.map((own, i) => own - (2 * k[i]) / h + a / h ** 2);
  const lc = lOwn.map((own, i) => own - (2 * l[i]) / h + b / h ** 2);
  return {
    n: h,
    aa: centred(aa, dot(k, k), a * a),
    bb: centred(bb, dot(l, l), b * b),
    ab: centred(ab, dot(k, l), a * b),
    traces: [total(kc), total(lc)],
    diagonals: diagonals(kc, lc),
  };
}
