/** The libraries that the built page has as globals, from the same files. */

import { createRequire } from "node:module";

const load = createRequire(import.meta.url);
const vendor = "../../book/_vendor/";
Object.assign(globalThis, {
  fflate: load(`${vendor}fflate/fflate.js`),
  Papa: load(`${vendor}papaparse/papaparse.min.js`),
});
