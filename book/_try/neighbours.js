/** Mutual nearest neighbours by cosine (pvlib/measure/similarity.py): asked only where linear CKA sees nothing in common. */

import { norm, product, rows } from "./linalg.js";

const NEIGHBOURS = 10;

/**
 * p-value of the mean share of common neighbours, over permutations of the samples.
 * @param {Matrix} a
 * @param {Matrix} b
 * @param {Int32Array[]} orders
 */
export function nullOfNeighbours(a, b, orders) {
  const [near, close] = [nearest(a), nearest(b)];
  const { n } = a;
  const found = shared(near, close);
  const above = orders.filter((order) => {
    const place = new Int32Array(n);
    order.forEach((from, to) => (place[from] = to));
    // Row i of the second matrix is now its row order[i], and its neighbours have moved with it.
    return (
      shared(
        near,
        Array.from(order, (from) => close[from].map((j) => place[j])),
      ) >= found
    );
  }).length;
  return (1 + above) / (1 + orders.length);
}

/**
 * @param {Matrix} matrix
 * @returns {Int32Array[]}
 */
function nearest({ name, n, d, data, dtype }) {
  const unit = Float64Array.from(data);
  for (let i = 0; i < n; i++) {
    const row = unit.subarray(i * d, (i + 1) * d);
    const length = norm(row) || 1;
    for (let j = 0; j < d; j++) row[j] /= length;
  }
  const side = rows({ name, n, d, dtype, data: unit }, new Float64Array(d));
  const cosines = product(side, side);
  return Array.from({ length: n }, (_, i) => {
    const others = Int32Array.from({ length: n }, (_, j) => j).filter((j) => j !== i);
    return others.sort((j, k) => cosines[i * n + k] - cosines[i * n + j]).slice(0, NEIGHBOURS);
  });
}

/**
 * Number of neighbours that all samples have in common.
 * @param {Int32Array[]} near
 * @param {Int32Array[]} close
 */
function shared(near, close) {
  return near.reduce((sum, list, i) => sum + list.filter((j) => close[i].includes(j)).length, 0);
}
