/** The page "Explore the evidence": the address says what is shown. */

import { loadPlotly } from "../_try/charts.js";
import { byId, h, short } from "../_try/dom.js";
import { CONVENTIONS, decode, encode, expand, found, isChoice, settle } from "./choice.js";
import { bytes, degrees, directions, parts } from "./entries.js";
import { file } from "./files.js";
import { panel } from "./panel.js";
import { sheet } from "./sheet.js";

/**
 * @param {{collections: Published[], datasets: Index["datasets"]}} published
 * @param {string} base the address of the pages' static files
 */
export function start(published, base) {
  const index = { ...published, collections: expand(published.collections) };
  const [status, refused, results] = [byId("explore-status"), byId("explore-error"), byId("explore-results")];
  /** @type {import("./sheet.js").Known | null} */
  let shown = null;
  let latest = 0;

  const refuse = (/** @type {unknown} */ error) => {
    refused.textContent = error instanceof Error ? error.message : String(error);
    refused.hidden = false;
  };
  /** @type {string[]} */
  let changed = []; // what a knob had to change besides
  const knobs = panel(index, ({ choice, notes }) => {
    changed = notes;
    location.hash = encode(choice);
  });
  byId("explore-panel").replaceChildren(knobs.root);

  const show = async () => {
    if (shown && !isChoice(location.hash)) return; // a heading of this page
    const { choice, notes } = settle(decode(location.hash), index);
    const mine = ++latest;
    knobs.set(choice);
    refused.textContent = [...notes, ...changed].join(" ");
    refused.hidden = !refused.textContent;
    changed = [];
    status.textContent = "Loading …";
    results.setAttribute("aria-busy", "true");
    try {
      const known = await read(base, index, choice);
      await loadPlotly(base);
      if (mine !== latest) return; // the reader has chosen something else meanwhile
      const { root, draw } = sheet(known);
      shown = known;
      results.replaceChildren(root);
      const [title, cos, angle] = ["h2", "#explore-cos", "#explore-angle"].map((one) => root.querySelector(one));
      status.textContent = `${title?.textContent}: |cos| ${cos?.textContent}, ${angle?.textContent}`;
      await draw();
    } catch (error) {
      if (mine !== latest) return;
      results.replaceChildren();
      status.textContent = "";
      refuse(error);
    }
    if (mine === latest) results.removeAttribute("aria-busy");
  };
  window.addEventListener("hashchange", show);
  show()
    .then(() => starts(base, index))
    .catch(refuse);
  return { known: () => shown, busy: () => results.hasAttribute("aria-busy") };
}

/**
 * All files of a choice, as numbers.
 * @param {string} base
 * @param {Index} index
 * @param {Choice} choice
 * @returns {Promise<import("./sheet.js").Known>}
 */
async function read(base, index, choice) {
  const { collection, a, b } = found(choice, index);
  const { files, along } = collection.layers[choice.layer];
  const { classes, labels, groups } = index.datasets[choice.data];
  const names = classes.map((name) => name.replaceAll("_", " "));
  const [moments, images, ...vectors] = await Promise.all([
    along ? file(base, `${Object.values(files)[0]}-along`) : null,
    choice.data === "digits" ? file(base, "digits-images") : null,
    ...CONVENTIONS.map((convention) => together(base, files, convention)),
  ]);
  return {
    choice,
    collection,
    a,
    b,
    moments,
    vectors: { uncentred: vectors[0], centred: vectors[1] },
    classes: names,
    classOf: Array.from(bytes(labels), (label) => names[label]),
    groups,
    images: images && { side: images.side, pixels: bytes(images.pixels) },
  };
}

/** @type {Map<string, Promise<Map<string, Direction>>>} */
const decoded = new Map();

/**
 * The vectors of one layer, of all studies that stand side by side.
 * @param {string} base
 * @param {Record<string, string>} files
 * @param {Convention} convention
 */
async function together(base, files, convention) {
  const all = await Promise.all(
    Object.entries(files).map(async ([prefix, name]) => {
      const chunk = await file(base, `${name}-${convention}`);
      const key = `${prefix}${name}-${convention}`;
      if (!decoded.has(key)) decoded.set(key, Promise.resolve(directions(chunk, prefix)));
      return /** @type {Promise<Map<string, Direction>>} */ (decoded.get(key));
    }),
  );
  return new Map(all.flatMap((map) => [...map]));
}

/**
 * Links that the page's text offers: their addresses, and their numbers, computed when their files are there.
 * @param {string} base
 * @param {Index} index
 */
async function starts(base, index) {
  for (const item of document.querySelectorAll("[data-explore]")) {
    const { choice, notes } = settle(decode(`#${item.getAttribute("data-explore")}`), index);
    const link = item.querySelector("a");
    if (notes.length || !link) {
      item.remove(); // a study that is not published here
      continue;
    }
    link.setAttribute("href", encode(choice));
    const { files } = found(choice, index).collection.layers[choice.layer];
    const vectors = await together(base, files, choice.convention);
    const [u, v] = [choice.a, choice.b].map(
      ({ id, state }) => /** @type {Direction} */ (vectors.get(`${id}/${state}`)),
    );
    const { cos, mean } = parts(u.vector, v.vector);
    /** @type {Record<string, string>} */
    const numbers = { cos: short(cos, 2), mean: short(mean, 2), angle: `${short(degrees(cos), 0)}°` };
    for (const place of item.querySelectorAll("[data-number]"))
      place.replaceChildren(h("strong", {}, numbers[place.getAttribute("data-number") ?? ""]));
  }
}
