/** The angle of two networks along training: what is published of it, as lines and a table. */

import { more, short, table } from "../_try/dom.js";
import { angles } from "./entries.js";
import { networkName } from "./words.js";

/** @typedef {import("./sheet.js").Known} Known */

/**
 * Against the final P-vector of another seed, or of two different networks at the same share of training.
 * @param {Known} known
 */
export function course(known) {
  const {
    choice: { a, b },
    moments,
  } = known;
  if (!moments || a.id === b.id) return null;
  return seeds(known) ?? shares(known);
}

/**
 * The slice of one pair in numbers that stand one pair after the other.
 * @param {string[]} pairs
 * @param {(i: number) => number} length
 * @param {string} name
 */
function slice(pairs, length, name) {
  const at = pairs.indexOf(name);
  if (at < 0) return null;
  let start = 0;
  for (let i = 0; i < at; i++) start += length(i);
  return { at, take: (/** @type {string} */ text) => angles(text).slice(start, start + length(at)) };
}

/** @param {Known} known */
function seeds({ choice: { a, b, convention }, a: first, b: second, moments }) {
  const published = moments?.seeds;
  if (!published) return null;
  const both = [
    [a.id, b.id, first, second],
    [b.id, a.id, second, first],
  ].flatMap(([of, to, one, other]) => {
    const found = slice(published.pairs, (i) => published.steps[i].length, `${of} ${to}`);
    return found ? [{ ...found, from: /** @type {Network} */ (one), to: /** @type {Network} */ (other) }] : [];
  });
  if (both.length < 2) return null;
  const lines = both.flatMap(({ at, take, from, to }, i) => {
    const x = published.steps[at].map((step) => step + 1);
    const colour = /** @type {0 | 1} */ (i);
    const name = `${from.seed} to the end of ${to.seed}`;
    return [
      { name, x, y: take(published[convention]), colour },
      ...(convention === "uncentred"
        ? [{ name: `${name}, mean alone`, x, y: take(published.mean), colour, mean: true }]
        : []),
    ];
  });
  const last = Math.max(...published.steps[both[0].at]);
  const ticks = [0, 1, 10, 100, 1000, 10000, 100000].filter((step) => step <= last);
  return {
    lines,
    horizontal: {
      title: "optimiser steps",
      ticks: ticks.map((step) => step + 1),
      words: ticks.map((step) => step.toLocaleString("en")),
      log: true,
    },
    alt: `Angle of two seeds of ${first.label} to the final P-vector of the other, along training`,
    caption:
      "Two seeds of one architecture: the angle of each, at every moment, to the final P-vector of the other." +
      (convention === "uncentred" ? " Dotted: what the mean direction alone gives." : ""),
    table: numbers(
      "steps",
      published.steps[both[0].at].map((step) => step.toLocaleString("en")),
      lines,
    ),
  };
}

/** @param {Known} known */
function shares({ choice: { a, b, convention }, a: first, b: second, moments }) {
  const published = moments?.shares;
  if (!published) return null;
  const names = [`${a.id} ${b.id}`, `${b.id} ${a.id}`];
  const [found] = names.flatMap((name) => slice(published.pairs, () => published.shares.length, name) ?? []);
  if (!found) return null;
  const x = published.shares.map((_, i) => i);
  const lines = [
    {
      name: `${networkName(first)} and ${networkName(second)}`,
      x,
      y: found.take(published[convention]),
      colour: /** @type {const} */ (0),
    },
    ...(convention === "uncentred"
      ? [{ name: "mean alone", x, y: found.take(published.mean), colour: /** @type {const} */ (0), mean: true }]
      : []),
  ];
  const words = published.shares.map((share) => `${Number((100 * share).toPrecision(3))} %`);
  return {
    lines,
    horizontal: { title: "share of training", ticks: x, words, log: false },
    alt: `Angle of ${networkName(first)} and ${networkName(second)} at the same share of their training`,
    caption:
      "Two networks at the same share of their training" +
      (words.length === 2 ? "; of this study, only the start and the end are published" : "") +
      ". At 0 % the statistics of BatchNorm are not calibrated, as they are in the state before training." +
      (convention === "uncentred" ? " Dotted: what the mean direction alone gives." : ""),
    table: numbers("share of training", words, lines),
  };
}

/**
 * @param {string} head
 * @param {string[]} moments
 * @param {import("./pictures.js").Line[]} lines
 */
function numbers(head, moments, lines) {
  return more(
    "The numbers behind this picture",
    table(
      "Angles along training, in degrees",
      [head, ...lines.map(({ name }) => name)],
      moments.map((moment, i) => [moment, ...lines.map(({ y }) => short(y[i], 2))]),
    ),
  );
}
