/** The page's modules against numbers that Python wrote (tests/project/try_cases.py), over files of every kind. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { draws } from "../../book/_try/calibrate.js";
import { KINDS, calibrated, comparePVectors, prepare, withCKA } from "../../book/_try/compare.js";
import { norms } from "../../book/_try/cka.js";
import { readMatrix } from "../../book/_try/read.js";
import "./vendored.js";

const folder = process.env.TRY_CASES;
const expected = folder ? JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) : {};

test("cases were written", { skip: !folder && "TRY_CASES names no folder: pytest writes one" }, () => {
  assert.ok(Object.keys(expected).length > 5);
});

/**
 * @param {number} found
 * @param {number | null} wanted
 * @param {string} what
 * @param {number} [within]
 */
function near(found, wanted, what, within = 1e-6) {
  if (wanted === null) return assert.ok(!Number.isFinite(found), `${what}: ${found} where there is none`);
  const scale = Math.max(1, Math.abs(wanted));
  assert.ok(Math.abs(found - wanted) <= within * scale, `${what}: ${found} is not ${wanted}`);
}

for (const [name, wanted] of Object.entries(expected)) {
  test(`${name.replaceAll("_", " ")}: the library's numbers`, () => {
    const matrices = wanted.files.map((/** @type {string} */ file) =>
      readMatrix(file, new Uint8Array(readFileSync(join(/** @type {string} */ (folder), file)))),
    );
    const drawn = draws(matrices[0].n);
    const [a, b] = matrices.map((/** @type {Matrix} */ matrix) => prepare(matrix, drawn, () => {}));
    const pair = calibrated(
      withCKA(
        comparePVectors(a, b),
        norms(a, b, () => {}),
      ),
      a,
      b,
      () => {},
    );
    [a, b].forEach((one, which) => {
      for (const kind of KINDS) {
        const found = one.vectors[kind];
        const right = wanted.vectors[which][kind];
        assert.equal(found.defined, right.defined, `defined, ${kind}`);
        near(found.singular_values[0] / right.first, 1, "sigma_1");
        // Squares of singular values are computed: of a ratio of 10^5, float64 keeps six digits.
        if (right.ratio === null) assert.equal(found.ratio, Infinity);
        else if (right.resolved && right.ratio < 1e4) near(found.ratio / right.ratio, 1, "ratio");
        near(found.explained, right.explained, "explained");
        if (!right.defined) continue;
        near(found.cos_constant, right.cos_constant, "cosine with the constant vector");
        const apart = found.vector.reduce(
          (/** @type {number} */ most, /** @type {number} */ x, /** @type {number} */ i) =>
            Math.max(most, Math.abs(x - right.vector[i])),
          0,
        );
        assert.ok(apart <= 1e-10, `entries of the ${kind} P-vector differ by ${apart}`);
      }
    });
    const sure = a.vectors.centred.defined && b.vectors.centred.defined;
    pair.rows.forEach((row, i) => {
      if (i < 2 && !sure) return; // one vector of many: any will do
      const right = wanted.rows[i];
      assert.equal(row.measure, right.measure);
      // Intervals contain the error bound, which may be 4.5e-6 for each vector where the library multiplied in float32.
      for (const key of /** @type {const} */ (["lo", "hi"])) near(row[key], right[key], `${row.measure}, ${key}`, 1e-5);
      for (const key of /** @type {const} */ ([
        "estimate",
        "null",
        "null_95",
        "p",
        "calibrated",
        "mean_alone",
        "angle_deg",
      ])) {
        near(row[key], right[key], `${row.measure}, ${key}`);
      }
    });
    if (sure)
      for (const key of /** @type {const} */ (["cos", "c_u", "c_v", "r"]))
        near(pair.mean.uncentred[key], wanted.mean[key], key);
    assert.deepEqual(pair.warnings, wanted.warnings);
  });
}
