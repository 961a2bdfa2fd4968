/** Where a P-vector stands among published ones. (test_try_page.py compares the page with `pvlib.report.place`.) */

import assert from "node:assert/strict";
import { test } from "node:test";

import { folded } from "../../book/_try/place_picture.js";
import { verdict } from "../../book/_try/place_view.js";
import { byArchitecture, byFamily, cosines, likeChance, untrainedReach } from "../../book/_try/placed.js";
import { anchors, layersOf, ours } from "../../book/_try/published.js";

const at = (/** @type {number} */ degrees) =>
  Float64Array.from([Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)]);
const cos = (/** @type {number} */ degrees) => Math.abs(Math.cos((degrees * Math.PI) / 180));
const near = (/** @type {number | undefined} */ found, /** @type {number} */ wanted) =>
  assert.ok(Math.abs((found ?? NaN) - wanted) <= 1e-12, `${found} is not ${wanted}`);

/**
 * @param {string} label
 * @param {number} seed
 * @param {State} state
 * @param {number} degrees
 * @param {Partial<PublishedVector>} [more]
 * @returns {PublishedVector}
 */
const network = (label, seed, state, degrees, more = {}) => ({
  id: `${label}.${seed}`,
  study: "quick",
  cell: label,
  label,
  seed: `seed ${seed}`,
  role: "primary",
  family: "classifier",
  score_name: null,
  score: null,
  layers: [],
  state,
  vector: at(degrees),
  ...more,
});
const networks = [
  network("ae", 0, "trained", 80, { family: "autoencoder" }),
  network("ae", 0, "untrained", 50, { family: "autoencoder" }),
  network("mlp", 0, "trained", 10),
  network("mlp", 1, "trained", 20),
  network("mlp", 0, "untrained", 40),
  network("mlp", 1, "untrained", 60),
  network("twin", 0, "trained", 0, { role: "control" }),
];

test("every published vector is compared with, of any length and sign, and the pixels come last", () => {
  const vector = at(180).map((x) => 3 * x);
  const found = cosines(vector, networks, at(30));
  assert.equal(found.length, networks.length + 1);
  found.slice(0, -1).forEach((row, i) => near(row.cos, Math.abs(networks[i].vector[0])));
  assert.deepEqual([found.at(-1)?.state, found.at(-1)?.label], ["data", "the data (pixels)"]);
  near(found.at(-1)?.cos, cos(30));
});

test("architectures stand nearest first, those without trained runs last; families count primary networks alone", () => {
  const found = cosines(at(0), networks, at(30));
  const lines = byArchitecture(found);
  assert.deepEqual(
    lines.map(({ name }) => name),
    ["twin", "mlp", "ae", "the data (pixels)"],
  );
  const [twin, mlp, , data] = lines;
  assert.equal(twin.untrained, null);
  near(mlp.trained?.mean, (cos(10) + cos(20)) / 2);
  assert.deepEqual([mlp.trained?.count, mlp.untrained?.low, mlp.untrained?.high], [2, found[5].cos, found[4].cos]);
  near(data.data?.mean, cos(30));
  const families = byFamily(found);
  assert.deepEqual(
    families.map(({ name }) => name),
    ["classifier", "autoencoder"],
  );
  near(families[0].trained?.mean, (cos(10) + cos(20)) / 2);
});

test("where nothing is trained, untrained networks say which is nearest", () => {
  const untrained = networks.filter(({ state }) => state === "untrained");
  const rows = cosines(at(50), untrained, at(0));
  assert.deepEqual(
    byFamily(rows).map(({ name }) => name),
    ["autoencoder", "classifier"],
  );
});

test("what untrained networks reach leaves out the trained network that each became", () => {
  const reach = untrainedReach(networks, "classifier");
  assert.equal(reach?.count, 3);
  near(reach?.high, cos(20)); // of mlp.0, with mlp.1 alone
  near(reach?.low, cos(50)); // of mlp.1, with mlp.0 alone
  near(reach?.mean, (cos(20) + cos(50) + (cos(40) + cos(30)) / 2) / 3); // and the autoencoder's, with both
  assert.equal(untrainedReach(networks, "contrastive"), null);
});

test("a verdict says whether untrained networks reach as much", () => {
  const reach = { count: 3, mean: 0.4, low: 0.1, high: 0.7 };
  const of = (/** @type {number} */ own) => verdict(own, "trained classifiers", reach);
  assert.match(of(0.8), /more than any untrained network does: .* at 0\.400 on average, at 0\.700 at most/);
  assert.match(of(0.5), /more than untrained networks do on average, but not more than all/);
  assert.match(of(0.3), /no more than untrained networks do, so this is no sign of learning/);
});

test("only cosines that a random order gives, too, count as chance", () => {
  const rows = cosines(at(90), [network("mlp", 0, "trained", 1)], at(0));
  assert.ok(likeChance(rows, 1000));
  assert.ok(!likeChance([...rows, { ...rows[0], cos: 0.13 }], 1000));
});

test("networks of others, and those of another study beside them, are not compared with", () => {
  const own = network("mlp", 0, "trained", 0);
  const foreign = { ...own, study: "foreign", role: "foreign" };
  const layers = { penultimate: { files: { "": "x" }, along: false, off: 0 } };
  const found = ours([
    { study: "quick", data: "mnist", n: 2000, layers, networks: [own] },
    { study: "foreign", data: "mnist", n: 2000, layers: { late: layers.penultimate }, networks: [foreign, own] },
  ]);
  assert.deepEqual(
    found.map(({ study }) => study),
    ["quick"],
  );
  const index = { collections: found, datasets: {} };
  assert.deepEqual([...anchors(index)], [["mnist", 2000]]);
  assert.deepEqual(layersOf(index, "mnist"), ["penultimate"]);
  assert.deepEqual(layersOf(index, ""), []);
});

test("a long name takes two lines", () => {
  assert.equal(folded("variational conv. autoencoder"), "variational conv.<br>autoencoder");
  assert.equal(folded("MLP autoencoder"), "MLP autoencoder");
});
