/**
 * Two matrices compared as `pvlib.compare` does, in those measures that the page shows, with its warnings in its words.
 */

import { cosine, refitted, row } from "./calibrate.js";
import { calibratedRow, debiased, hasNull, kernel, note } from "./cka.js";
import { examine, reordered } from "./doctor.js";
import { dot, norm } from "./linalg.js";
import { nullOfNeighbours } from "./neighbours.js";
import { measured } from "./pvector.js";

const ALPHA = 0.05;
export const UNSTABLE = 0.9;
const SHARED = 8; // leading directions in which larger matrices are looked at for a common order of samples
/** @type {Convention[]} */
export const KINDS = ["uncentred", "centred"];

/**
 * One matrix, ready to be compared with others of the same samples.
 * @typedef {import("./pvector.js").Measured & {findings: Findings, fits: {uncentred: Float64Array[], centred: Float64Array[]},
 *   draws: import("./calibrate.js").Draws, kernel?: import("./cka.js").Kernel}} Ready
 */

/**
 * What is refused before anything is computed.
 * @param {{name: string, n: number}[]} matrices
 */
export function refuseDifferent([first, ...others]) {
  for (const other of others) {
    if (other.n !== first.n) {
      throw new Error(
        `different numbers of samples: ${first.name} has ${first.n}, ${other.name} has ${other.n}; ` +
          "rows must be the same samples in the same order",
      );
    }
  }
  if (others.length && first.n < 20) {
    throw new Error(
      `${first.name} and ${others[0].name} have ${first.n} samples: 20 or more are needed to calibrate anything`,
    );
  }
}

/**
 * Measure a matrix of finite numbers once for all its pairs.
 * @param {Matrix} matrix
 * @param {import("./calibrate.js").Draws} drawn
 * @param {(done: number) => void} tick
 * @returns {Ready}
 */
export function prepare(matrix, drawn, tick) {
  const found = measured(matrix, (done) => tick(0.8 * done));
  const findings = examine(matrix);
  const [uncentred, centred] = KINDS.map((kind, turn) =>
    refitted(found.vectors[kind], drawn.halves, (done) => tick(0.8 + 0.1 * (turn + done))),
  );
  return { ...found, findings, fits: { uncentred, centred }, draws: drawn };
}

/**
 * The P-vectors of two matrices against each other.
 * @param {Ready} a
 * @param {Ready} b
 * @returns {Pair}
 */
export function comparePVectors(a, b) {
  const mean = { uncentred: meanDirection(a, b, "uncentred"), centred: meanDirection(a, b, "centred") };
  const rows = KINDS.map((kind) => {
    const [u, v] = [a.vectors[kind], b.vectors[kind]];
    const estimate = cosine(u.vector, v.vector);
    const bound = u.error_bound + v.error_bound;
    const halves = a.fits[kind].map((fit, i) => cosine(fit, b.fits[kind][i]));
    const chance = a.draws.orders.map((order) => {
      let sum = 0;
      for (let i = 0; i < order.length; i++) sum += u.vector[i] * v.vector[order[i]];
      return Math.abs(sum);
    });
    return row(`P-vector |cos|, ${kind}`, estimate, halves, chance, bound, {
      mean_alone: kind === "uncentred" ? mean.uncentred.c_u * mean.uncentred.c_v : NaN,
      angle_deg: degrees(angle(u.vector, v.vector)),
      bound_deg: degrees(bound),
    });
  });
  return { names: [a.matrix.name, b.matrix.name], rows, mean, warnings: [...vectorNotes(a, b), ...matrixNotes(a, b)] };
}

/**
 * The same pair with the estimate of linear CKA.
 * @param {Pair} pair
 * @param {import("./cka.js").Norms} norms
 * @returns {Pair}
 */
export function withCKA(pair, norms) {
  const estimate = debiased(norms);
  const unknown = { lo: NaN, hi: NaN, null: NaN, null_95: NaN, p: NaN, calibrated: NaN };
  return { ...pair, rows: [...pair.rows, { ...row("linear CKA, debiased", estimate, [NaN], [NaN], NaN), ...unknown }] };
}

/**
 * The same pair with interval and null of linear CKA, where these take seconds, and with all that the library would warn of.
 * @param {Pair} pair
 * @param {Ready} a
 * @param {Ready} b
 * @param {(done: number) => void} tick
 * @returns {Pair}
 */
export function calibrated(pair, a, b, tick) {
  let [plain, centred, own] = pair.rows;
  if (hasNull(a, b)) {
    a.kernel ??= kernel(a, (done) => tick(0.3 * done));
    b.kernel ??= kernel(b, (done) => tick(0.3 + 0.3 * done));
    own = calibratedRow(own.estimate, a.kernel, b.kernel, a.draws, (done) => tick(0.6 + 0.4 * done));
  }
  const warnings = [...vectorNotes(a, b), ...note(a, b), ...matrixNotes(a, b), ...orderNotes(a, b, own.p)];
  return { ...pair, rows: [plain, centred, own], warnings };
}

const degrees = (/** @type {number} */ radians) => (radians * 180) / Math.PI;

/**
 * Kahan's angle between the lines of two unit vectors: arccos would lose everything below 2e-8.
 * @param {Float64Array} u
 * @param {Float64Array} v
 */
export function angle(u, v) {
  const sign = dot(u, v) < 0 ? -1 : 1;
  const apart = norm(u.map((x, i) => x - sign * v[i]));
  const together = norm(u.map((x, i) => x + sign * v[i]));
  return 2 * Math.atan2(apart, together);
}

/**
 * How much of a cosine the constant vector gives: cos = c_u c_v + s_u s_v r.
 * @param {Ready} a
 * @param {Ready} b
 * @param {"uncentred" | "centred"} kind
 * @returns {MeanDirection}
 */
function meanDirection(a, b, kind) {
  const [one, two] = [a, b].map(({ vectors }) => {
    const vector = vectors[kind].vector;
    const c = vector.reduce((sum, x) => sum + x, 0) / Math.sqrt(vector.length);
    return c < 0 ? { c: -c, vector: vector.map((x) => -x) } : { c, vector };
  });
  const turned = Math.min(one.c, two.c) < 1e-8 && dot(one.vector, two.vector) < 0 ? -1 : 1;
  const v = two.vector.map((x) => turned * x);
  const rest = (/** @type {Float64Array} */ x) => {
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    return x.map((value) => value - mean);
  };
  const [left, right] = [rest(one.vector), rest(v)];
  const lengths = norm(left) * norm(right);
  return {
    cos: dot(one.vector, v),
    c_u: Math.max(one.c, 0),
    c_v: Math.max(turned * two.c, 0),
    r: lengths > 1e-14 ? dot(left, right) / lengths : 0,
  };
}

/**
 * @param {Ready} a
 * @param {Ready} b
 */
function vectorNotes(a, b) {
  return KINDS.flatMap((kind) =>
    [a, b].flatMap(({ vectors, matrix: { name } }) => {
      const found = vectors[kind];
      if (!found.defined)
        return [`the ${kind} P-vector of ${name} is undefined: sigma_1 and sigma_2 tie; compare spans`];
      if (found.stability >= UNSTABLE) return [];
      const ratio = Number.isFinite(found.ratio) ? found.ratio.toFixed(3) : "inf";
      return [
        `the ${kind} P-vector of ${name} moves when samples are drawn again (median |cos| ${found.stability.toFixed(2)}, ` +
          `sigma_1/sigma_2 ${ratio}): compare spans`,
      ];
    }),
  );
}

/**
 * @param {Ready} a
 * @param {Ready} b
 */
function matrixNotes(a, b) {
  const narrow = [a, b].flatMap(({ matrix: { name, n, d } }) =>
    n >= d
      ? []
      : [
          `${name} has fewer samples (${n}) than features (${d}): linear CKA, SVCCA and Procrustes are high ` +
            "whatever the features are; read the debiased row and the calibrated column",
        ],
  );
  return [...a.findings.lines, ...b.findings.lines, ...narrow];
}

/**
 * Whether the samples may be in different orders: nothing in common, in no measure.
 * @param {Ready} a
 * @param {Ready} b
 * @param {number} p of linear CKA, NaN where it was not computed
 */
function orderNotes(a, b, p) {
  const both = `${a.matrix.name} and ${b.matrix.name}`;
  if (reordered(a.findings, b.findings)) {
    return [`${both} hold the same rows in another order: a comparison needs the same samples in the same order`];
  }
  if (p <= ALPHA) return [];
  const other = Number.isNaN(p) ? nullOfLeading(a, b) : nullOfNeighbours(a.matrix, b.matrix, a.draws.orders);
  return other <= ALPHA ? [] : [`nothing exceeds its permutation null: are the samples of ${both} in the same order?`];
}

/**
 * p-value of what the few leading directions of large matrices have in common.
 * @param {Ready} a
 * @param {Ready} b
 */
function nullOfLeading(a, b) {
  const { n } = a.matrix;
  const [A, B] = [a, b].map(({ vectors: { centred } }) => {
    const r = centred.coordinates.length / n;
    const kept = Math.min(r, SHARED);
    return { r, kept, data: centred.coordinates };
  });
  const common = (/** @type {ArrayLike<number> | null} */ order) => {
    const cross = new Float64Array(A.kept * B.kept);
    for (let i = 0; i < n; i++) {
      const to = order ? order[i] : i;
      for (let k = 0; k < A.kept; k++) {
        const value = A.data[i * A.r + k];
        for (let l = 0; l < B.kept; l++) cross[k * B.kept + l] += value * B.data[to * B.r + l];
      }
    }
    return dot(cross, cross);
  };
  const found = common(null);
  const above = a.draws.orders.filter((order) => common(order) >= found).length;
  return (1 + above) / (1 + a.draws.orders.length);
}
