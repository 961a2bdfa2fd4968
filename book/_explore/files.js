/** Files on demand. A page opened from a disk may load scripts and nothing else, so every file is one. */

import { h } from "../_try/dom.js";

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
  const loading = new Promise((resolve, reject) => {
    const script = h("script", { src: `${base}explore/${name}.js` });
    script.addEventListener("load", () => resolve(/** @type {any} */ (window).pvExploreData[name]));
    script.addEventListener("error", () => {
      asked.delete(name); // so that it can be asked for again
      script.remove();
      reject(new Error(`${name}.js could not be loaded: try again, or reload the page`));
    });
    document.head.append(script);
  });
  asked.set(name, loading);
  return loading;
}
