/** What the page's readers say of files, as JSON: `node say.js FILE ...`. Not a test. */

import { readFileSync } from "node:fs";
import { basename } from "node:path";

import { refuseBroken } from "../../book/_try/doctor.js";
import { measured } from "../../book/_try/pvector.js";
import { readMatrix } from "../../book/_try/read.js";
import "./vendored.js";

/** @type {Record<string, string | null>} */
const said = {};
for (const path of process.argv.slice(2)) {
  const name = basename(path);
  try {
    const matrix = readMatrix(name, new Uint8Array(readFileSync(path)));
    refuseBroken(matrix);
    measured(matrix);
    said[name] = null;
  } catch (error) {
    said[name] = error instanceof Error ? error.message : String(error);
  }
}
console.log(JSON.stringify(said));
