/** The knobs. They say what is wanted; what is shown follows the address. */

import { h } from "../_try/dom.js";
import { CONVENTIONS, STATES, found, settle } from "./choice.js";
import { STATE_WORDS, collectionName, layerName, networkName } from "./words.js";

/** @type {Record<string, string>} */
const GROUPS = { primary: "Networks", control: "Controls", exploratory: "Exploratory", foreign: "Trained by others, on ImageNet" };

/**
 * @typedef {object} Panel
 * @property {HTMLElement} root
 * @property {(choice: Choice) => void} set
 */

/**
 * @param {Index} index
 * @param {(settled: ReturnType<typeof settle>) => void} go
 * @returns {Panel}
 */
export function panel(index, go) {
  /** @type {Choice} */
  let now;
  const turn = (/** @type {Partial<Choice>} */ change) => {
    const { a, b, ...rest } = { ...now, ...change };
    const text = (/** @type {End} */ end) => `${end.id}.${end.state}`;
    go(settle({ ...rest, a: text(a), b: text(b) }, index));
  };
  const collection = select("explore-collection", (value) => {
    const { study, data } = index.collections[Number(value)];
    turn({ study, data });
  });
  collection.replaceChildren(...index.collections.map((one, i) => option(i, collectionName(one))));
  const layer = select("explore-layer", (value) => turn({ layer: value }));
  const conventions = CONVENTIONS.map((value) => {
    const input = /** @type {HTMLInputElement} */ (
      h("input", {
        type: "radio",
        name: "explore-convention",
        id: `explore-${value}`,
        value,
        on: { change: () => turn({ convention: value }) },
      })
    );
    return { input, label: h("label", { for: input.id }, input, ` ${value}`) };
  });
  const ends = /** @type {const} */ (["a", "b"]).map((side) => chooser(side, (end) => turn({ [side]: end })));
  const swap = h(
    "button",
    { type: "button", class: "pv-try-button", on: { click: () => turn({ a: now.b, b: now.a }) } },
    "Exchange A and B",
  );
  const copied = h("span", { role: "status" });
  const copy = h(
    "button",
    { type: "button", class: "pv-try-button", id: "explore-copy", on: { click: () => copyAddress(copied) } },
    "Copy the link",
  );

  const root = h(
    "form",
    {
      class: "pv-explore-panel",
      "aria-label": "What is compared",
      on: { submit: (/** @type {Event} */ event) => event.preventDefault() },
    },
    h(
      "div",
      { class: "pv-try-row" },
      field("Data set and study", collection),
      field("Layer", layer),
      h("fieldset", {}, h("legend", {}, "Features"), ...conventions.map(({ label }) => label)),
    ),
    ...ends.map(({ root: one }) => one),
    h("p", { class: "pv-try-buttons" }, swap, copy, copied),
  );

  /** @param {Choice} choice */
  const set = (choice) => {
    now = choice;
    copied.textContent = "";
    const at = found(choice, index).collection;
    collection.value = String(index.collections.indexOf(at));
    fill(
      layer,
      Object.keys(at.layers).map((name) => option(name, layerName(name))),
      choice.layer,
    );
    for (const { input } of conventions) input.checked = input.value === choice.convention;
    const here = at.networks.filter(({ layers }) => layers.includes(choice.layer));
    ends[0].set(here, choice.a, at.study);
    ends[1].set(here, choice.b, at.study);
  };
  return { root, set };
}

/**
 * One network: which kind, which seed, trained or not.
 * @param {"a" | "b"} side
 * @param {(end: End) => void} go
 */
function chooser(side, go) {
  /** @type {Network[]} */
  let here = [];
  /** @type {End} */
  let now;
  const kind = select(`explore-${side}`, (value) => {
    const { seed } = /** @type {Network} */ (here.find(({ id }) => id === now.id));
    const all = here.filter((one) => key(one) === value);
    go({ ...now, id: (all.find((one) => one.seed === seed) ?? all[0]).id });
  });
  const seed = select(`explore-${side}-seed`, (value) => go({ ...now, id: value }));
  const state = select(`explore-${side}-state`, (value) => go({ ...now, state: /** @type {State} */ (value) }));
  state.replaceChildren(...STATES.map((one) => option(one, STATE_WORDS[one])));
  const name = side.toUpperCase();
  const root = h(
    "div",
    { class: `pv-try-row pv-explore-${side}` },
    field(`Network ${name}`, kind),
    field("Run", seed, `Run of network ${name}`),
    field("State", state, `State of network ${name}`),
  );
  /**
   * @param {Network[]} networks
   * @param {End} end
   * @param {string} study
   */
  const set = (networks, end, study) => {
    here = networks;
    now = end;
    const chosen = /** @type {Network} */ (here.find(({ id }) => id === end.id));
    /** @type {Map<string, Map<string, string>>} */
    const groups = new Map();
    for (const one of here) {
      const group = (GROUPS[one.role] ?? one.role) + (one.study === study ? "" : ` of the study ${one.study}`);
      if (!groups.has(group)) groups.set(group, new Map());
      /** @type {Map<string, string>} */ (groups.get(group)).set(key(one), one.label);
    }
    const grouped = [...groups].map(([label, kinds]) =>
      h("optgroup", { label }, ...[...kinds].map(([value, text]) => option(value, text))),
    );
    fill(kind, grouped, key(chosen));
    const seeds = here.filter((one) => key(one) === key(chosen));
    fill(
      seed,
      seeds.map((one) => option(one.id, one.seed)),
      chosen.id,
    );
    seed.setAttribute("title", networkName(chosen));
    state.value = end.state;
  };
  return { root, set };
}

const key = (/** @type {Network} */ { study, role, cell }) => [study, role, cell].join("/");

/**
 * @param {string} id
 * @param {(value: string) => void} change
 */
function select(id, change) {
  return /** @type {HTMLSelectElement} */ (
    h("select", {
      id,
      class: "pv-try-select",
      on: { change: (/** @type {Event} */ event) => change(/** @type {HTMLSelectElement} */ (event.target).value) },
    })
  );
}

/**
 * @param {string | number} value
 * @param {string} text
 */
const option = (value, text) => h("option", { value }, text);

/**
 * @param {HTMLSelectElement} into
 * @param {Node[]} options
 * @param {string} value
 */
function fill(into, options, value) {
  into.replaceChildren(...options);
  into.value = value;
}

/**
 * @param {string} text
 * @param {HTMLElement} control
 * @param {string} [full] for those who cannot see what stands beside it
 */
function field(text, control, full) {
  if (full) control.setAttribute("aria-label", full);
  return h("div", {}, h("label", { for: control.id }, text), control);
}

/** @param {HTMLElement} said */
async function copyAddress(said) {
  try {
    await navigator.clipboard.writeText(location.href);
    said.textContent = "Copied.";
  } catch {
    said.textContent = "The browser allows no copying here: take the address of this page.";
  }
}
