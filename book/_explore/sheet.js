/** What the page shows of two networks. */

import { scatter } from "../_try/charts.js";
import { h, more, save, short, table } from "../_try/dom.js";
import { asCSV } from "../_try/export.js";
import { CONVENTIONS, PRIMARY, STATES, encode } from "./choice.js";
import { course } from "./course.js";
import { classMeans, degrees, parts, ranked } from "./entries.js";
import { ends, walk } from "./images.js";
import { along } from "./pictures.js";
import { standing } from "./standing.js";
import { STATE_WORDS, endName, layerName, percent, score, three, titleOf } from "./words.js";

const SHOWN = 100; // samples in the table of entries
const UNSTABLE = 0.9; // the book's limit: below it a direction counts as undefined over samples

/**
 * Everything that is known of a choice.
 * @typedef {object} Known
 * @property {Choice} choice
 * @property {Collection} collection
 * @property {Network} a
 * @property {Network} b
 * @property {Record<Convention, Map<string, Direction>>} vectors by network/state
 * @property {Moments | null} moments
 * @property {string[]} classes
 * @property {string[]} classOf the class of every sample
 * @property {string[] | null} groups coarser classes, for colours
 * @property {{side: number, pixels: Uint8Array} | null} images
 */

/**
 * @param {Known} known
 * @returns {{root: HTMLElement, draw: () => Promise<void>}}
 */
export function sheet(known) {
  const { choice, a, b, collection, vectors, classOf, classes, groups } = known;
  const all = vectors[choice.convention];
  const [u, v] = [
    /** @type {Direction} */ (all.get(place(choice.a))),
    /** @type {Direction} */ (all.get(place(choice.b))),
  ];
  const one = parts(u.vector, v.vector);
  const labels = {
    name: "class",
    values: classOf,
    groups: groups ? classOf.map((name) => groups[classes.indexOf(name)]) : undefined,
  };
  const centred = choice.convention === "centred";
  const [nameA, nameB] = [endName(a, choice.a), endName(b, choice.b)];
  const points = scatter(
    [u.vector, one.v].map((vector, i) => ({
      name: [`A: ${a.label}`, `B: ${b.label}`][i],
      n: collection.n,
      centred,
      vector,
    })),
    `Every point is an image of the training anchor of ${titleOf(choice.data)}` +
      (groups ? ", coloured by animals (people included) and things." : ", coloured by its class.") +
      (one.turned ? " The P-vector of B is turned round: its sign means nothing." : ""),
    labels,
  );
  const steps = walk(known, u.vector, one.v, /** @type {HTMLElement} */ (points.figure.querySelector(".pv-plotly")));
  const where = standing(known, one.cos);
  const training = course(known);
  const trained = training && along(training.lines, training.horizontal, training.alt, training.caption);
  const root = h(
    "div",
    {},
    h("h2", { id: "explore-found", tabindex: -1 }, `${nameA}, and ${nameB}`),
    h("div", { class: "pv-try-cards" }, angleCard(known, one), where.card),
    statesTable(known),
    direction(known, u, v),
    h("h3", {}, "Image by image"),
    points.figure,
    steps.root,
    entriesTable(known, u.vector, one.v),
    h("h3", {}, "The two ends"),
    h("div", { class: "pv-try-two" }, ends(known, nameA, u.vector), ends(known, nameB, one.v)),
    means(known, u.vector, one.v),
    h("h3", {}, "Along training"),
    ...(trained && training
      ? [trained.figure, training.table]
      : [h("p", { id: "explore-unpublished" }, whyNot(known))]),
    h("h3", {}, "Among all pairs of different architectures"),
    where.figure,
    where.table,
  );
  return {
    root,
    draw: async () => {
      for (const picture of [points, ...(trained ? [trained] : []), where]) await picture.draw();
      steps.start();
    },
  };
}

const place = (/** @type {End} */ { id, state }) => `${id}/${state}`;

/**
 * @param {Known} known
 * @param {ReturnType<typeof parts>} one
 */
function angleCard({ choice, collection }, { cos, mean, beyond, c_u, c_v, s_u, s_v, r }) {
  const { off } = collection.layers[choice.layer];
  const signed = (/** @type {number} */ value) => `${value < 0 ? "−" : "+"} ${three(Math.abs(value))}`;
  const atMost = (Math.ceil(off * 1e4) / 1e4).toFixed(4);
  const facts = [
    ["c\u1d64, of A with the mean direction", three(c_u)],
    ["c\u1d65, of B", three(c_v)],
    ["s\u1d64 s\u1d65, what is left of both", three(s_u * s_v)],
    ["r, correlation of the entries", three(r)],
  ];
  return h(
    "section",
    { class: "pv-try-card" },
    h("h3", {}, "The angle"),
    h("p", { class: "pv-try-what" }, `${choice.convention}, layer: ${layerName(choice.layer)}`),
    h("p", { class: "pv-try-big" }, h("span", { id: "explore-angle" }, `${short(degrees(cos), 1)}°`)),
    h(
      "p",
      { class: "pv-explore-sum" },
      "|cos| ",
      h("strong", { id: "explore-cos" }, three(cos)),
      ` = ${three(mean)} (mean) ${signed(beyond)} (beyond)`,
    ),
    bar(cos, mean),
    h("dl", {}, ...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    h(
      "p",
      { class: "pv-try-said" },
      choice.convention === "centred"
        ? "Every column has mean zero: the mean direction gives nothing, and all is in what the images differ in."
        : "The mean direction gives the hatched part, whatever the order of the images.",
      off > 1e-6 ? ` Rounding for this page moves cosines of this layer by ${atMost} at most.` : "",
    ),
  );
}

/**
 * From 0 to 1: what the mean gives, and what is beyond it, which may be less than nothing.
 * @param {number} cos
 * @param {number} mean
 */
function bar(cos, mean) {
  const at = (/** @type {number} */ value) => `${(100 * Math.min(1, Math.max(0, value))).toFixed(2)}%`;
  const [low, high] = cos < mean ? [cos, mean] : [mean, cos];
  const said = `On a scale from 0 to 1: the mean direction gives ${three(mean)}, all together ${three(cos)}`;
  return h(
    "div",
    { class: "pv-try-scale", role: "img", "aria-label": said },
    h("span", { class: "pv-try-null", style: `width:${at(mean)}` }),
    h("span", {
      class: cos < mean ? "pv-explore-less" : "pv-explore-more",
      style: `left:${at(low)};width:calc(${at(high)} - ${at(low)})`,
    }),
    h("span", { class: "pv-try-estimate", style: `left:${at(cos)}` }),
  );
}

/**
 * The same two networks in every state and under both conventions, each a link.
 * @param {Known} known
 */
function statesTable({ choice, vectors }) {
  const lines = STATES.flatMap((first) =>
    STATES.map((second) => [
      first === second ? `both ${STATE_WORDS[first]}` : `A ${STATE_WORDS[first]}, B ${STATE_WORDS[second]}`,
      ...CONVENTIONS.map((convention) => {
        const ends = { a: { id: choice.a.id, state: first }, b: { id: choice.b.id, state: second } };
        const [u, v] = [ends.a, ends.b].map((end) => vectors[convention].get(place(end)));
        if (!u || !v) return "–";
        const here = convention === choice.convention && first === choice.a.state && second === choice.b.state;
        const { cos } = parts(u.vector, v.vector);
        return h(
          "a",
          { href: encode({ ...choice, ...ends, convention }), "aria-current": here ? "true" : undefined },
          three(cos),
        );
      }),
    ]),
  );
  const order = [0, 3, 1, 2].map((i) => lines[i]);
  return h(
    "div",
    {},
    h("h3", {}, "The same two, trained and untrained"),
    table("The cosine in every state", ["|cos|, each a link", ...CONVENTIONS], order),
  );
}

/**
 * @param {Known} known
 * @param {Direction} u
 * @param {Direction} v
 */
function direction({ choice, a, b }, u, v) {
  const value = (/** @type {number | null} */ x, digits = 2) => (x === null ? "–" : short(x, digits));
  const lines = /** @type {[Network, End, Direction][]} */ ([
    [a, choice.a, u],
    [b, choice.b, v],
  ]).map(([network, end, one]) => [
    endName(network, end),
    end.state === "trained" ? score(network) : "–",
    value(one.ratio),
    value(one.stability, 3),
    one.eta2 === null ? "–" : percent(one.eta2),
  ]);
  const moving = lines.flatMap(([name], i) => (([u, v][i].stability ?? 1) < UNSTABLE ? [name] : []));
  return h(
    "div",
    {},
    h("h3", {}, "Is there one direction at all?"),
    table("The two networks", ["network", "what it reaches", "σ₁ / σ₂", "stability", "between classes"], lines),
    h(
      "p",
      { class: "pv-try-note" },
      "σ₁ / σ₂: near 1, the next direction is as good. Stability: median |cos| with itself when images are " +
        "drawn again, published for trained networks. " +
        "Between classes: share of the variance of the entries that lies between the classes.",
    ),
    moving.length
      ? h(
          "p",
          { class: "pv-explore-caution" },
          `The direction of ${moving.join(" and of ")} moves when images are drawn again ` +
            `(stability below ${UNSTABLE}): this angle says little.`,
        )
      : "",
  );
}

/**
 * @param {Known} known
 * @param {Float64Array} u
 * @param {Float64Array} v
 */
function entriesTable({ choice, classOf }, u, v) {
  const head = [
    "place along A",
    "image",
    "class",
    `A: ${choice.a.id} ${choice.a.state}`,
    `B: ${choice.b.id} ${choice.b.state}`,
  ];
  const lines = ranked(u).map((sample, i) => [i + 1, sample, classOf[sample], u[sample], v[sample]].map(String));
  const click = () => save("p-vectors.csv", asCSV([head, ...lines]), "text/csv");
  const words = (/** @type {string[]} */ line) => line.map((cell, i) => (i > 2 ? Number(cell).toFixed(5) : cell));
  return more(
    "The numbers behind this picture",
    h(
      "p",
      {},
      `Entries of the P-vectors, of length 1, in the order of A. ` +
        `The first ${SHOWN} of ${lines.length} images; the file has all.`,
    ),
    h("button", { type: "button", class: "pv-try-button", on: { click } }, "Save all entries (CSV)"),
    table("Entries of the P-vectors", head, lines.slice(0, SHOWN).map(words)),
  );
}

/**
 * @param {Known} known
 * @param {Float64Array} u
 * @param {Float64Array} v
 */
function means({ classes, classOf }, u, v) {
  const [first, second] = [classMeans(u, classOf, classes), classMeans(v, classOf, classes)];
  const order = classes.map((_, i) => i).sort((i, j) => first[i] - first[j]);
  return more(
    "Where each class lies",
    h("p", {}, "Mean entry of the images of a class, times √n, in the order of A."),
    table(
      "Mean entry of each class",
      ["class", "A", "B"],
      order.map((i) => [classes[i], three(first[i]), three(second[i])]),
    ),
  );
}

/**
 * Why there is no picture of the training.
 * @param {Known} known
 */
function whyNot({ choice, a, b }) {
  if (a.study === "foreign" || b.study === "foreign")
    return "Not published: others trained these networks, and only their last state is known.";
  if (a.id === b.id)
    return "This is one network. Choose another run of it, or another network, to see two of them along training.";
  if (choice.layer !== PRIMARY)
    return "Not published: along training, different architectures were compared at the penultimate layer alone.";
  return "Not published for this pair.";
}
