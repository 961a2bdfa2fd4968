/** Names as readers know them. */

/** @type {Record<string, string>} */
const TITLES = { mnist: "MNIST", cifar10: "CIFAR-10", cifar100: "CIFAR-100", digits: "Digits" };
/** @type {Record<string, string>} */
const LAYERS = {
  earlier: "earlier",
  early: "early",
  middle: "middle",
  late: "late",
  penultimate_pre: "penultimate, before ReLU",
  penultimate: "penultimate",
  output: "output",
};
/** @type {Record<string, string>} */
const SCORES = {
  test_accuracy: "test accuracy",
  test_explained_variance: "variance of test pixels explained",
  probe_accuracy: "test accuracy of a linear probe",
};
/** @type {Record<State, string>} */
export const STATE_WORDS = { trained: "trained", untrained: "before training" };

export const titleOf = (/** @type {string} */ data) => TITLES[data] ?? data;

export const layerName = (/** @type {string} */ layer) => LAYERS[layer] ?? layer;

export const collectionName = (/** @type {Collection} */ { study, data }) =>
  study === "foreign" ? `${titleOf(data)}, networks of others (foreign)` : `${titleOf(data)} (study ${study})`;

export const networkName = (/** @type {Network} */ { label, seed }) => `${label}, ${seed}`;

/**
 * @param {Network} network
 * @param {End} end
 */
export const endName = (network, { state }) => networkName(network) + (state === "trained" ? "" : ", before training");

/** Three decimals: more is not known of a cosine here. */
export const three = (/** @type {number} */ value) =>
  Number.isFinite(value)
    ? value
        .toFixed(3)
        .replace(/^-(?=0\.000$)/, "")
        .replace("-", "−")
    : "–";

export const percent = (/** @type {number} */ share, digits = 0) => `${(100 * share).toFixed(digits)} %`;

/**
 * How well a network does what it was trained for.
 * @param {Network} network
 */
export function score({ score_name: name, score: value }) {
  return name === null || value === null ? "trained on ImageNet" : `${SCORES[name] ?? name} ${percent(value, 1)}`;
}

export const plural = (/** @type {number} */ count, /** @type {string} */ what) =>
  `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
