/** The explorer's own pictures; the scatter is that of the page for a reader's files. */

import { COLOURS, SYMBOLS, axis, draw, frame } from "../_try/charts.js";

const RELATIONS = [
  "classifier – classifier",
  "autoencoder – autoencoder",
  "classifier – autoencoder",
  "contrastive – classifier",
  "contrastive – autoencoder",
  "contrastive – contrastive",
];
const CHOSEN = "#d55e00"; // no relation has this colour
const OF_RELATIONS = [0, 2, 3, 4, 6, 5]; // among COLOURS
const GOLDEN = (Math.sqrt(5) - 1) / 2; // spreads points evenly without randomness

/**
 * @typedef {object} Band
 * @property {string} name
 * @property {{cos: number, text: string, relation: string, link: string}[]} points
 * @property {{cos: number, text: string} | null} mark the pair that is looked at
 */

/**
 * A line of points for each state, from |cos| 0, or just below the least where all are large, to 1.
 * @param {Band[]} bands the first at the top
 * @param {string} alt
 * @param {string} caption
 * @param {(link: string) => void} go
 */
export function strip(bands, alt, caption, go) {
  const { plot, figure } = frame(alt, caption);
  const height = (/** @type {number} */ i) => bands.length - 1 - i;
  const traces = RELATIONS.map((relation, kind) => {
    const points = bands.flatMap(({ points: all }, i) =>
      all
        .map((point, k) => ({ ...point, y: height(i) + 0.62 * (((k * GOLDEN) % 1) - 0.5) }))
        .filter((point) => point.relation === relation),
    );
    return {
      type: "scatter",
      mode: "markers",
      name: relation,
      x: points.map(({ cos }) => cos),
      y: points.map(({ y }) => y),
      text: points.map(({ text }) => text),
      customdata: points.map(({ link }) => link),
      hovertemplate: "%{text}<br>|cos| %{x:.3f}<extra></extra>",
      marker: { size: 6, opacity: 0.65, color: COLOURS[OF_RELATIONS[kind]], symbol: SYMBOLS[kind] },
    };
  }).filter(({ x }) => x.length);
  const marked = bands.flatMap(({ mark }, i) => (mark ? [{ ...mark, y: height(i) }] : []));
  const chosen = {
    type: "scatter",
    mode: "markers",
    name: "this pair",
    x: marked.map(({ cos }) => cos),
    y: marked.map(({ y }) => y),
    text: marked.map(({ text }) => text),
    hovertemplate: "%{text}<br>|cos| %{x:.3f}<extra></extra>",
    marker: { size: 17, color: CHOSEN, symbol: "diamond", line: { color: "#ffffff", width: 2 } },
  };
  const least = Math.min(
    ...bands.flatMap(({ points, mark }) => [...points, ...(mark ? [mark] : [])].map(({ cos }) => cos)),
  );
  const from = least < 0.5 ? 0 : Math.floor(10 * least) / 10;
  const layout = {
    height: 130 + 90 * bands.length,
    xaxis: axis("|cos|", { range: [from - 0.02 * (1 - from), 1 + 0.03 * (1 - from)] }),
    yaxis: axis("", {
      range: [-0.5, bands.length - 0.5],
      tickvals: bands.map((_, i) => height(i)),
      ticktext: bands.map(({ name }) => name),
      showgrid: false,
      zeroline: false,
    }),
  };
  return {
    figure,
    draw: async () => {
      await draw(plot, [...traces, chosen], layout);
      /** @type {any} */ (plot).on(
        "plotly_click",
        (/** @type {any} */ { points: [{ customdata }] }) => customdata && go(customdata),
      );
    },
  };
}

/**
 * @typedef {object} Line
 * @property {string} name
 * @property {number[]} x
 * @property {number[]} y degrees
 * @property {0 | 1} colour
 * @property {boolean} [mean] what the mean direction alone gives
 */

/**
 * Angles along training.
 * @param {Line[]} lines
 * @param {{title: string, ticks: number[], words: string[], log: boolean}} horizontal
 * @param {string} alt
 * @param {string} caption
 */
export function along(lines, { title, ticks, words, log }, alt, caption) {
  const { plot, figure } = frame(alt, caption);
  const traces = lines.map(({ name, x, y, colour, mean }) => ({
    type: "scatter",
    mode: mean ? "lines" : "lines+markers",
    name,
    x,
    y: y.map((value) => (Number.isNaN(value) ? null : value)),
    hovertemplate: "%{y:.1f}°<extra>%{fullData.name}</extra>",
    line: { color: COLOURS[colour], dash: mean ? "dot" : "solid", width: 2 },
    marker: { size: 6, symbol: SYMBOLS[colour] },
  }));
  const layout = {
    xaxis: axis(title, { type: log ? "log" : "linear", tickvals: ticks, ticktext: words }),
    yaxis: axis("angle (degrees)", { range: [0, 92], tickvals: [0, 15, 30, 45, 60, 75, 90] }),
  };
  return { figure, draw: () => draw(plot, traces, layout) };
}
