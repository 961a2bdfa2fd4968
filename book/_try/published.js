/** The published networks that `pvlib place` compares with, from the files of the page "Explore the evidence". */

import { expand } from "../_explore/choice.js";
import { bytes, directions } from "../_explore/entries.js";
import { file } from "../_explore/files.js";
import { KINDS } from "./compare.js";
import { loadScript } from "./dom.js";

/**
 * What is published: studies, layers, classes; no vectors yet.
 * @param {string} base the address of the pages' static files
 * @returns {Promise<Index>}
 */
export async function loadIndex(base) {
  const page = /** @type {any} */ (window);
  if (!page.pvExplore) await loadScript(`${base}explore/index.js`);
  const { collections, datasets } = page.pvExplore;
  return { collections: ours(expand(collections)), datasets };
}

/**
 * Studies that trained networks, each with its own alone: the command looks at no others.
 * @param {Collection[]} collections
 */
export const ours = (collections) =>
  collections
    .map((one) => ({
      ...one,
      networks: one.networks.filter(({ study, role }) => study === one.study && role !== "foreign"),
    }))
    .filter(({ networks }) => networks.length);

/**
 * Images of the training anchor, by data set.
 * @param {Index} index
 * @returns {Map<string, number>}
 */
export const anchors = ({ collections }) => new Map(collections.map(({ data, n }) => [data, n]));

/**
 * The layers at which networks of a data set are published.
 * @param {Index} index
 * @param {string} data
 */
export const layersOf = ({ collections }, data) => [
  ...new Set(collections.filter((one) => one.data === data).flatMap(({ layers }) => Object.keys(layers))),
];

/**
 * Every published P-vector of a layer, that of the pixels, and the images' classes.
 * @param {string} base
 * @param {Index} index
 * @param {string} data
 * @param {string} layer
 * @returns {Promise<Reference>}
 */
export async function reference(base, { collections, datasets }, data, layer) {
  const here = collections.filter((one) => one.data === data && Object.hasOwn(one.layers, layer));
  const [pixels, images, ...found] = await Promise.all([
    file(base, `pixels-${data}`),
    data === "digits" ? file(base, "digits-images") : null,
    ...KINDS.map(async (kind) => (await Promise.all(here.map((one) => vectors(base, one, layer, kind)))).flat()),
  ]);
  const own = directions(pixels);
  const { classes, labels } = datasets[data];
  return {
    networks: { uncentred: found[0], centred: found[1] },
    pixels: { uncentred: vectorOf(own, "uncentred"), centred: vectorOf(own, "centred") },
    classOf: Array.from(bytes(labels), (label) => classes[label].replaceAll("_", " ")),
    images: images && { side: images.side, pixels: bytes(images.pixels) },
  };
}

/**
 * @param {string} base
 * @param {Collection} collection
 * @param {string} layer
 * @param {Convention} kind
 * @returns {Promise<PublishedVector[]>}
 */
async function vectors(base, { networks, layers }, layer, kind) {
  const all = directions(await file(base, `${layers[layer].files[""]}-${kind}`));
  return [...all].flatMap(([name, { vector }]) => {
    const [id, state] = name.split("/");
    const network = networks.find((one) => one.id === id);
    return network ? [{ ...network, state: /** @type {State} */ (state), vector }] : [];
  });
}

/**
 * @param {Map<string, Direction>} all
 * @param {Convention} kind
 */
const vectorOf = (all, kind) => /** @type {Direction} */ (all.get(kind)).vector;
