/** Images at the ends of a P-vector and along it: their classes, and the digits themselves, which may be shown. */

import { h } from "../_try/dom.js";
import { counts, ranked } from "./entries.js";

const SHOWN = 10; // images of each end
const END = 0.05; // of all images

/** @typedef {import("./sheet.js").Known} Known */

/**
 * An image of the digits.
 * @param {NonNullable<Known["images"]>} images
 * @param {number} sample
 * @param {string} label
 */
function picture({ side, pixels }, sample, label) {
  const canvas = /** @type {HTMLCanvasElement} */ (
    h("canvas", { width: side, height: side, class: "pv-explore-image", role: "img", "aria-label": label })
  );
  const context = canvas.getContext("2d");
  if (context) {
    const data = context.createImageData(side, side);
    for (let i = 0; i < side * side; i++)
      data.data.set([...Array(3).fill(255 - pixels[sample * side * side + i]), 255], 4 * i);
    context.putImageData(data, 0, 0);
  }
  return canvas;
}

/**
 * Both ends of one P-vector.
 * @param {Pick<Known, "classOf" | "images">} known
 * @param {string} name
 * @param {Float64Array} vector
 * @param {number} [count] images of each end whose classes are counted
 */
export function ends({ classOf, images }, name, vector, count = Math.round(END * vector.length)) {
  const order = ranked(vector);
  const end = (/** @type {string} */ title, /** @type {number[]} */ samples) =>
    h(
      "div",
      {},
      h("h4", {}, title),
      images
        ? h(
            "div",
            { class: "pv-explore-images" },
            ...samples
              .slice(0, SHOWN)
              .map((sample) => picture(images, sample, `digit ${classOf[sample]}, image ${sample}`)),
          )
        : "",
      h("ul", { class: "pv-explore-classes", "aria-label": title }, ...chips(counts(samples, classOf))),
    );
  return h(
    "section",
    { class: "pv-try-card" },
    h("h3", {}, name),
    end(`Largest entries: classes of ${count} images`, order.slice(-count).reverse()),
    end(`Smallest entries: classes of ${count} images`, order.slice(0, count)),
  );
}

/** @param {[string, number][]} found */
function chips(found) {
  const shown = found.slice(0, SHOWN);
  const rest = found.slice(SHOWN).reduce((sum, [, count]) => sum + count, 0);
  const chip = (/** @type {string} */ name, /** @type {number} */ count) =>
    h("li", {}, h("strong", {}, name), ` ${count}`);
  return [...shown.map(([name, count]) => chip(name, count)), ...(rest ? [chip("other classes", rest)] : [])];
}

/**
 * A slider along the P-vector of A: which image is where, of which class, and where in the scatter.
 * @param {Known} known
 * @param {Float64Array} u
 * @param {Float64Array} v
 * @param {HTMLElement} plot
 */
export function walk({ classOf, images }, u, v, plot) {
  const order = ranked(u);
  const root = Math.sqrt(u.length);
  const last = order.length - 1;
  const said = h("span", { id: "explore-walked" });
  const shown = h("span", { class: "pv-explore-walk-image" });
  let drawn = false;
  const input = /** @type {HTMLInputElement} */ (
    h("input", { type: "range", id: "explore-walk", min: 0, max: last, value: last })
  );
  const step = () => {
    const sample = order[Number(input.value)];
    const at = `place ${(Number(input.value) + 1).toLocaleString("en")} of ${order.length.toLocaleString("en")}`;
    const entries = `entries × √n ${(u[sample] * root).toFixed(2)} and ${(v[sample] * root).toFixed(2)}`;
    const text = `image ${sample}, class ${classOf[sample]}: ${at}, ${entries}`;
    said.textContent = text;
    input.setAttribute("aria-valuetext", text);
    if (images) shown.replaceChildren(picture(images, sample, `digit ${classOf[sample]}, image ${sample}`));
    if (drawn) Plotly.relayout(plot, { shapes: [ring(u[sample] * root, v[sample] * root)] });
  };
  input.addEventListener("input", step);
  step();
  return {
    root: h(
      "div",
      { class: "pv-explore-walk" },
      h("label", { for: "explore-walk" }, "Walk along the P-vector of A"),
      input,
      h("p", {}, shown, said),
    ),
    start: () => {
      drawn = true;
      step();
    },
  };
}

/**
 * @param {number} x
 * @param {number} y
 */
const ring = (x, y) => ({
  type: "circle",
  xsizemode: "pixel",
  ysizemode: "pixel",
  xanchor: x,
  yanchor: y,
  x0: -9,
  x1: 9,
  y0: -9,
  y1: 9,
  line: { color: "#d55e00", width: 3 },
});
