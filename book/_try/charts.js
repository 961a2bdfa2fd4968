/** Pictures, by the book's own copy of plotly, which is loaded when the first one is drawn. */

import { h, loadScript } from "./dom.js";

/** Okabe and Ito (2008), legible on a light and on a dark page. */
export const COLOURS = [
  "#2f8fd0",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#b8860b",
  "#8a8a8a",
  "#7f6bd6",
  "#56b4e9",
  "#e69f00",
  "#c0504d",
];
export const SYMBOLS = [
  "circle",
  "square",
  "diamond",
  "cross",
  "x",
  "triangle-up",
  "triangle-down",
  "star",
  "pentagon",
  "hexagram",
];
const CLASSES = 20; // more cannot be told apart
const POINTS = 2500; // drawn, each an element of the page: more would hold it up for seconds
export const FAINT = "rgba(138,138,138,0.35)";
export const GREY = "#8a8a8a";

/** @type {Promise<void> | undefined} */
let loading;

/**
 * @param {string} base the address of the pages' static files
 */
export function loadPlotly(base) {
  loading ??= loadScript(`${base}plotly/plotly-basic.min.js`);
  return loading;
}

/**
 * @param {string} alt
 * @param {string} caption
 */
export function frame(alt, caption) {
  const plot = h("div", { class: "pv-plotly", role: "img", "aria-label": alt });
  return { plot, figure: h("figure", { class: "pv-try-figure" }, plot, h("figcaption", {}, caption)) };
}

/**
 * @param {string} title
 * @param {object} [more]
 */
export const axis = (title, more = {}) => ({
  title: { text: title, standoff: 8 },
  gridcolor: FAINT,
  zerolinecolor: GREY,
  linecolor: GREY,
  automargin: true,
  fixedrange: true,
  ...more,
});

/**
 * @param {HTMLElement} plot
 * @param {object[]} traces
 * @param {object} layout
 */
export function draw(plot, traces, layout) {
  const all = {
    height: 360,
    margin: { l: 10, r: 10, t: 10, b: 10 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { size: 12, color: GREY },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
    template: {},
    dragmode: false,
    hovermode: "closest",
    ...layout,
  };
  return Plotly.newPlot(plot, traces, all, { displayModeBar: false, responsive: true });
}

/**
 * The entries of two P-vectors against each other, a point for each sample.
 * @param {Pick<PVector, "name" | "n" | "centred" | "vector">[]} vectors two
 * @param {string} caption
 * @param {Labels | null} labels
 */
export function scatter([u, v], caption, labels) {
  const kind = u.centred ? "centred" : "uncentred";
  const { plot, figure } = frame(
    `Scatter of the entries of the two ${kind} P-vectors: ${v.name} against ${u.name}, a point for each of ${u.n} samples`,
    caption + (every(u.n) > 1 ? ` Every ${ordinal(every(u.n))} sample is drawn.` : ""),
  );
  const root = Math.sqrt(u.n);
  const size = u.n > 1500 ? 4 : u.n > 400 ? 5 : 6;
  const traces = groups(labels, u.n).map(({ name, members }, i) => ({
    type: "scatter",
    mode: "markers",
    name: brief(name),
    showlegend: name !== "",
    x: members.map((sample) => u.vector[sample] * root),
    y: members.map((sample) => v.vector[sample] * root),
    text: members.map((sample) => `sample ${sample}${labels ? `, ${brief(labels.values[sample])}` : ""}`),
    hovertemplate: "%{text}<br>%{x:.3f}, %{y:.3f}<extra></extra>",
    marker: { size, opacity: 0.7, color: COLOURS[i % 10], symbol: SYMBOLS[(i + Math.floor(i / 10)) % 10] },
  }));
  const layout = { xaxis: axis(`${brief(u.name)}, entry × √n`), yaxis: axis(`${brief(v.name)}, entry × √n`) };
  return { figure, draw: () => draw(plot, traces, layout) };
}

/** A name that fits along an axis, without marks that plotly would take for HTML. */
const brief = (/** @type {string} */ name) =>
  (name.length > 24 ? `${name.slice(0, 11)}…${name.slice(-12)}` : name).replace(/[<&]/g, "_");

const ordinal = (/** @type {number} */ n) => (n === 2 ? "second" : n === 3 ? "third" : `${n}th`);

/** Every so many of n samples is drawn. */
const every = (/** @type {number} */ n) => Math.ceil(n / POINTS);

/**
 * Samples by class; all in one where there are no labels, or too many.
 * @param {Labels | null} labels
 * @param {number} n
 */
function groups(labels, n) {
  const step = every(n);
  const all = Array.from({ length: Math.ceil(n / step) }, (_, i) => i * step);
  const of = labels ? (labels.groups ?? labels.values) : [];
  const names = [...new Set(of)].sort(byNumber);
  if (!labels || names.length > CLASSES) return [{ name: "", members: all }];
  return names.map((name) => ({ name, members: all.filter((i) => of[i] === name) }));
}

/**
 * @param {string} a
 * @param {string} b
 */
const byNumber = (a, b) => Number(a) - Number(b) || a.localeCompare(b);

/** Whether labels have more classes than colours can tell apart. */
export const tooMany = (/** @type {Labels} */ labels) => new Set(labels.values).size > CLASSES;

/**
 * Singular values beside the first one.
 * @param {[PVector, PVector][]} pairs uncentred, centred
 * @param {string} caption
 */
export function spectra(pairs, caption) {
  const { plot, figure } = frame(
    "Singular values divided by the first one, falling, for both files and both conventions",
    caption,
  );
  const traces = pairs.flatMap((pair) =>
    pair.map(({ name, centred, singular_values }, i) => ({
      type: "scatter",
      mode: "lines+markers",
      name: `${brief(name)}, ${centred ? "centred" : "uncentred"}`,
      x: singular_values.map((_, k) => k + 1),
      y: singular_values.map((value) => (value > 0 ? value / singular_values[0] : null)),
      hovertemplate: "%{x}: %{y:.4f}<extra>%{fullData.name}</extra>",
      line: { color: COLOURS[i], dash: centred ? "solid" : "dot", width: 2 },
      marker: { size: 6, symbol: SYMBOLS[i] },
    })),
  );
  const layout = { xaxis: axis("k"), yaxis: axis("σ<sub>k</sub> / σ<sub>1</sub>", { type: "log" }) };
  return { figure, draw: () => draw(plot, traces, layout) };
}
