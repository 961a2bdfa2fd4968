/**
 * The norms of linear CKA for large matrices, shared among helpers: 10,000 x 2,048 takes 8e10 multiplications.
 *
 * A helper is one more worker with the same script. It holds one matrix, gets strips of columns of the other, and gives back the
 * squared norm of their product, a single number.
 */

import { cost, norms, ofRows, wide } from "./cka.js";
import { columns, dot, product } from "./linalg.js";

const DEAR = 6e9; // multiplications that take some seconds
const WIDTH = 128; // columns of a strip
const MEMORY = 768 * 2 ** 20; // bytes that all helpers may hold

/** @typedef {import("./pvector.js").Measured} Measured */
/** @typedef {{matrix: Matrix, mean: Float64Array}} Held */
/** A strip begins at column `start` of the matrix that is held, or is of the other one (-1). */
/** @typedef {Held & {start: number}} Strip */

/** Whether the norms of a pair are worth helpers. */
export const shares = (/** @type {Measured} */ a, /** @type {Measured} */ b) =>
  cost(a, b) > DEAR && !wide(a, b) && typeof Worker === "function";

/**
 * @param {Measured} a
 * @param {Measured} b
 */
export function helpersFor(a, b) {
  const most = Math.floor(MEMORY / Math.max(a.matrix.data.byteLength, b.matrix.data.byteLength));
  return Math.max(1, Math.min(most, navigator.hardwareConcurrency || 1));
}

/**
 * Squared norm of a strip's columns times those of the matrix that is held; of the same matrix, those from the strip on, once for
 * what is in the strip and twice for what is not, whose mirror image comes in no other strip.
 * @param {Strip} strip
 * @param {Held} held
 */
export function stripNorm({ matrix, mean, start }, held) {
  const own = start >= 0;
  const right = columns(held.matrix, held.mean, own ? start : 0);
  const out = product(columns(matrix, mean), right);
  let sum = 0;
  for (let i = 0, at = 0; i < matrix.d; i++) {
    for (let j = 0; j < right.size; j++, at++) sum += (own && j >= matrix.d ? 2 : 1) * out[at] * out[at];
  }
  return sum;
}

/**
 * The same as `norms`.
 * @param {Measured} a
 * @param {Measured} b
 * @param {(done: number) => void} tick
 * @returns {Promise<import("./cka.js").Norms>}
 */
export async function sharedNorms(a, b, tick) {
  const sums = ofRows(a, b);
  /** @type {Worker[]} */
  let helpers = [];
  try {
    // Not by the address of this worker: from a disk, each script may start only what it has made itself.
    const address = URL.createObjectURL(new Blob([pvTrySource], { type: "text/javascript" }));
    helpers = Array.from({ length: helpersFor(a, b) }, () => new Worker(address));
    const aa = a.gram ? dot(a.gram, a.gram) : await squared(helpers, a, a, (done) => tick(done / 4));
    const bb = b.gram ? dot(b.gram, b.gram) : await squared(helpers, b, b, (done) => tick(0.25 + done / 4));
    const ab = await squared(helpers, a, b, (done) => tick(0.5 + done / 2));
    return { ...sums, aa, bb, ab };
  } catch {
    return norms(a, b, tick); // no helpers in this browser, or no memory for them
  } finally {
    for (const helper of helpers) helper.terminate();
  }
}

/**
 * Squared norm of the product of two centred matrices: strips are given to helpers as these become free.
 * @param {Worker[]} helpers
 * @param {Measured} left
 * @param {Measured} right
 * @param {(done: number) => void} tick
 * @returns {Promise<number>}
 */
function squared(helpers, left, right, tick) {
  const { d } = left.matrix;
  const starts = Array.from({ length: Math.ceil(d / WIDTH) }, (_, i) => i * WIDTH);
  const count = starts.length;
  let [sum, done] = [0, 0];
  return new Promise((resolve, reject) => {
    const give = (/** @type {Worker} */ helper) => {
      const start = starts.shift();
      if (start === undefined) return;
      helper.postMessage({ type: "strip", ...strip(left, start), start: left === right ? start : -1 });
    };
    for (const helper of helpers) {
      helper.onerror = (event) => reject(new Error(event.message));
      helper.onmessage = ({ data }) => {
        if (data.type !== "strip") return reject(new Error(data.text));
        sum += data.sum;
        tick(++done / count);
        if (done === count) resolve(sum);
        give(helper);
      };
      helper.postMessage({ type: "hold", matrix: right.matrix, mean: right.mean });
      give(helper);
    }
  });
}

/**
 * Some columns of a matrix as one of its own.
 * @param {Measured} measured
 * @param {number} start
 * @returns {Held}
 */
function strip({ matrix, mean }, start) {
  const { n, d, data } = matrix;
  const width = Math.min(WIDTH, d - start);
  const part = data.constructor === Float32Array ? new Float32Array(n * width) : new Float64Array(n * width);
  for (let i = 0; i < n; i++) part.set(data.subarray(i * d + start, i * d + start + width), i * width);
  return { matrix: { ...matrix, d: width, data: part }, mean: mean.slice(start, start + width) };
}
