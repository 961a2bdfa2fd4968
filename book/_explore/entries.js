/** Published vectors as numbers, and what is read off two of them. */

import { dot, norm } from "../_try/linalg.js";

/** @param {string} text base64 */
export const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/**
 * The vectors of a file by network/state. Their own length is not published: it is 1.
 * @param {Chunk} chunk
 * @param {string} [prefix] before every name
 * @returns {Map<string, Direction>}
 */
export function directions({ rows, low, high, ratio, stability, eta2, bits, entries }, prefix = "") {
  const raw = bytes(entries);
  const wide = new DataView(raw.buffer);
  const n = raw.length / rows.length / (bits / 8);
  return new Map(
    rows.map((name, row) => {
      const step = (high[row] - low[row]) / (2 ** bits - 1);
      const vector = new Float64Array(n);
      for (let i = 0; i < n; i++) {
        const place = row * n + i;
        vector[i] = low[row] + step * (bits === 8 ? raw[place] : wide.getUint16(2 * place, true));
      }
      const length = norm(vector);
      return [
        prefix + name,
        { vector: vector.map((x) => x / length), ratio: ratio[row], stability: stability[row], eta2: eta2[row] },
      ];
    }),
  );
}

const NO_ANGLE = 65535;

/**
 * Angles in degrees; NaN where there is none.
 * @param {string} text
 */
export function angles(text) {
  const raw = bytes(text);
  const wide = new DataView(raw.buffer);
  return Array.from({ length: raw.length / 2 }, (_, i) => {
    const value = wide.getUint16(2 * i, true);
    return value === NO_ANGLE ? NaN : (90 * value) / (NO_ANGLE - 1);
  });
}

/** The angle between two lines. Cosines of rounded entries are right to three decimals: arccos loses nothing. */
export const degrees = (/** @type {number} */ cosine) => (180 / Math.PI) * Math.acos(Math.min(1, Math.abs(cosine)));

/**
 * A cosine and its parts: cos = c_u c_v + s_u s_v r.
 * The sign of a P-vector means nothing: where two disagree, v is turned round.
 * @param {Float64Array} u
 * @param {Float64Array} v
 */
export function parts(u, v) {
  const turned = dot(u, v) < 0;
  const w = turned ? v.map((x) => -x) : v;
  const root = Math.sqrt(u.length);
  const [c_u, c_v] = [u, w].map((x) => x.reduce((sum, value) => sum + value, 0) / root);
  const [u0, v0] = [u.map((x) => x - c_u / root), w.map((x) => x - c_v / root)];
  const [s_u, s_v] = [norm(u0), norm(v0)];
  const beyond = dot(u0, v0);
  // What is left of a constant vector is rounding: it correlates with nothing.
  const r = Math.min(s_u, s_v) > 1e-6 ? beyond / (s_u * s_v) : NaN;
  return { cos: dot(u, w), mean: c_u * c_v, beyond, c_u, c_v, s_u, s_v, r, v: w, turned };
}

/**
 * Samples in the order of their entries, smallest first.
 * @param {Float64Array} vector
 */
export const ranked = (vector) => Array.from(vector, (_, i) => i).sort((i, j) => vector[i] - vector[j] || i - j);

/**
 * How often each class is among samples, most often first.
 * @param {number[]} samples
 * @param {string[]} classOf
 * @returns {[string, number][]}
 */
export function counts(samples, classOf) {
  /** @type {Map<string, number>} */
  const found = new Map();
  for (const sample of samples) found.set(classOf[sample], (found.get(classOf[sample]) ?? 0) + 1);
  return [...found].sort(([one, m], [other, n]) => n - m || one.localeCompare(other, "en", { numeric: true }));
}

/**
 * Mean entry of each class, times the root of n.
 * @param {Float64Array} vector
 * @param {string[]} classOf
 * @param {string[]} classes
 */
export function classMeans(vector, classOf, classes) {
  const sums = new Map(classes.map((name) => [name, [0, 0]]));
  vector.forEach((x, i) => {
    const sum = /** @type {number[]} */ (sums.get(classOf[i]));
    sum[0] += x;
    sum[1] += 1;
  });
  return classes.map((name) => {
    const [sum, count] = /** @type {number[]} */ (sums.get(name));
    return (Math.sqrt(vector.length) * sum) / count;
  });
}
