/** The explorer's numbers, and its states as links. (test_explore_page.py compares the page with the tables.) */

import assert from "node:assert/strict";
import { test } from "node:test";

import { decode, encode, expand, isChoice, settle } from "../../book/_explore/choice.js";
import { angles, classMeans, counts, degrees, directions, parts, ranked } from "../../book/_explore/entries.js";
import { below, byArchitectures, pairs } from "../../book/_explore/population.js";

const base64 = (/** @type {Uint8Array} */ bytes) => Buffer.from(bytes).toString("base64");
const near = (/** @type {number} */ found, /** @type {number} */ wanted, within = 1e-12) =>
  assert.ok(Math.abs(found - wanted) <= within, `${found} is not ${wanted}`);
const unknown = { ratio: [null, 2], stability: [null, null], eta2: [null, 0.5] };

test("entries of 8 and of 16 bits are the same line between the two ends, at length 1", () => {
  const whole = [
    [0, 255, 51, 102],
    [255, 0, 0, 204],
  ];
  const low = [-1, 0];
  const high = [1, 3];
  const eight = base64(Uint8Array.from(whole.flat()));
  const words = Uint16Array.from(whole.flat(), (value) => value * 257); // 255 * 257 = 65535
  const sixteen = base64(new Uint8Array(words.buffer));
  const rows = ["a/trained", "b/trained"];
  for (const [bits, entries] of /** @type {[8 | 16, string][]} */ ([
    [8, eight],
    [16, sixteen],
  ])) {
    const found = directions({ rows, low, high, bits, entries, ...unknown }, "quick.");
    assert.deepEqual([...found.keys()], ["quick.a/trained", "quick.b/trained"]);
    const { vector, ratio, stability, eta2 } = /** @type {Direction} */ (found.get("quick.b/trained"));
    assert.deepEqual([ratio, stability, eta2], [2, null, 0.5]);
    const length = Math.hypot(3, 2.4);
    [3, 0, 0, 2.4].forEach((value, i) => near(vector[i], value / length, 1e-15));
  }
});

test("a cosine is the sum of its parts, and v is turned round where two disagree", () => {
  const unit = (/** @type {number[]} */ values) => Float64Array.from(values, (x) => x / Math.hypot(...values));
  const u = unit([1, 2, 3, 5, 1]);
  const v = unit([2, 1, 4, 4, -1]);
  for (const [sign, turned] of /** @type {const} */ ([
    [1, false],
    [-1, true],
  ])) {
    const found = parts(
      u,
      v.map((x) => sign * x),
    );
    assert.equal(found.turned, turned);
    near(
      found.cos,
      u.reduce((sum, x, i) => sum + x * v[i], 0),
      1e-15,
    );
    near(found.cos, found.c_u * found.c_v + found.s_u * found.s_v * found.r, 1e-15);
    near(found.mean + found.beyond, found.cos, 1e-15);
    near(found.c_u ** 2 + found.s_u ** 2, 1, 1e-15);
    near(found.c_u, 12 / Math.sqrt(5 * 40), 1e-15);
  }
});

test("a constant vector correlates with nothing", () => {
  const flat = new Float64Array(4).fill(0.5);
  const found = parts(flat, Float64Array.from([0.5, 0.5, -0.5, 0.5]));
  near(found.cos, 0.5);
  near(found.mean, 0.5);
  assert.ok(Number.isNaN(found.r));
});

test("angles: the ends of the scale, and what is not published", () => {
  const found = angles(base64(new Uint8Array(Uint16Array.from([0, 65534, 65535, 32767]).buffer)));
  assert.deepEqual([found[0], found[1], found[3]], [0, 90, 45]);
  assert.ok(Number.isNaN(found[2]));
  assert.deepEqual([degrees(1 + 1e-12), degrees(0), Math.round(degrees(-0.5))], [0, 90, 60]);
});

test("order, counts and means of classes", () => {
  const vector = Float64Array.from([0.3, -0.1, 0.3, -0.5]);
  const classOf = ["cat", "dog", "cat", "10"];
  assert.deepEqual(ranked(vector), [3, 1, 0, 2]);
  assert.deepEqual(counts([0, 1, 2, 3], classOf), [
    ["cat", 2],
    ["10", 1],
    ["dog", 1],
  ]);
  const means = classMeans(vector, classOf, ["10", "cat", "dog"]);
  [-1, 0.6, -0.2].forEach((value, i) => near(means[i], value));
});

/** Two data sets of one study and one of another; a network without the layer before ReLU, and a control. */
const layers = {
  penultimate: { files: { "": "x" }, along: true, off: 0 },
  penultimate_pre: { files: { "": "x" }, along: true, off: 0 },
};
const cell = (/** @type {string} */ name, /** @type {string} */ role, /** @type {string[]} */ of) => ({
  study: "quick",
  cell: name,
  label: name.toUpperCase(),
  role,
  family: "classifier",
  score_name: null,
  layers: of,
  runs: /** @type {[string, string, null][]} */ ([0, 1].map((seed) => [`${name}.${seed}`, `seed ${seed}`, null])),
});
const both = ["penultimate_pre", "penultimate"];
const cells = [
  cell("mlp", "primary", both),
  cell("ae", "primary", ["penultimate"]),
  cell("mlp-random", "control", both),
  cell("lenet", "primary", both),
];
/** @type {Index} */
const index = {
  datasets: {},
  collections: expand([
    { study: "quick", data: "mnist", n: 4, layers, cells },
    { study: "quick", data: "cifar10", n: 4, layers, cells: cells.slice(0, 2) },
  ]),
};

test("every state is a link, and every link its state", () => {
  for (const { study, data, networks } of index.collections) {
    for (const convention of /** @type {Convention[]} */ (["uncentred", "centred"])) {
      for (const layer of both) {
        for (const a of networks.filter((one) => one.layers.includes(layer))) {
          /** @type {Choice} */
          const choice = {
            study,
            data,
            layer,
            convention,
            a: { id: a.id, state: "untrained" },
            b: { id: "mlp.1", state: "trained" },
          };
          const link = encode(choice);
          assert.ok(isChoice(link));
          assert.doesNotMatch(link, /[^\w#=&.%-]/);
          assert.deepEqual(settle(decode(link), index), { choice, notes: [] });
        }
      }
    }
  }
});

test("what a link names and is not published is said, whatever it names", () => {
  const told = (/** @type {string} */ link) => settle(decode(link), index);
  assert.deepEqual(told("#study=other&data=cifar10&a=mlp.0&b=ae.0").notes, [
    "The study other, cifar10 is not published here: quick, cifar10 is shown instead.",
  ]);
  const strange = told("#study=quick&data=mnist&layer=constructor&convention=__proto__&a=mlp.7&b=%E0%A4%A.untrained");
  assert.equal(strange.notes.length, 4);
  assert.deepEqual(
    [strange.choice.layer, strange.choice.convention, strange.choice.a.id, strange.choice.b],
    ["penultimate", "uncentred", "mlp.0", { id: "ae.0", state: "untrained" }],
  );
  const lacking = told("#study=quick&data=mnist&layer=penultimate_pre&convention=centred&a=ae.1&b=lenet.1");
  assert.deepEqual(lacking.notes, [
    "At this layer, the network ae.1 is not published here: MLP, seed 0, is shown instead.",
  ]);
  assert.deepEqual([isChoice("#how-to-read-it"), isChoice("")], [false, false]);
  assert.equal(told("").choice.a.id, "mlp.0");
});

test("all pairs: each once, of different architectures, without controls", () => {
  const [collection] = index.collections;
  /** @type {Map<string, Direction>} */
  const vectors = new Map();
  collection.networks.forEach(({ id }, i) => {
    for (const state of ["trained", "untrained"]) {
      vectors.set(`${id}/${state}`, {
        vector: Float64Array.from([Math.cos(i), Math.sin(i)]),
        ratio: null,
        stability: null,
        eta2: null,
      });
    }
  });
  const trained = pairs(collection, vectors, ["trained", "trained"]);
  assert.equal(trained.length, 12); // three architectures of two seeds
  assert.ok(
    trained.every(({ a, b }) => !`${a.id}${b.id}`.includes("random") && a.id.split(".")[0] !== b.id.split(".")[0]),
  );
  assert.equal(pairs(collection, vectors, ["trained", "untrained"]).length, 24); // either may be the trained one
  const groups = byArchitectures(
    trained,
    (id) => /** @type {Network} */ (collection.networks.find((one) => one.id === id)),
  );
  assert.deepEqual(
    groups.map(({ count }) => count),
    [4, 4, 4],
  );
  assert.ok(groups.every(({ low, mean, high }) => low <= mean && mean <= high));
  const cosines = trained.map(({ cos }) => cos).sort((one, other) => one - other);
  near(below(trained, cosines[3]), 0.25);
});
