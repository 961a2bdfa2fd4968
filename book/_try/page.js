/** The page: files in, messages to and from the worker, what is shown when. */

import { loadPlotly } from "./charts.js";
import { byId, h, loadScript } from "./dom.js";
import { asJSON } from "./export.js";
import { placing } from "./place_view.js";
import { fill, frame } from "./view.js";

/**
 * @typedef {object} Entry
 * @property {string} id
 * @property {File} file
 * @property {string} name
 * @property {"reading" | "read" | "several" | "refused"} state
 * @property {string} text
 * @property {string} [array]
 * @property {string[]} [names]
 * @property {number} n
 * @property {number} d
 */

/**
 * @param {{workerSource: string, base: string}} around
 */
export function start({ workerSource, base }) {
  /** @type {Entry[]} */
  let entries = [];
  /** @type {Worker | null} */
  let worker = null;
  /** @type {File | null} */
  let labelsFile = null;
  /** @type {Labels | null} */
  let labels = null;
  /** @type {import("./view.js").Result | null} */
  let result = null;
  /** @type {ReturnType<typeof frame> | null} */
  let shown = null;
  let running = false;
  let finished = false;
  let next = 0;
  /** @type {{resolve: (vectors: import("./place_view.js").Vectors) => void, reject: (why: Error) => void} | null} */
  let measuring = null;

  const [input, list, status, alert_, bar, cancel, again, results, drop] = [
    "try-files",
    "try-list",
    "try-status",
    "try-error",
    "try-progress",
    "try-cancel",
    "try-again",
    "try-results",
    "try-drop",
  ].map((id) => byId(id));

  /** @param {object} message */
  const ask = (message) => {
    if (!worker) {
      worker = new Worker(URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" })));
      worker.onmessage = ({ data }) => heard(data);
      worker.onerror = (event) => {
        refused(`The worker stopped: ${event.message}`);
        measuring?.reject(new Error("Stopped."));
      };
      for (const entry of entries) if (entry.state === "read") askToRead(entry);
    }
    worker.postMessage(message);
  };

  /** @param {Entry} entry */
  const askToRead = ({ id, file, name, array }) => ask({ type: "read", id, file, name, array });

  /** @param {string} text */
  const refused = (text) => {
    alert_.textContent = text;
    alert_.hidden = !text;
  };

  /**
   * The P-vectors of one file, which may be known from a comparison.
   * @param {import("./place_view.js").Given} file
   * @returns {Promise<import("./place_view.js").Vectors>}
   */
  const measure = ({ id, name }) => {
    const known = result?.files.find((file) => file.name === name);
    if (known) return Promise.resolve(known.vectors);
    measuring?.reject(new Error("Stopped."));
    return new Promise((resolve, reject) => {
      measuring = { resolve, reject };
      ask({ type: "measure", id });
    });
  };
  const among = placing(base, measure);
  byId("try-place").append(among.root);

  const stop = () => {
    worker?.terminate();
    worker = null;
    measuring?.reject(new Error("Stopped."));
    busy(false);
  };

  /** @param {string} text */
  const tell = (text) => {
    if (status.textContent !== text) status.textContent = text; // the same again would be read out again
  };

  /** @param {boolean} yes */
  const busy = (yes) => {
    running = yes;
    bar.hidden = cancel.hidden = !yes;
    again.hidden = yes || finished || ready().length < 2;
  };

  const ready = () => entries.filter(({ state }) => state === "read");

  /** @param {Iterable<File>} files */
  const add = (files) => {
    for (const file of files) {
      const taken = new Set(entries.map(({ file: { name }, name: shownName }) => shownName || name));
      let name = file.name;
      for (let copy = 2; taken.has(name); copy++) name = file.name.replace(/(\.[^.]*)?$/, ` (${copy})$1`);
      /** @type {Entry} */
      const entry = { id: String(next++), file, name, state: "reading", text: "", n: 0, d: 0 };
      entries.push(entry);
      askToRead(entry);
    }
    changed();
  };

  const changed = () => {
    finished = false;
    if (running) stop();
    showList();
    among.offer(ready());
    const count = ready().length;
    if (entries.some(({ state }) => state === "reading")) tell("Reading …");
    else if (count === 0) tell(entries.length ? "" : "No file yet.");
    else if (count === 1) tell("One file is read. Add another one of the same samples to compare it with.");
    else compare();
  };

  const showList = () => {
    const focused = document.activeElement?.id;
    list.replaceChildren(...entries.map(line), ...(labelsFile ? [labelsLine(labelsFile)] : []));
    if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
  };

  /** @param {Entry} entry */
  const line = (entry) => {
    const { id, name, state, text, n, d, names } = entry;
    const about = state === "read" ? `${n} samples × ${d} features, ${text}` : state === "reading" ? "reading …" : text;
    const choice = names
      ? h(
          "select",
          {
            class: "pv-try-select",
            id: `try-array-${id}`,
            "aria-label": `Array of ${entry.file.name}`,
            on: {
              change: (/** @type {Event} */ event) => {
                entry.array = /** @type {HTMLSelectElement} */ (event.target).value;
                entry.state = "reading";
                askToRead(entry);
                changed();
              },
            },
          },
          h("option", { value: "", disabled: true, selected: entry.array === undefined }, "choose an array"),
          ...names.map((one) => h("option", { value: one, selected: one === entry.array }, one)),
        )
      : "";
    return item(name, state === "refused", [h("span", {}, about), choice], () => {
      entries = entries.filter((other) => other !== entry);
      clear();
      ask({ type: "forget", id });
      changed();
    });
  };

  /** @param {File} file */
  const labelsLine = ({ name }) =>
    item(name, false, [h("span", {}, "labels")], () => {
      labelsFile = labels = null;
      recolour();
    });

  /** Labels change colours alone. */
  const recolour = () => {
    showList();
    refused("");
    if (result) result.labels = labels;
    if (result) show();
  };

  /**
   * @param {string} name
   * @param {boolean} bad
   * @param {(Node | string)[]} about
   * @param {() => void} remove
   */
  const item = (name, bad, about, remove) => {
    const click = () => {
      remove();
      input.focus();
    };
    return h(
      "li",
      { class: bad ? "pv-try-bad" : "" },
      h("span", { class: "pv-try-name" }, name),
      ...about,
      h("button", { type: "button", class: "pv-try-button", "aria-label": `Remove ${name}`, on: { click } }, "Remove"),
    );
  };

  const clear = () => {
    if (running) stop();
    result = shown = null;
    results.replaceChildren();
    refused("");
  };

  const compare = () => {
    clear();
    busy(true);
    /** @type {HTMLProgressElement} */ (bar).value = 0;
    tell("Comparing …");
    const chosen = ready();
    labels = null;
    if (labelsFile) ask({ type: "labels", file: labelsFile, n: chosen[0].n });
    ask({ type: "compare", ids: chosen.map(({ id }) => id) });
  };

  /** @param {any} message */
  const heard = (message) => {
    const entry = entries.find(({ id }) => id === message.id);
    if (message.type === "read" && entry) {
      const known = entry.state === "read";
      Object.assign(entry, { state: "read", name: message.name, n: message.n, d: message.d, text: message.dtype });
      if (!known) changed();
    } else if (message.type === "several" && entry) {
      Object.assign(entry, { state: "several", names: message.names, text: message.text });
      changed();
    } else if (message.type === "error" && message.asked === "read" && entry) {
      const text = message.text.startsWith(`${entry.name}: `)
        ? message.text.slice(entry.name.length + 2)
        : message.text;
      Object.assign(entry, { state: "refused", text });
      changed();
    } else if (message.type === "measured") {
      measuring?.resolve(message.vectors);
    } else if (message.type === "error" && message.asked === "measure") {
      measuring?.reject(new Error(message.text));
    } else if (message.type === "error") {
      refused(message.text);
      if (message.asked !== "labels") {
        tell("");
        busy(false);
      }
    } else if (message.type === "labels") {
      labels = { name: message.name, values: message.values };
      recolour();
    } else if (message.type === "progress") {
      tell(`${message.text} …`);
      /** @type {HTMLProgressElement} */ (bar).value = message.done;
    } else if (message.type === "vectors") {
      for (const file of message.files) {
        file.source = entries.find(({ name }) => name === file.name)?.file.name;
      }
      result = { files: message.files, pairs: message.pairs, labels, chosen: 0 };
      show();
    } else if (message.type === "pair" && result) {
      result.pairs[message.number] = message.pair;
      if (shown && message.number === result.chosen) fill(shown.parts, result, false);
    } else if (message.type === "done" && result) {
      finished = true;
      if (shown) fill(shown.parts, result, true);
      const [{ n }] = result.files;
      tell(`Done: ${result.files.length} files of ${n} samples.`);
      busy(false);
    }
  };

  const show = () => {
    if (!result) return;
    shown = frame(result, (chosen) => {
      if (!result) return;
      result.chosen = chosen;
      show();
      document.getElementById("try-pair")?.focus();
    });
    fill(shown.parts, result, finished);
    results.replaceChildren(shown.root);
    const { draw } = shown;
    loadPlotly(base).then(draw, (error) => refused(error.message));
  };

  input.addEventListener("change", () => {
    const { files } = /** @type {HTMLInputElement} */ (input);
    if (files) add(files);
    /** @type {HTMLInputElement} */ (input).value = "";
  });
  byId("try-labels").addEventListener("change", ({ target }) => {
    const chosen = /** @type {HTMLInputElement} */ (target);
    labelsFile = chosen.files?.[0] ?? labelsFile;
    chosen.value = "";
    labels = null;
    recolour();
    if (labelsFile && (running || result)) ask({ type: "labels", file: labelsFile, n: ready()[0].n });
  });
  byId("try-example").addEventListener("click", () =>
    examples(base).then(
      ({ files, labels: own }) => {
        clear();
        stop();
        entries = [];
        labelsFile = own;
        add(files);
      },
      (error) => refused(error.message),
    ),
  );
  cancel.addEventListener("click", () => {
    stop();
    if (shown && result) fill(shown.parts, result, true);
    tell("Stopped.");
    again.focus();
  });
  again.addEventListener("click", compare);
  for (const event of ["dragenter", "dragover"]) {
    drop.addEventListener(event, (happened) => {
      happened.preventDefault();
      drop.classList.add("pv-try-over");
    });
  }
  for (const event of ["dragleave", "drop"]) drop.addEventListener(event, () => drop.classList.remove("pv-try-over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer) add(event.dataTransfer.files);
  });
  window.addEventListener("dragover", (event) => event.preventDefault()); // a file dropped beside the box is no new page
  window.addEventListener("drop", (event) => event.preventDefault());
  drop.hidden = false;
  // For those who drive the page by a program, and for its tests.
  return { json: () => result && asJSON(result.files, result.pairs), finished: () => finished, placed: among.found };
}

/**
 * The example files.
 * @param {string} base
 * @returns {Promise<{files: File[], labels: File}>}
 */
async function examples(base) {
  await loadScript(`${base}try/examples.js`);
  const given = /** @type {Record<string, string>} */ (/** @type {any} */ (window).pvTryExamples);
  const file = (/** @type {string} */ name) =>
    new File([Uint8Array.from(atob(given[name]), (letter) => letter.charCodeAt(0))], name);
  const names = Object.keys(given);
  const isLabels = (/** @type {string} */ name) => name.endsWith(".csv");
  return {
    files: names.filter((name) => !isLabels(name)).map(file),
    labels: file(/** @type {string} */ (names.find(isLabels))),
  };
}
