/** What the page shows of a comparison: cards, cautions, tables, pictures. Computes nothing. */

import { scatter, spectra, tooMany } from "./charts.js";
import { h, more, save, short, table } from "./dom.js";
import { asCSV, asJSON, entries, python } from "./export.js";

const SHOWN = 100; // samples in the table of entries
/** @type {("uncentred" | "centred")[]} */
const KINDS = ["uncentred", "centred"];

/** @typedef {import("./export.js").FileResult} FileResult */
/** @typedef {{files: FileResult[], pairs: Pair[], labels: Labels | null, chosen: number}} Result */

/**
 * The frame of a result; `parts` of it are filled again when more is known.
 * @param {Result} result
 * @param {(chosen: number) => void} choose
 */
export function frame(result, choose) {
  const parts = { cards: h("div"), cautions: h("div"), all: h("div") };
  const { files, pairs } = result;
  const [a, b] = chosenFiles(result);
  const pictures = [
    scatter(
      [a.vectors.uncentred, b.vectors.uncentred],
      "Uncentred: entries of the two P-vectors. Near the point (1, 1), both are little more than the mean direction.",
      result.labels,
    ),
    scatter(
      [a.vectors.centred, b.vectors.centred],
      "Centred: entries of the two P-vectors. The closer to a line through zero, the smaller the angle.",
      result.labels,
    ),
    spectra(
      KINDS.map((kind) => /** @type {[PVector, PVector]} */ ([a.vectors[kind], b.vectors[kind]])),
      "Singular values beside the first. Where the second is near 1, the direction hangs on small changes.",
    ),
  ];
  const root = h(
    "div",
    {},
    h("h2", { id: "try-found", tabindex: -1 }, "What was found"),
    pairs.length > 1 ? overview(result, choose) : "",
    parts.cards,
    parts.cautions,
    h("h3", {}, "Is there one direction at all?"),
    directions([a, b]),
    h("h3", {}, "The entries, sample by sample"),
    result.labels && tooMany(result.labels)
      ? h("p", {}, "The labels have too many classes to be told apart by colour.")
      : "",
    h("div", { class: "pv-try-two" }, pictures[0].figure, pictures[1].figure),
    entriesTable(a, b, result.labels),
    h("h3", {}, "The spectra"),
    pictures[2].figure,
    spectraTable(a, b),
    h("h3", {}, "Keep it"),
    keep(files, result),
    parts.all,
  );
  return { root, parts, draw: () => Promise.all(pictures.map((picture) => picture.draw())) };
}

/**
 * Fill what changes when linear CKA is known.
 * @param {{cards: HTMLElement, cautions: HTMLElement, all: HTMLElement}} parts
 * @param {Result} result
 * @param {boolean} done
 */
export function fill(parts, result, done) {
  const pair = result.pairs[result.chosen];
  parts.cards.replaceChildren(cards(pair, chosenFiles(result), done));
  parts.cautions.replaceChildren(cautions(pair, done));
  parts.all.replaceChildren(more("Every number, as pvlib.compare names it", everything(pair)));
}

/**
 * @param {Result} result
 * @returns {[FileResult, FileResult]}
 */
function chosenFiles({ files, pairs, chosen }) {
  const found = pairs[chosen].names.map((name) => /** @type {FileResult} */ (files.find((file) => file.name === name)));
  return [found[0], found[1]];
}

/**
 * @param {Result} result
 * @param {(chosen: number) => void} choose
 */
function overview({ pairs, chosen }, choose) {
  const select = h(
    "select",
    {
      id: "try-pair",
      class: "pv-try-select",
      on: {
        change: (/** @type {Event} */ event) => choose(Number(/** @type {HTMLSelectElement} */ (event.target).value)),
      },
    },
    ...pairs.map(({ names }, i) => h("option", { value: i, selected: i === chosen }, names.join(" and "))),
  );
  const lines = pairs.map(({ names, rows: [plain, centred] }) => [
    names.join(" and "),
    `${short(plain.angle_deg, 2)}°`,
    short(plain.calibrated, 2),
    `${short(centred.angle_deg, 2)}°`,
    short(centred.calibrated, 2),
  ]);
  return h(
    "div",
    {},
    table("All pairs", ["pair", "angle, uncentred", "calibrated", "angle, centred", "calibrated"], lines),
    h("p", { class: "pv-try-choice" }, h("label", { for: "try-pair" }, "Shown below"), " ", select),
  );
}

/**
 * @param {Pair} pair
 * @param {[FileResult, FileResult]} files
 * @param {boolean} done
 */
function cards(pair, [a, b], done) {
  const [plain, centred, cka] = pair.rows;
  const { c_u, c_v, r } = pair.mean.uncentred;
  const sure = (/** @type {"uncentred" | "centred"} */ kind) => a.vectors[kind].defined && b.vectors[kind].defined;
  return h(
    "div",
    { class: "pv-try-cards" },
    card("Uncentred", "features as they are", plain, {
      big: `${short(plain.angle_deg, 2)}°`,
      facts: [
        ["mean alone, cᵤ cᵥ", short(plain.mean_alone)],
        ["cᵤ", short(c_u)],
        ["cᵥ", short(c_v)],
        ["r beyond the mean", short(r)],
      ],
      said: !sure("uncentred")
        ? "At least one file has no single direction, so this angle means nothing."
        : plain.p > 0.05
          ? "Permuted samples agree as well: the two files share no more than that their entries have a mean."
          : `Of the cosine, the mean direction alone gives ${short(plain.mean_alone)}, whatever the order of the samples.`,
    }),
    card("Centred", "the mean of every feature subtracted", centred, {
      big: `${short(centred.angle_deg, 2)}°`,
      facts: [],
      said: !sure("centred")
        ? "At least one file has no single direction, so this angle means nothing."
        : centred.p > 0.05
          ? "Permuted samples agree as well: no common direction is seen."
          : `Permuted samples reach ${short(centred.null_95)}; with that as 0 and equal vectors as 1, the agreement is ${short(centred.calibrated, 2)}.`,
    }),
    cka
      ? card("Linear CKA, debiased", "all directions, weighted by size", cka, {
          big: short(cka.estimate),
          facts: [],
          said: Number.isFinite(cka.p)
            ? cka.p > 0.05
              ? "Permuted samples agree as well."
              : "Permuted samples give 0 on average."
            : done
              ? "Permuted samples give 0 on average. Interval and null are left to pvlib.compare: these files are too large for a page, or it was stopped."
              : "Interval and null are being computed …",
        })
      : h(
          "section",
          { class: "pv-try-card" },
          h("h3", {}, "Linear CKA, debiased"),
          h("p", {}, done ? "It was stopped." : "It is being computed …"),
        ),
  );
}

/**
 * @param {string} title
 * @param {string} what
 * @param {Row} row
 * @param {{big: string, facts: string[][], said: string}} words
 */
function card(title, what, row, { big, facts, said }) {
  const known = Number.isFinite(row.p);
  const all = [
    ...(row.measure.startsWith("P-vector") ? [["|cos|", short(row.estimate)]] : []),
    ...(known ? [["95 %", `${short(row.lo)} – ${short(row.hi)}`]] : []),
    ...facts,
    ...(known
      ? [
          ["permuted, 95 %", short(row.null_95)],
          ["p", short(row.p)],
          ["calibrated", short(row.calibrated)],
        ]
      : []),
  ];
  return h(
    "section",
    { class: "pv-try-card" },
    h("h3", {}, title),
    h("p", { class: "pv-try-what" }, what),
    h("p", { class: "pv-try-big" }, big),
    scale(row),
    h("dl", {}, ...all.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    h("p", { class: "pv-try-said" }, said),
  );
}

/**
 * From 0 to 1: what permuted samples give, the interval, the estimate.
 * @param {Row} row
 */
function scale({ estimate, lo, hi, null_95, p }) {
  const known = Number.isFinite(p);
  const percent = (/** @type {number} */ value) => `${(100 * Math.min(1, Math.max(0, value))).toFixed(2)}%`;
  const said =
    `On a scale from 0 to 1: ${short(estimate)}` +
    (known ? `, interval ${short(lo)} to ${short(hi)}, permuted samples up to ${short(null_95)}` : "");
  return h(
    "div",
    { class: "pv-try-scale", role: "img", "aria-label": said },
    known ? h("span", { class: "pv-try-null", style: `width:${percent(null_95)}` }) : "",
    known
      ? h("span", {
          class: "pv-try-interval",
          style: `left:${percent(lo)};width:calc(${percent(hi)} - ${percent(lo)})`,
        })
      : "",
    h("span", { class: "pv-try-estimate", style: `left:${percent(estimate)}` }),
  );
}

/**
 * @param {Pair} pair
 * @param {boolean} done
 */
function cautions({ warnings }, done) {
  const lines = warnings.map((line) => h("li", {}, `${line[0].toUpperCase()}${line.slice(1)}.`));
  const none = done ? "None: nothing looks wrong in these files." : "None so far.";
  return h(
    "section",
    { class: warnings.length ? "pv-try-cautions pv-try-some" : "pv-try-cautions" },
    h("h3", {}, "Cautions"),
    warnings.length ? h("ul", {}, ...lines) : h("p", {}, none),
  );
}

/** @param {FileResult[]} files */
function directions(files) {
  const head = ["file", "convention", "one direction?", "σ₁", "σ₂", "σ₁ / σ₂", "drawn again", "explained"];
  const lines = files.flatMap(({ name, vectors }) =>
    KINDS.map((kind) => {
      const one = vectors[kind];
      const [first, second = 0] = one.singular_values;
      const verdict = !one.defined ? "no: a tie" : one.stability < 0.9 ? "it moves" : "yes";
      const ratio = one.resolved ? short(one.ratio, 3) : `above ${one.ratio.toExponential(1)}`;
      return [
        name,
        kind,
        verdict,
        plain(first),
        plain(second),
        ratio,
        short(one.stability, 3),
        short(one.explained, 3),
      ];
    }),
  );
  return h(
    "div",
    {},
    table("Is there one direction at all?", head, lines),
    h(
      "p",
      { class: "pv-try-note" },
      "Drawn again: median |cos| of the direction with itself, fitted on half of the samples; below 0.9 it moves. Explained: share of the " +
        "squared norm (centred: of the variance).",
    ),
  );
}

const plain = (/** @type {number} */ value) =>
  value
    .toPrecision(5)
    .replace(/\.?0+$/, "")
    .replace(/\.?0+e/, "e");

/**
 * @param {FileResult} a
 * @param {FileResult} b
 * @param {Labels | null} labels
 */
function entriesTable(a, b, labels) {
  const { head, lines } = entries(a, b, labels);
  const words = lines
    .slice(0, SHOWN)
    .map((line) => line.map((cell, i) => (i > (labels ? 1 : 0) ? Number(cell).toFixed(6) : cell)));
  const rest =
    lines.length > SHOWN ? ` The first ${SHOWN} of ${lines.length} samples; the file has all, with every digit.` : "";
  return more(
    "The numbers behind these pictures",
    h("p", {}, "Entries of the P-vectors, not multiplied by √n.", rest),
    button("Save all entries (CSV)", () => save("p-vectors.csv", asCSV([head, ...lines]), "text/csv")),
    table("Entries of the P-vectors", head, words),
  );
}

/**
 * @param {FileResult} a
 * @param {FileResult} b
 */
function spectraTable(a, b) {
  const all = KINDS.flatMap((kind) => [a.vectors[kind], b.vectors[kind]]);
  const longest = Math.max(...all.map(({ singular_values }) => singular_values.length));
  const lines = Array.from({ length: longest }, (_, k) => [
    String(k + 1),
    ...all.map(({ singular_values }) => (k < singular_values.length ? plain(singular_values[k]) : "–")),
  ]);
  const head = ["k", ...all.map(({ name, centred }) => `${name}, ${centred ? "centred" : "uncentred"}`)];
  return more("The numbers behind this picture", table("Singular values", head, lines));
}

/** @param {Pair} pair */
function everything({ rows }) {
  const keys = /** @type {const} */ ([
    "estimate",
    "lo",
    "hi",
    "null",
    "null_95",
    "p",
    "calibrated",
    "mean_alone",
    "angle_deg",
    "bound_deg",
  ]);
  return table(
    "Every number",
    ["measure", ...keys],
    rows.map((row) => [row.measure, ...keys.map((key) => short(row[key]))]),
  );
}

/**
 * @param {FileResult[]} files
 * @param {Result} result
 */
function keep(files, result) {
  const line = python(...chosenFiles(result));
  const copied = h("span", { role: "status" });
  const copy = button("Copy the line", async () => {
    await navigator.clipboard.writeText(line);
    copied.textContent = " Copied.";
  });
  return h(
    "div",
    {},
    h("p", {}, "The same numbers in Python:"),
    h("pre", { tabindex: 0, "aria-label": "The line of Python" }, h("code", { id: "try-python" }, line)),
    h(
      "p",
      { class: "pv-try-buttons" },
      copy,
      button("Save the result (JSON)", () => save("comparison.json", asJSON(files, result.pairs), "application/json")),
      copied,
    ),
  );
}

/**
 * @param {string} text
 * @param {() => void} click
 */
const button = (text, click) => h("button", { type: "button", class: "pv-try-button", on: { click } }, text);
