/** Permutations: known answers of NumPy 2, so that this file needs no Python. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { permutations } from "../../book/_try/random.js";

test("permutations of another order than NumPy's would give another null", () => {
  const [first, second] = permutations(10, 2, 0, 1);
  assert.deepEqual([...first], [9, 1, 3, 8, 7, 6, 0, 4, 2, 5]);
  assert.deepEqual([...second], [3, 7, 1, 6, 4, 0, 5, 8, 2, 9]);
  assert.deepEqual([...permutations(10, 1, 0, 0)[0]], [4, 6, 2, 7, 3, 5, 9, 0, 8, 1]);
});

test("a long run of draws stays NumPy's", () => {
  const last = permutations(10_000, 200, 0, 1)[199];
  assert.deepEqual([...last.subarray(0, 5)], [5184, 9908, 4096, 7418, 727]);
  assert.equal(new Set(last).size, 10_000);
});
