/** Files on demand, each asked for once. */

import { loadScript } from "../_try/dom.js";

/** @type {Map<string, Promise<any>>} */
const asked = new Map();

/**
 * @param {string} base the address of the pages' static files
 * @param {string} name
 * @returns {Promise<any>}
 */
export function file(base, name) {
  const known = asked.get(name);
  if (known) return known;
  const loading = loadScript(`${base}explore/${name}.js`).then(
    () => /** @type {any} */ (window).pvExploreData[name],
    (error) => {
      asked.delete(name); // so that it can be asked for again
      throw error;
    },
  );
  asked.set(name, loading);
  return loading;
}
