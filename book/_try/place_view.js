/** The section "Among the published networks": what is asked, and what is found for one file. Computes nothing. */

import { PRIMARY } from "../_explore/choice.js";
import { ends } from "../_explore/images.js";
import { layerName, three, titleOf } from "../_explore/words.js";
import { loadPlotly } from "./charts.js";
import { KINDS, UNSTABLE } from "./compare.js";
import { h, more, save, table } from "./dom.js";
import { asCSV } from "./export.js";
import { FAMILIES, dots } from "./place_picture.js";
import { byArchitecture, byFamily, cosines, likeChance, untrainedReach } from "./placed.js";
import { anchors, layersOf, loadIndex, reference } from "./published.js";

const ENDS = 20; // images of each end, as the command shows

/** @typedef {{id: string, name: string, n: number}} Given a file that is read */
/** @typedef {Record<Convention, PVector>} Vectors */

/**
 * @param {string} base the address of the pages' static files
 * @param {(file: Given) => Promise<Vectors>} measure
 */
export function placing(base, measure) {
  const results = h("div");
  const said = h("p", { role: "status", id: "try-place-status" });
  const form = h("div");
  const root = h(
    "section",
    { "aria-labelledby": "try-place-title", hidden: true },
    h("h2", { id: "try-place-title" }, "Among the published networks"),
    form,
    said,
    results,
  );
  /** @type {Given[]} */
  let files = [];
  let latest = 0;
  /** @type {Record<Convention, Cosine[]> | null} */
  let found = null;

  const clear = () => {
    latest++;
    found = null;
    results.replaceChildren();
    said.textContent = "";
  };

  /**
   * Offer to place the files that are read; nothing is placed before the reader asks.
   * @param {Given[]} ready
   */
  const offer = async (ready) => {
    files = ready;
    root.hidden = !files.length;
    clear();
    const mine = latest;
    if (!files.length) return;
    let index;
    try {
      index = await loadIndex(base);
    } catch {
      const lacking = "The published networks are not stored with this page. ";
      form.replaceChildren(h("p", {}, lacking, ...command(files[0].name)));
      return;
    }
    if (mine !== latest) return;
    const sizes = anchors(index);
    const fitting = files.filter(({ n }) => [...sizes.values()].includes(n));
    form.replaceChildren(...(fitting.length ? asked(fitting, index, sizes) : [h("p", {}, ...unfitting(files, sizes))]));
  };

  /**
   * @param {Given[]} fitting
   * @param {Index} index
   * @param {Map<string, number>} sizes
   */
  const asked = (fitting, index, sizes) => {
    const file = select(
      "try-place-file",
      "File",
      fitting.map(({ id, name }) => [id, name]),
    );
    const data = select("try-place-data", "Images of the training anchor of", []);
    const layer = select("try-place-layer", "Layer of the published networks", []);
    const chosen = () => /** @type {Given} */ (fitting.find(({ id }) => id === file.input.value));
    const choose = () => {
      const names = [...sizes].filter(([, n]) => n === chosen().n).map(([name]) => [name, titleOf(name)]);
      fill(data.input, [["", "choose a data set"], ...names], "");
      fill(layer.input, [[PRIMARY, layerName(PRIMARY)]], PRIMARY);
      clear();
    };
    file.input.addEventListener("change", choose);
    data.input.addEventListener("change", () => {
      const names = layersOf(index, data.input.value).map((name) => [name, layerName(name)]);
      fill(layer.input, names, PRIMARY);
      clear();
    });
    layer.input.addEventListener("change", clear);
    choose();
    const click = () => place(index, chosen(), data.input, layer.input.value);
    return [
      h(
        "p",
        {},
        "The P-vector of one file beside those of the networks that this book trained, over the same images. ",
        h("strong", {}, "Rows must be the images of the training anchor, in its order"),
        ", as ",
        h("code", {}, "pvlib anchor"),
        " writes them. The page sees the number of rows and cannot check anything else.",
      ),
      h("div", { class: "pv-try-row pv-try-place" }, ...(fitting.length > 1 ? [file.root] : []), data.root, layer.root),
      h(
        "p",
        { class: "pv-try-buttons" },
        h("button", { type: "button", class: "pv-try-button", id: "try-place-go", on: { click } }, "Place it"),
      ),
    ];
  };

  /**
   * @param {Index} index
   * @param {Given} file
   * @param {HTMLSelectElement} input
   * @param {string} layer
   */
  const place = async (index, file, input, layer) => {
    clear();
    const data = input.value;
    if (!data) {
      said.textContent = "Choose the data set whose images the rows are.";
      input.focus();
      return;
    }
    const mine = latest;
    said.textContent = "Measuring, and loading the published networks …";
    try {
      const [vectors, known] = await Promise.all([
        measure(file),
        reference(base, index, data, layer),
        loadPlotly(base),
      ]);
      if (mine !== latest) return; // the reader has chosen something else meanwhile
      const shown = sheet(file, data, layer, vectors, known);
      found = shown.found;
      results.replaceChildren(shown.root);
      said.textContent = `Placed among the networks of ${titleOf(data)}, layer: ${layerName(layer)}.`;
      await shown.draw();
    } catch (error) {
      if (mine === latest) said.textContent = error instanceof Error ? error.message : String(error);
    }
  };

  return { root, offer, found: () => found };
}

/**
 * @param {Given} file
 * @param {string} data
 * @param {string} layer
 * @param {Vectors} vectors
 * @param {Reference} known
 */
function sheet({ name, n }, data, layer, vectors, known) {
  const found = /** @type {Record<Convention, Cosine[]>} */ (
    Object.fromEntries(
      KINDS.map((kind) => [kind, cosines(vectors[kind].vector, known.networks[kind], known.pixels[kind])]),
    )
  );
  const sure = KINDS.filter((kind) => vectors[kind].defined);
  const pictures = sure.map((kind) =>
    dots(
      byArchitecture(found[kind]),
      `Mean absolute cosine of the ${kind} P-vector of ${name} with each published architecture, trained and untrained`,
      `${titled(kind)}: means over runs, with their range. Filled: trained; open: untrained. The nearest is at the top.`,
    ),
  );
  const notes = cautions(name, n, vectors, found.centred);
  const root = h(
    "div",
    {},
    notes.length
      ? h(
          "div",
          { class: "pv-try-cautions pv-try-some" },
          h("h3", {}, "Cautions"),
          h("ul", {}, ...notes.map((note) => h("li", {}, note))),
        )
      : "",
    h("div", { class: "pv-try-cards" }, ...sure.map((kind) => card(kind, found[kind], known.networks[kind]))),
    h(
      "p",
      {},
      "A large cosine does not make a network good, and a small one does not make it bad. " +
        "Compare trained with untrained networks: uncentred, even these are near.",
    ),
    ...sure.flatMap((kind, i) => [
      h("h3", {}, `${titled(kind)}, architecture by architecture`),
      pictures[i].figure,
      numbers(kind, found[kind]),
    ]),
    h("h3", {}, "The images at its two ends"),
    h("div", { class: "pv-try-two" }, ...sure.map((kind) => ends(known, titled(kind), vectors[kind].vector, ENDS))),
    h("p", {}, ...command(name, data, layer)),
  );
  return { root, found, draw: () => Promise.all(pictures.map((picture) => picture.draw())) };
}

const titled = (/** @type {Convention} */ kind) => `${kind[0].toUpperCase()}${kind.slice(1)}`;

/**
 * @param {string} name
 * @param {number} n
 * @param {Vectors} vectors
 * @param {Cosine[]} centred
 */
function cautions(name, n, vectors, centred) {
  const moving = KINDS.flatMap((kind) => {
    const { defined, stability } = vectors[kind];
    if (!defined) return [`The ${kind} P-vector of ${name} is undefined (σ₁ and σ₂ tie): it is not placed.`];
    if (stability >= UNSTABLE) return [];
    const moves = `moves when images are drawn again (median |cos| ${three(stability)})`;
    return [`The ${kind} P-vector of ${name} ${moves}: its cosines say little.`];
  });
  if (!vectors.centred.defined || !likeChance(centred, n)) return moving;
  const most = three(Math.max(...centred.map(({ cos }) => cos)));
  return [
    `Centred, no |cos| is above ${most}: rows in a random order would give as much. ` +
      "Are these the images of this anchor, in its order?",
    ...moving,
  ];
}

/**
 * Which family is nearest, and whether that says more than an untrained network would.
 * @param {Convention} kind
 * @param {Cosine[]} found
 * @param {PublishedVector[]} networks
 */
function card(kind, found, networks) {
  const families = byFamily(found);
  const [{ name: family, trained }] = families;
  const title = `trained ${FAMILIES[family].name}`;
  const own = trained?.mean ?? NaN;
  const reach = untrainedReach(networks, family);
  const pixels = found.find(({ state }) => state === "data");
  const both = (/** @type {Spread | null} */ one) => three(one?.mean ?? NaN);
  return h(
    "section",
    { class: "pv-try-card" },
    h("h3", {}, titled(kind)),
    h("p", { class: "pv-try-what" }, `mean |cos| with ${title}, the nearest family`),
    h("p", { class: "pv-try-big" }, three(own)),
    h(
      "dl",
      {},
      ...[
        ["mean |cos| with", "trained / untrained"],
        ...families.map((one) => [FAMILIES[one.name].name, `${both(one.trained)} / ${both(one.untrained)}`]),
        ["the data (pixels)", three(pixels?.cos ?? NaN)],
      ].map(([what, value]) => h("div", {}, h("dt", {}, what), h("dd", {}, value))),
    ),
    h("p", { class: "pv-try-said" }, reach ? verdict(own, title, reach) : ""),
  );
}

/**
 * @param {number} own mean |cos| with the trained networks of the nearest family
 * @param {string} title of these
 * @param {Spread} reach what untrained networks have with them
 */
export function verdict(own, title, { mean, high }) {
  const others = `untrained published networks agree with these at ${three(mean)} on average, at ${three(high)} at most`;
  if (own > high) return `It agrees with ${title} more than any untrained network does: ${others}.`;
  if (own > mean)
    return `It agrees with ${title} more than untrained networks do on average, but not more than all of them: ${others}.`;
  return `It agrees with ${title} no more than untrained networks do, so this is no sign of learning: ${others}.`;
}

/**
 * @param {Convention} kind
 * @param {Cosine[]} found
 */
function numbers(kind, found) {
  const click = () => {
    const head = /** @type {const} */ (["study", "label", "family", "role", "seed", "state", "cos"]);
    const rows = found.map((row) => head.map((key) => String(row[key])));
    save(`placed-${kind}.csv`, asCSV([[...head], ...rows]), "text/csv");
  };
  const of = (/** @type {Spread | null} */ one) => [
    one ? String(one.count) : "–",
    ...[one?.mean, one?.low, one?.high].map((value) => three(value ?? NaN)),
  ];
  const spread = ["mean |cos|", "least", "most"];
  const head = ["network", "trained runs", ...spread, "untrained runs", ...spread];
  const lines = byArchitecture(found).map(({ name, trained, untrained, data }) => [
    name,
    ...(data ? ["–", ...of(data).slice(1)] : of(trained)),
    ...of(untrained),
  ]);
  return more(
    "The numbers behind this picture",
    h("button", { type: "button", class: "pv-try-button", on: { click } }, "Save every cosine (CSV)"),
    table(`${titled(kind)}: |cos| with the published networks`, head, lines),
  );
}

/**
 * What else to do where no anchor has so many images.
 * @param {Given[]} files
 * @param {Map<string, number>} sizes
 */
function unfitting(files, sizes) {
  const counts = [...sizes].map(([name, n]) => `${n.toLocaleString("en")} of ${titleOf(name)}`).join(", ");
  const [{ n }] = files;
  return [
    `The published networks were shown other images than these ${n.toLocaleString("en")}: ${counts}. To place yours, `,
    h("code", {}, "pvlib anchor digits --to images.npy"),
    " writes these images; a file of features needs a row for each, in the same order.",
  ];
}

/**
 * @param {string} name
 * @param {string} [data]
 * @param {string} [layer]
 */
function command(name, data = "cifar10", layer = PRIMARY) {
  const file = /^[\w.:-]+$/.test(name) ? name : `"${name}"`;
  const line = `pvlib place ${file} --dataset ${data}${layer === PRIMARY ? "" : ` --layer ${layer}`}`;
  return [
    "On the command line: ",
    h("code", {}, line),
    layer === PRIMARY ? "." : ". At this layer it compares with more networks than this page holds.",
  ];
}

/**
 * @param {string} id
 * @param {string} title
 * @param {string[][]} options
 */
function select(id, title, options) {
  const input = /** @type {HTMLSelectElement} */ (h("select", { id, class: "pv-try-select" }));
  fill(input, options, options[0]?.[0] ?? "");
  return { input, root: h("div", {}, h("label", { for: id }, title), input) };
}

/**
 * @param {HTMLSelectElement} into
 * @param {string[][]} options value and text of each
 * @param {string} value
 */
function fill(into, options, value) {
  into.replaceChildren(...options.map(([one, text]) => h("option", { value: one }, text)));
  into.value = value;
}
