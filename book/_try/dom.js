/** Elements, in a line each, and numbers as the page writes them. */

/**
 * An element with attributes (`on` holds listeners) and children.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/**
 * An element of the page that is certainly there.
 * @template {HTMLElement} T
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element ${id}`);
  return /** @type {T} */ (found);
}

/**
 * Run a script of the book's own. A page opened from a disk may load scripts and nothing else, so all that is loaded is one.
 * @param {string} src
 * @returns {Promise<void>}
 */
export function loadScript(src) {
  return new Promise((resolve, reject) => {
    const script = h("script", { src });
    script.addEventListener("load", () => resolve());
    script.addEventListener("error", () => {
      script.remove();
      reject(new Error(`${src.replace(/.*\//, "")} could not be loaded: try again, or reload the page`));
    });
    document.head.append(script);
  });
}

/**
 * Four decimals, or what a table shows where there is no number.
 * @param {number} value
 * @param {number} [digits]
 */
export function short(value, digits = 4) {
  if (value === Infinity) return "∞";
  if (!Number.isFinite(value)) return "–";
  const least = 10 ** -digits;
  return value === 0 || Math.abs(value) >= least ? value.toFixed(digits) : value.toExponential(1);
}

/**
 * A table that scrolls by keyboard, too.
 * @param {string} name said to those who cannot see it
 * @param {string[]} head
 * @param {(string | Node)[][]} lines the first cell of each is its heading
 */
export function table(name, head, lines) {
  return h(
    "div",
    { class: "pv-try-scroll", tabindex: 0, role: "region", "aria-label": name },
    h(
      "table",
      { class: "table" },
      h("thead", {}, h("tr", {}, ...head.map((cell) => h("th", { scope: "col" }, cell)))),
      h(
        "tbody",
        {},
        ...lines.map(([first, ...cells]) =>
          h("tr", {}, h("th", { scope: "row" }, first), ...cells.map((cell) => h("td", {}, cell))),
        ),
      ),
    ),
  );
}

/**
 * What is behind a picture, or is for those who want all of it.
 * @param {string} title
 * @param {...Node} children
 */
export const more = (title, ...children) =>
  h("details", { class: "pv-try-more" }, h("summary", {}, title), ...children);

/**
 * Give the reader a file.
 * @param {string} name
 * @param {string} text
 * @param {string} type
 */
export function save(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = /** @type {HTMLAnchorElement} */ (h("a", { href: address, download: name }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
