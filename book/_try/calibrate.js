/**
 * How high a measure is by chance, and how sure: the library's permutations and half-samples (pvlib/measure/calibration.py).
 */

import { columns, dot, eigh, norm, product } from "./linalg.js";
import { permutations } from "./random.js";

export const PERMUTATIONS = 200;
export const HALVES = 100;
const ALPHA = 0.05;

/**
 * The same permutations and half-samples for every measure of n samples.
 * @typedef {{orders: Int32Array[], halves: Int32Array[]}} Draws
 */

/**
 * @param {number} n
 * @returns {Draws}
 */
export function draws(n) {
  return {
    orders: permutations(n, PERMUTATIONS, 0, 1),
    halves: permutations(n, HALVES, 0, 0).map((order) => order.slice(0, Math.floor(n / 2))),
  };
}

/**
 * Threshold (95 % order statistic of the null and the estimate), p-value, and the rescaled score in [0, 1].
 * @param {number} estimate
 * @param {number[]} null_
 */
export function calibrate(estimate, null_) {
  const all = Float64Array.from([...null_, estimate]).sort();
  const threshold = all[Math.ceil((1 - ALPHA) * all.length) - 1];
  const p = (1 + null_.filter((value) => value >= estimate).length) / all.length;
  const score = threshold >= 1 ? 0 : Math.min(1, Math.max(0, (estimate - threshold) / (1 - threshold)));
  return { threshold, p, calibrated: score };
}

/**
 * A row of the table.
 * @param {string} measure
 * @param {number} estimate
 * @param {ArrayLike<number>} halves values over half-samples
 * @param {number[]} null_ values over permutations
 * @param {number} error
 * @param {Partial<Row>} [more]
 * @returns {Row}
 */
export function row(measure, estimate, halves, null_, error, more = {}) {
  const sorted = Float64Array.from(halves).sort();
  const mean = sorted.reduce((sum, x) => sum + x, 0) / sorted.length;
  const [low, high] = [0.025, 0.975].map((share) => estimate + quantile(sorted, share) - mean);
  const { threshold, p, calibrated } = calibrate(estimate, null_);
  return {
    measure,
    estimate,
    lo: Math.max(Math.min(estimate, low) - error, Math.min(0, estimate, sorted[0])),
    hi: Math.min(Math.max(estimate, high) + error, Math.max(1, estimate)),
    null: null_.reduce((sum, x) => sum + x, 0) / null_.length,
    null_95: threshold,
    p,
    calibrated,
    mean_alone: NaN,
    angle_deg: NaN,
    bound_deg: NaN,
    ...more,
  };
}

/**
 * Linear interpolation between order statistics.
 * @param {Float64Array} sorted
 * @param {number} share
 */
function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  return sorted[below] + (place - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}

/** @param {number[]} values */
export function median(values) {
  return quantile(Float64Array.from(values).sort(), 0.5);
}

/**
 * The P-vector of each half-sample, fitted again in the leading directions.
 * @param {PVector} found its `stability` is set: the median |cos|, over all samples, of a refitted direction with the original
 * @param {Int32Array[]} halves
 * @param {(done: number) => void} [tick]
 * @returns {Float64Array[]}
 */
export function refitted(found, halves, tick) {
  const { n, coordinates, centred } = found;
  const r = coordinates.length / n;
  const lengths = new Float64Array(r);
  for (let i = 0; i < n; i++) for (let k = 0; k < r; k++) lengths[k] += coordinates[i * r + k] ** 2;
  /** @type {number[]} */
  const own = [];
  const fits = halves.map((half, number) => {
    const data = new Float64Array(half.length * r);
    half.forEach((i, to) => data.set(coordinates.subarray(i * r, (i + 1) * r), to * r));
    const chosen = { name: "", dtype: "", n: half.length, d: r, data };
    const mean = new Float64Array(r);
    if (centred)
      for (let at = 0; at < data.length; at += r) for (let k = 0; k < r; k++) mean[k] += data[at + k] / half.length;
    const side = columns(chosen, mean);
    const direction = eigh(product(side, side), r).vectors.subarray(0, r);
    const all = Math.sqrt(direction.reduce((sum, x, k) => sum + x * x * lengths[k], 0));
    own.push((Math.abs(direction[0]) * Math.sqrt(lengths[0])) / all);
    tick?.((number + 1) / halves.length);
    const shift = dot(mean, direction);
    return Float64Array.from(half, (_, i) => dot(data.subarray(i * r, (i + 1) * r), direction) - shift);
  });
  found.stability = median(own);
  return fits;
}

/**
 * |cos| of two vectors of any length.
 * @param {Float64Array} u
 * @param {Float64Array} v
 */
export function cosine(u, v) {
  return Math.min(1, Math.abs(dot(u, v)) / norm(u) / norm(v));
}
