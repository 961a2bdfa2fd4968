/** Products, eigenvalues and block Lanczos, against their definitions. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { lanczos } from "../../book/_try/lanczos.js";
import { columns, dot, eigh, norm, product, rows } from "../../book/_try/linalg.js";

/** Numbers in [-1, 1), the same each time. */
function random() {
  let state = 7;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) | 0) / 2 ** 31;
}

/**
 * @param {number} n
 * @param {number} d
 * @returns {Matrix}
 */
function matrix(n, d) {
  return { name: "x", n, d, dtype: "float64", data: Float64Array.from({ length: n * d }, random()) };
}

/**
 * @param {Float64Array} square
 * @param {number} m
 */
function operator(square, m) {
  return (/** @type {Float64Array} */ block, /** @type {number} */ count) =>
    Float64Array.from({ length: count * m }, (_, at) => {
      const [c, i] = [Math.floor(at / m), at % m];
      return dot(square.subarray(i * m, (i + 1) * m), block.subarray(c * m, (c + 1) * m));
    });
}

for (const [n, d] of [
  [5, 3],
  [64, 64],
  [300, 67],
  [3, 130],
  [257, 1],
]) {
  test(`products of ${n} x ${d} do not depend on how blocks fall`, () => {
    const x = matrix(n, d);
    const mean = Float64Array.from({ length: d }, random());
    const [c, r] = [columns(x, mean), rows(x, mean)];
    const at = (/** @type {number} */ i, /** @type {number} */ j) => x.data[i * d + j] - mean[j];
    const [gram, dual, cross] = [product(c, c), product(r, r), product(c, columns(x, mean))];
    for (const [i, j] of [
      [0, 0],
      [d - 1, 0],
      [d >> 1, d - 1],
    ]) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += at(k, i) * at(k, j);
      assert.ok(Math.abs(gram[i * d + j] - sum) < 1e-11);
      assert.ok(Math.abs(cross[i * d + j] - sum) < 1e-11);
    }
    for (const [i, j] of [
      [0, 0],
      [n - 1, 0],
      [n >> 1, n - 1],
    ]) {
      let sum = 0;
      for (let k = 0; k < d; k++) sum += at(i, k) * at(j, k);
      assert.ok(Math.abs(dual[i * n + j] - sum) < 1e-11);
    }
  });
}

for (const m of [1, 2, 5, 60, 200]) {
  test(`eigenvectors of ${m} x ${m} are orthonormal and satisfy their equation`, () => {
    const x = matrix(m + 3, m);
    const c = columns(x, new Float64Array(m));
    const square = product(c, c);
    const { values, vectors } = eigh(square, m);
    const image = operator(square, m);
    for (let k = 0; k < m; k++) {
      const vector = vectors.subarray(k * m, (k + 1) * m);
      const left = image(vector.slice(), 1).map((value, i) => value - values[k] * vector[i]);
      assert.ok(norm(left) <= 1e-12 * values[0]);
      assert.ok(k === 0 || values[k] <= values[k - 1]);
      for (let l = 0; l <= k; l++) {
        const inner = dot(vector, vectors.subarray(l * m, (l + 1) * m));
        assert.ok(Math.abs(inner - Number(k === l)) < 1e-12);
      }
    }
  });
}

test("a diagonal matrix with zeros and ties keeps its eigenvalues", () => {
  const square = new Float64Array(25);
  [3, 0, 3, 1, 0].forEach((value, i) => (square[6 * i] = value));
  assert.deepEqual([...eigh(square, 5).values], [3, 3, 1, 0, 0]);
});

test("block Lanczos finds what the whole eigenproblem finds", () => {
  const m = 240;
  const x = matrix(400, m);
  const c = columns(x, new Float64Array(m));
  const square = product(c, c);
  const [whole, top] = [eigh(square, m), lanczos(operator(square, m), m, { wanted: 32, most: 32 })];
  assert.equal(top.settled, 32);
  top.values.forEach((value, k) => assert.ok(Math.abs(value - whole.values[k]) <= 1e-10 * whole.values[0]));
  const cosine = Math.abs(dot(top.vectors.subarray(0, m), whole.vectors.subarray(0, m)));
  assert.ok(1 - cosine < 1e-12);
});

test("a tie that is wider than a block, and a matrix of low rank, are seen", () => {
  const m = 200;
  const square = new Float64Array(m * m);
  for (let i = 0; i < m; i++) square[i * m + i] = i < 9 ? 2 : i < 40 ? 1 : 0;
  const { values } = lanczos(operator(square, m), m, { wanted: 32, most: 32 });
  assert.deepEqual(
    [...values.subarray(0, 12)].map((value) => Math.round(1e9 * value) / 1e9),
    [2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1],
  );
});
