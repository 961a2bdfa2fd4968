/** The picture of a P-vector among the published ones: a line for each architecture. */

import { axis, draw, frame } from "./charts.js";

/** Colour and shape of each family; before training, the shape is open. */
/** @type {Record<string, {colour: string, symbol: string, name: string}>} */
export const FAMILIES = {
  classifier: { colour: "#2f8fd0", symbol: "circle", name: "classifiers" },
  autoencoder: { colour: "#e69f00", symbol: "square", name: "autoencoders" },
  contrastive: { colour: "#cc79a7", symbol: "diamond", name: "contrastive networks" },
  data: { colour: "#009e73", symbol: "star", name: "the data (pixels)" },
};
const LINE = 19; // pixels of a line of text
const NARROW = 500; // pixels: long names take two lines
const LONGEST = 18; // letters of a name on one line

/**
 * Means over runs, with their range.
 * @param {ReturnType<typeof import("./placed.js").byArchitecture>} groups nearest first
 * @param {string} alt
 * @param {string} caption
 */
export function dots(groups, alt, caption) {
  const { plot, figure } = frame(alt, caption);
  const last = groups.length - 1;
  const traces = Object.entries(FAMILIES).flatMap(([family, { colour, symbol, name }]) =>
    /** @type {const} */ (["trained", "untrained", "data"]).flatMap((state) => {
      const points = groups.flatMap((group, i) => {
        const found = group.family === family && group[state];
        return found ? [{ ...found, label: group.name, y: last - i + (state === "trained" ? 0.15 : -0.15) }] : [];
      });
      if (!points.length) return [];
      return {
        type: "scatter",
        mode: "markers",
        name: state === "data" ? name : `${name}, ${state}`,
        x: points.map(({ mean }) => mean),
        y: points.map(({ y }) => y),
        text: points.map(({ label, count }) => (state === "data" ? label : `${label}, ${state}, ${count} runs`)),
        hovertemplate: "%{text}<br>mean |cos| %{x:.3f}<extra></extra>",
        error_x: {
          type: "data",
          symmetric: false,
          array: points.map(({ high, mean }) => high - mean),
          arrayminus: points.map(({ low, mean }) => mean - low),
          thickness: 1.5,
          width: 0,
        },
        marker: {
          size: 9,
          color: colour,
          symbol: state === "untrained" ? `${symbol}-open` : symbol,
          line: { width: 2, color: colour },
        },
      };
    }),
  );
  const least = Math.min(
    ...groups.flatMap(({ trained, untrained, data }) => [trained, untrained, data].map((one) => one?.low ?? 1)),
  );
  const from = least < 0.5 ? 0 : Math.floor(10 * least) / 10;
  return {
    figure,
    draw: () => {
      const narrow = plot.clientWidth < NARROW;
      const layout = {
        height: 150 + (narrow ? 2 * LINE : 1.4 * LINE) * groups.length,
        xaxis: axis("|cos|", { range: [from - 0.03 * (1 - from), 1 + 0.03 * (1 - from)] }),
        yaxis: axis("", {
          range: [-0.6, last + 0.6],
          tickvals: groups.map((_, i) => last - i),
          ticktext: groups.map(({ name }) => (narrow ? folded(name) : name)),
          zeroline: false,
        }),
      };
      return draw(plot, traces, layout);
    },
  };
}

/**
 * A long name on two lines, parted at the space that is nearest to its middle.
 * @param {string} name
 */
export function folded(name) {
  const spaces = [...name.matchAll(/ /g)].map(({ index }) => index);
  if (name.length <= LONGEST || !spaces.length) return name;
  const far = (/** @type {number} */ at) => Math.abs(at - name.length / 2);
  const at = spaces.reduce((best, one) => (far(one) < far(best) ? one : best));
  return `${name.slice(0, at)}<br>${name.slice(at + 1)}`;
}
