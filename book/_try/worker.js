/** What runs beside the page: files are read and measured here, so that the page stays alive and can stop it. */

import { draws } from "./calibrate.js";
import { KINDS, calibrated, comparePVectors, prepare, refuseDifferent, withCKA } from "./compare.js";
import { cost, norms } from "./cka.js";
import { refuseBroken } from "./doctor.js";
import { LARGEST, Refused, Several, checkSize, labelsFor, readLabels, readMatrix } from "./read.js";
import { helpersFor, sharedNorms, shares, stripNorm } from "./shared.js";

const SPEED = 1.5e9; // multiplications a second of an ordinary machine, for a word on how long CKA takes
const SOON = 3; // seconds

/** @type {Map<string, Matrix>} */
const matrices = new Map();

/** @param {object} message */
const say = (message) => self.postMessage(message);

/**
 * @param {File} file
 * @returns {Promise<Uint8Array>}
 */
async function bytesOf(file) {
  try {
    checkSize(file.size);
  } catch (error) {
    throw new Refused(`${file.name}: ${error instanceof Error ? error.message : error}`);
  }
  return new Uint8Array(await file.arrayBuffer());
}

/**
 * P-vectors without what only a comparison needs.
 * @param {import("./compare.js").Ready} ready
 */
const sendable = ({ vectors }) =>
  Object.fromEntries(KINDS.map((kind) => [kind, { ...vectors[kind], coordinates: undefined }]));

/** What the page can ask for; each answer is posted. */
const actions = {
  /** @param {{id: string, file: File, name: string, array?: string}} asked */
  async read({ id, file, name, array }) {
    try {
      const matrix = readMatrix(name, await bytesOf(file), array);
      refuseBroken(matrix);
      matrices.set(id, matrix);
      say({ type: "read", id, ...matrix, data: undefined });
    } catch (error) {
      matrices.delete(id);
      if (!(error instanceof Several)) throw error;
      say({ type: "several", id, names: error.names, text: error.message });
    }
  },

  /** @param {{id: string}} asked */
  async forget({ id }) {
    matrices.delete(id);
  },

  /** @param {{file: File, n: number}} asked */
  async labels({ file, n }) {
    say({ type: "labels", ...labelsFor(readLabels(file.name, await bytesOf(file)), n) });
  },

  /** @param {{ids: string[]}} asked */
  async compare({ ids }) {
    const chosen = ids.map((id) => /** @type {Matrix} */ (matrices.get(id)));
    refuseDifferent(chosen);
    const held = chosen.reduce((sum, { data }) => sum + data.byteLength, 0);
    if (held > 2 * LARGEST)
      throw new Refused("these files together are more than a tab can hold: compare fewer at a time");
    progress("Drawing permutations of the samples", 0);
    const drawn = draws(chosen[0].n);
    const ready = chosen.map((matrix, i) =>
      prepare(matrix, drawn, (done) => progress(`Measuring ${matrix.name}`, (i + done) / chosen.length)),
    );
    const places = ready.flatMap((_, i) => ready.slice(i + 1).map((_, j) => [i, i + 1 + j]));
    progress("Comparing P-vectors with permuted samples", 1);
    const pairs = places.map(([i, j]) => comparePVectors(ready[i], ready[j]));
    const files = ready.map((one, i) => ({ ...chosen[i], data: undefined, vectors: sendable(one) }));
    say({ type: "vectors", files, pairs });
    for (const [number, [i, j]] of places.entries()) {
      const [a, b] = [ready[i], ready[j]];
      const seconds = Math.ceil(cost(a, b) / SPEED / (shares(a, b) ? helpersFor(a, b) : 1));
      const about = seconds > SOON ? `, about ${seconds} s` : "";
      const share = (/** @type {number} */ done) =>
        progress(`Linear CKA of ${a.matrix.name} and ${b.matrix.name}${about}`, (number + done) / places.length);
      share(0);
      const found = shares(a, b) ? await sharedNorms(a, b, share) : norms(a, b, share);
      pairs[number] = withCKA(pairs[number], found);
      say({ type: "pair", number, pair: pairs[number] });
    }
    places.forEach(([i, j], number) => {
      const [a, b] = [ready[i], ready[j]];
      const text = `Permuted samples in linear CKA of ${a.matrix.name} and ${b.matrix.name}`;
      pairs[number] = calibrated(pairs[number], a, b, (done) => progress(text, (number + done) / places.length));
      say({ type: "pair", number, pair: pairs[number] });
    });
    say({ type: "done" });
  },

  /** One file without another. @param {{id: string}} asked */
  async measure({ id }) {
    const matrix = /** @type {Matrix} */ (matrices.get(id));
    say({ type: "measured", vectors: sendable(prepare(matrix, draws(matrix.n), () => {})) });
  },

  /** Of a helper: the right side of products that are to come. @param {import("./shared.js").Held} asked */
  async hold({ matrix, mean }) {
    held = { matrix, mean };
  },

  /** Of a helper: a strip of the left side. @param {import("./shared.js").Strip} asked */
  async strip(asked) {
    say({ type: "strip", sum: stripNorm(asked, /** @type {import("./shared.js").Held} */ (held)) });
  },
};

/** @type {import("./shared.js").Held | null} */
let held = null;

let shown = "";
/**
 * @param {string} text
 * @param {number} done
 */
function progress(text, done) {
  const now = `${text} ${Math.round(100 * done)}`;
  if (now === shown) return; // a message for every block would cost more than the block
  shown = now;
  say({ type: "progress", text, done });
}

let turn = Promise.resolve();

/** One after the other: a comparison waits for the files that were asked for before it. */
self.onmessage = ({ data }) => {
  turn = turn.then(async () => {
    try {
      await actions[/** @type {keyof typeof actions} */ (data.type)](data);
    } catch (error) {
      say({ type: "error", id: data.id, asked: data.type, text: words(error) });
    }
  });
};

/** @param {unknown} error */
function words(error) {
  if (error instanceof RangeError) return "not enough memory in this tab: use `pvlib compare` on the command line";
  return error instanceof Error ? error.message : String(error);
}
