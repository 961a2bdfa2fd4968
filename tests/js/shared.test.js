/** Strips that helpers multiply add up to what one worker finds. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { norms } from "../../book/_try/cka.js";
import { measured } from "../../book/_try/pvector.js";
import { sharedNorms, stripNorm } from "../../book/_try/shared.js";

let state = 3;
const random = () => (state = (Math.imul(state, 1664525) + 1013904223) | 0) / 2 ** 31;

/**
 * @param {number} n
 * @param {number} d
 * @returns {Matrix}
 */
const matrix = (n, d) => ({ name: "x", n, d, dtype: "float64", data: Float64Array.from({ length: n * d }, random) });

/** Stands for a worker of the browser, with what the page's script answers. */
class Helper {
  /** @type {any} */ onmessage = null;
  /** @type {any} */ held = null;

  /** @param {any} message */
  postMessage(message) {
    if (message.type === "hold") this.held = message;
    else setImmediate(() => this.onmessage({ data: { type: "strip", sum: stripNorm(message, this.held) } }));
  }

  terminate() {}
}

test("helpers give the norms of one worker, whatever the widths", async () => {
  Object.assign(globalThis, { Worker: Helper, pvTrySource: "" });
  for (const [d, e] of [
    [300, 140],
    [128, 257],
  ]) {
    const [a, b] = [measured(matrix(400, d)), measured(matrix(400, e))];
    const alone = norms(a, b, () => {});
    a.gram = b.gram = null; // as of matrices that are too large for it
    const shared = await sharedNorms(a, b, () => {});
    for (const key of /** @type {const} */ (["aa", "bb", "ab"]))
      assert.ok(Math.abs(shared[key] / alone[key] - 1) < 1e-12, key);
    assert.deepEqual(shared.traces, alone.traces);
  }
});

test("where helpers cannot be had, one worker does it", async () => {
  Object.assign(globalThis, {
    Worker: class {
      constructor() {
        throw new Error("none");
      }
    },
    pvTrySource: "",
  });
  const [a, b] = [measured(matrix(60, 9)), measured(matrix(60, 7))];
  assert.deepEqual(
    await sharedNorms(a, b, () => {}),
    norms(a, b, () => {}),
  );
});
