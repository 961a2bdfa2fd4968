/** Where a P-vector stands among the published ones, in the numbers of `pvlib place`. */

import { dot, norm } from "./linalg.js";

/** @type {State[]} */
const STATES = ["trained", "untrained"];
const CHANCE = 4; // standard deviations of the cosine with a centred vector in random order, 1 / √n

/**
 * |cos| with every published P-vector, and with that of the pixels at the end.
 * @param {Float64Array} vector
 * @param {PublishedVector[]} networks
 * @param {Float64Array} pixels
 * @returns {Cosine[]}
 */
export function cosines(vector, networks, pixels) {
  const length = norm(vector);
  const cos = (/** @type {Float64Array} */ other) => Math.min(1, Math.abs(dot(vector, other)) / (length * norm(other)));
  return [
    ...networks.map(({ study, label, family, role, seed, state, vector: other }) => ({
      ...{ study, label, family, role, seed, state },
      cos: cos(other),
    })),
    { study: "", label: "the data (pixels)", family: "data", role: "data", seed: "", state: "data", cos: cos(pixels) },
  ];
}

/**
 * Mean and range over runs by architecture, nearest first: trained ones count, and where there are none, untrained ones.
 * @param {Cosine[]} rows
 */
export const byArchitecture = (rows) => grouped(rows, "label");

/**
 * The same of primary networks by family.
 * @param {Cosine[]} rows
 */
export const byFamily = (rows) =>
  grouped(
    rows.filter(({ role }) => role === "primary"),
    "family",
  );

/**
 * @param {Cosine[]} rows
 * @param {"label" | "family"} key
 */
function grouped(rows, key) {
  const groups = [...new Set(rows.map((row) => row[key]))].map((name) => {
    const own = rows.filter((row) => row[key] === name);
    const of = (/** @type {Cosine["state"]} */ wanted) =>
      spread(own.flatMap(({ state, cos }) => (state === wanted ? [cos] : [])));
    return { name, family: own[0].family, trained: of("trained"), untrained: of("untrained"), data: of("data") };
  });
  const state = STATES.find((one) => groups.some((group) => group[one])) ?? "trained";
  const mean = (/** @type {typeof groups[0]} */ group) => group[state]?.mean ?? -1;
  return groups.sort((one, other) => mean(other) - mean(one));
}

/**
 * @param {number[]} values
 * @returns {Spread | null} null of none
 */
function spread(values) {
  if (!values.length) return null;
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return { count: values.length, mean, low: Math.min(...values), high: Math.max(...values) };
}

/**
 * What untrained networks reach with the trained ones of a family: the mean |cos| of each with those of other runs. All are primary.
 * @param {PublishedVector[]} networks
 * @param {string} family
 */
export function untrainedReach(networks, family) {
  const primary = networks.filter(({ role }) => role === "primary");
  const trained = primary.filter((one) => one.state === "trained" && one.family === family);
  return spread(
    primary.flatMap((one) => {
      if (one.state !== "untrained") return [];
      const others = trained.filter(({ study, id }) => study !== one.study || id !== one.id);
      return spread(others.map(({ vector }) => Math.abs(dot(one.vector, vector))))?.mean ?? [];
    }),
  );
}

/**
 * Whether centred cosines are all so small as those of a vector whose entries are in random order.
 * @param {Cosine[]} rows
 * @param {number} n
 */
export const likeChance = (rows, n) => rows.every(({ cos }) => cos < CHANCE / Math.sqrt(n));
