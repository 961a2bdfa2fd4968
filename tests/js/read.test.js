/** Files of every form, and what is refused. (tests/project/test_try_page.py compares refusals with the library's.) */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Several, labelsFor, readLabels, readMatrix } from "../../book/_try/read.js";
import "./vendored.js";

const text = (/** @type {string} */ content) => new TextEncoder().encode(content);

/**
 * @param {string} header
 * @param {number[]} content
 */
function npy(header, content) {
  const padded = header + "\n";
  return Uint8Array.from([
    0x93,
    ...text("NUMPY"),
    1,
    0,
    padded.length & 255,
    padded.length >> 8,
    ...text(padded),
    ...content,
  ]);
}

test("half precision: subnormal numbers, the largest one, infinity and NaN", () => {
  const words = [0x0000, 0x8000, 0x0001, 0x03ff, 0x0400, 0x3c00, 0xc000, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x3555];
  const bytes = words.flatMap((word) => [word & 255, word >> 8]);
  const { data } = readMatrix("x.npy", npy("{'descr': '<f2', 'fortran_order': False, 'shape': (6, 2), }", bytes));
  const wanted = [0, -0, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 1, -2, 65504, Infinity, -Infinity, NaN, 0.333251953125];
  assert.deepEqual([...data], wanted);
});

test("keys of the header in another order are read, one key more is refused", () => {
  const content = Array(16).fill(0);
  const read = readMatrix("x.npy", npy("{'shape': (2, 1), 'fortran_order': True, 'descr': '<f8'}", content));
  assert.deepEqual([read.n, read.d], [2, 1]);
  for (const header of [
    "{'shape': (2, 1), 'fortran_order': True, 'descr': '<f8', 'more': 1}",
    "{'shape': (2, 1), 'descr': '<f8'}",
  ]) {
    assert.throws(() => readMatrix("x.npy", npy(header, content)), /header cannot be read/);
  }
});

test("objects are refused before anything of them is read", () => {
  const pickle = [...text("\x80\x04cos\nsystem\n")];
  const bytes = npy("{'descr': '|O', 'fortran_order': False, 'shape': (1, 1), }", pickle);
  assert.throws(() => readMatrix("x.npy", bytes), /x\.npy: it holds an array of dtype object; save real numbers/);
});

test("numbers that are none in text are named by line and column", () => {
  for (const cell of ["", " ", "0x10", "1_000", "one", "1e", "--1", "1 2"]) {
    assert.throws(() => readMatrix("x.csv", text(`1,2\n3,${cell}\n`)), /line 2, column 2: '.*' is not a number/, cell);
  }
  const { data } = readMatrix("x.csv", text("nan,-inf\n.5,1E3\n"));
  assert.deepEqual([...data], [NaN, -Infinity, 0.5, 1000]);
});

test("row numbers of a data frame are not taken for a feature", () => {
  assert.throws(() => readMatrix("x.csv", text(",a\n0,1.5\n")), /to_csv\(index=False\)/);
  assert.throws(() => readMatrix("x.csv", text("0,1\n1.5,2.5\n")), /columns, or a sample\?/);
});

test("labels: words, numbers, a header; one for each sample", () => {
  assert.deepEqual(labelsFor(readLabels("y.csv", text("cat\n dog \ncat\n")), 3).values, ["cat", "dog", "cat"]);
  assert.deepEqual(labelsFor(readLabels("y.csv", text("animal\n1\n2\n")), 2).values, ["1", "2"]);
  const integers = npy("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", [
    7,
    ...Array(7).fill(0),
    9,
    ...Array(7).fill(0),
  ]);
  assert.deepEqual(labelsFor(readLabels("y.npy", integers), 2).values, ["7", "9"]);
  assert.throws(() => labelsFor(readLabels("y.csv", text("1\n2\n")), 9), /2 labels for 9 samples/);
  assert.throws(() => readLabels("y.csv", text("1,2\n")), /labels are one column/);
});

const folder = process.env.TRY_CASES && join(process.env.TRY_CASES, "forms");
test(
  "every form of a file gives the same numbers",
  { skip: !folder && "TRY_CASES names no folder: pytest writes one" },
  () => {
    const at = /** @type {string} */ (folder);
    const { shape, values } = JSON.parse(readFileSync(join(at, "expected.json"), "utf8"));
    const names = readdirSync(at).filter((name) => name !== "expected.json");
    assert.ok(names.length > 40);
    for (const name of names) {
      const bytes = new Uint8Array(readFileSync(join(at, name)));
      if (name === "two.npz") assert.throws(() => readMatrix(name, bytes), Several);
      const matrix = readMatrix(name, bytes, name === "two.npz" ? "other" : undefined);
      assert.deepEqual([matrix.n, matrix.d], shape, name);
      assert.deepEqual([...matrix.data], values, name);
    }
  },
);
