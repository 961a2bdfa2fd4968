/** All pairs of different architectures, among which the chosen one is seen. */

import { dot } from "../_try/linalg.js";

/** Control networks are compared with, not counted. */
const COUNTED = ["primary", "foreign"];

/**
 * All pairs of networks of different architectures, in the given states; at least one of each pair is the study's own.
 * @param {Collection} collection
 * @param {Map<string, Direction>} vectors
 * @param {[State, State]} states
 * @returns {Two[]}
 */
export function pairs({ study, networks }, vectors, [first, second]) {
  const counted = networks.filter(({ role }) => COUNTED.includes(role));
  /** @type {Two[]} */
  const all = [];
  counted.forEach((a, i) =>
    counted.forEach((b, j) => {
      if (a.cell === b.cell || (first === second && i > j) || (a.study !== study && b.study !== study)) return;
      const [u, v] = [vectors.get(`${a.id}/${first}`), vectors.get(`${b.id}/${second}`)];
      if (u && v)
        all.push({
          a: { id: a.id, state: first },
          b: { id: b.id, state: second },
          cos: Math.abs(dot(u.vector, v.vector)),
        });
    }),
  );
  return all;
}

/**
 * The share of pairs that agree less than a cosine says.
 * @param {Two[]} all
 * @param {number} cos
 */
export const below = (all, cos) => all.filter((two) => two.cos < cos).length / all.length;

/**
 * Pairs by the two architectures: mean, smallest and largest |cos|, largest mean first.
 * @param {Two[]} all
 * @param {(id: string) => Network} of
 */
export function byArchitectures(all, of) {
  /** @type {Map<string, {labels: [string, string], two: Two, cosines: number[]}>} */
  const groups = new Map();
  for (const two of all) {
    const [a, b] = [of(two.a.id), of(two.b.id)];
    const key = two.a.state === two.b.state ? [a.cell, b.cell].sort().join(" ") : `${a.cell} ${b.cell}`;
    const group = groups.get(key);
    if (group) group.cosines.push(two.cos);
    else groups.set(key, { labels: [a.label, b.label], two, cosines: [two.cos] });
  }
  return [...groups.values()]
    .map(({ labels, two, cosines }) => ({ labels, two, count: cosines.length, ...spread(cosines) }))
    .sort((one, other) => other.mean - one.mean);
}

/** @param {number[]} cosines */
export const spread = (cosines) => ({
  mean: cosines.reduce((sum, x) => sum + x, 0) / cosines.length,
  low: Math.min(...cosines),
  high: Math.max(...cosines),
});

/**
 * Kinds of networks in a pair, in one order.
 * @param {Network} a
 * @param {Network} b
 */
export const relation = (a, b) => [a.family, b.family].sort().reverse().join(" – ");
