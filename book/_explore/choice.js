/** What a reader looks at, to and from the address: every state is a link. */

/** @type {Convention[]} */
export const CONVENTIONS = ["uncentred", "centred"];
/** @type {State[]} */
export const STATES = ["trained", "untrained"];
export const PRIMARY = "penultimate";

/** @type {Record<string, string>} */
const FIRST = { study: "quick", data: "cifar10", layer: PRIMARY, convention: "uncentred", a: "mlp.0", b: "conv_ae.0" };

/**
 * The networks of the published index, one by one.
 * @param {Published[]} published
 * @returns {Collection[]}
 */
export const expand = (published) =>
  published.map(({ cells, ...rest }) => ({
    ...rest,
    networks: cells.flatMap(({ runs, ...cell }) => runs.map(([id, seed, score]) => ({ ...cell, id, seed, score }))),
  }));

/** @param {End} end */
const named = ({ id, state }) => (state === "trained" ? id : `${id}.${state}`);

/**
 * @param {Choice} choice
 * @returns {string} with the leading #
 */
export function encode({ study, data, layer, convention, a, b }) {
  return `#${new URLSearchParams({ study, data, layer, convention, a: named(a), b: named(b) })}`;
}

/** Whether a fragment is one of ours, and no heading of the page. */
export const isChoice = (/** @type {string} */ hash) => hash.includes("=");

/**
 * What a fragment asks for, whether it is there or not; what it leaves out is as on the page's first view.
 * @param {string} hash
 */
export function decode(hash) {
  const given = isChoice(hash) ? Object.fromEntries(new URLSearchParams(hash.replace(/^#/, ""))) : FIRST;
  return { ...given };
}

/**
 * The nearest choice that is published, and what had to be changed.
 * @param {Record<string, string>} wanted
 * @param {Index} index
 * @returns {{choice: Choice, notes: string[]}}
 */
export function settle(wanted, { collections }) {
  /** @type {string[]} */
  const notes = [];
  const instead = (
    /** @type {string | undefined} */ asked,
    /** @type {string} */ what,
    /** @type {string} */ shown,
  ) => {
    if (asked !== undefined) notes.push(`${what} ${asked} is not published here: ${shown} is shown instead.`);
  };
  const asked = [wanted.study, wanted.data].filter(Boolean).join(", ");
  let collection = collections.find(({ study, data }) => study === wanted.study && data === wanted.data);
  if (!collection) {
    collection = collections.find(({ data }) => data === wanted.data) ?? collections[0];
    instead(asked || undefined, "The study", `${collection.study}, ${collection.data}`);
  }
  const { study, data, layers, networks } = collection;
  const layer = Object.hasOwn(layers, wanted.layer ?? "") ? wanted.layer : PRIMARY;
  if (layer !== wanted.layer) instead(wanted.layer, "The layer", layer);
  const convention = CONVENTIONS.find((one) => one === wanted.convention) ?? CONVENTIONS[0];
  if (convention !== wanted.convention) instead(wanted.convention, "The convention", convention);
  const here = networks.filter((one) => one.layers.includes(layer));
  /**
   * @param {string | undefined} name
   * @param {Network} fallback
   * @returns {End}
   */
  const end = (name, fallback) => {
    const state = STATES.find((one) => name?.endsWith(`.${one}`)) ?? "trained";
    const id = name?.replace(new RegExp(`\\.${state}$`), "");
    const same = here.find((one) => one.id === id) ?? here.find(({ id: other }) => cellOf(other) === cellOf(id ?? ""));
    const found = same ?? fallback;
    if (found.id !== id) instead(id, "At this layer, the network", `${found.label}, ${found.seed},`);
    return { id: found.id, state };
  };
  const a = end(wanted.a, here[0]);
  const first = /** @type {Network} */ (here.find(({ id }) => id === a.id));
  const b = end(wanted.b, here.find(({ cell }) => cell !== first.cell) ?? first);
  return { choice: { study, data, layer, convention, a, b }, notes };
}

const cellOf = (/** @type {string} */ id) => id.replace(/\.[^.]*$/, "");

/**
 * The collection of a choice, and its two networks.
 * @param {Choice} choice
 * @param {Index} index
 */
export function found({ study, data, a, b }, { collections }) {
  const collection = /** @type {Collection} */ (collections.find((one) => one.study === study && one.data === data));
  const of = (/** @type {End} */ { id }) => /** @type {Network} */ (collection.networks.find((one) => one.id === id));
  return { collection, a: of(a), b: of(b) };
}
