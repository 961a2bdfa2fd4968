/**
 * Drives the built page in Chromium and says what it saw, as JSON: `node drive.js PLAN.json`. Not a test (test_try_page.py is).
 *
 * The plan: {page: address, browser: executable, cases: {name: [files]}, labels: {name: file}, bad: [[files]],
 * place: {digits: file, shuffled: file, mnist: file}, pictures?: folder}.
 */

import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { PHONE, accessibility, open, plan, play, width } from "./browser.js";

/** @param {any} page */
const finished = (page) => page.waitForFunction(() => /** @type {any} */ (window).pvTry.finished());

/**
 * Choose files, and wait for the result.
 * @param {any} page
 * @param {string[]} files
 */
async function compare(page, files) {
  await page.setInputFiles("#try-files", files);
  await finished(page);
}

/** @param {any} page */
const result = async (page) => JSON.parse(await page.evaluate(() => /** @type {any} */ (window).pvTry.json()));

/** What is seen of each case by name. */
async function cases() {
  /** @type {Record<string, any>} */
  const seen = {};
  for (const [name, files] of Object.entries(plan.cases)) {
    const page = await open();
    await compare(page, files);
    seen[name] = {
      ...(await result(page)),
      status: await page.textContent("#try-status"),
      cautions: await page.locator(".pv-try-cautions li").allTextContents(),
    };
    await page.context().close();
  }
  return seen;
}

/** What the page says of files that it refuses. */
async function bad() {
  const seen = [];
  for (const files of plan.bad) {
    const page = await open();
    await page.setInputFiles("#try-files", files);
    const said = page.locator(".pv-try-bad, #try-error:not([hidden])").first();
    await said.waitFor();
    seen.push(await said.textContent());
    await page.context().close();
  }
  return seen;
}

/** The file chooser that Enter opens: a busy browser does not always take the first press.
 * @param {any} page */
async function chooser(page) {
  for (let press = 0; press < 5; press++) {
    const opened = page.waitForEvent("filechooser", { timeout: 4000 }).catch(() => null);
    await page.keyboard.press("Enter");
    const found = await opened;
    if (found) return found;
  }
  throw new Error("Enter opens no file chooser");
}

/** Everything by keyboard: the chooser, labels, pairs, tables, what is kept. */
async function keyboard() {
  const page = await open();
  const [first, second, third] = Object.values(plan.cases)[0].concat(Object.values(plan.cases)[0][0]);
  const reach = async (/** @type {string} */ selector) => {
    for (let step = 0; step < 200; step++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((/** @type {string} */ wanted) => document.activeElement?.matches(wanted), selector))
        return;
    }
    throw new Error(`${selector} is not reached by the tab key`);
  };
  await reach("#try-files");
  await (await chooser(page)).setFiles([first, second, third]);
  await finished(page);
  await reach("#try-pair");
  await page.keyboard.press("ArrowDown");
  const shown = await page.locator("#try-python").textContent();
  await reach(".pv-try-more summary");
  await page.keyboard.press("Enter");
  const table = await page.locator(".pv-try-more[open] table").count();
  await reach(".pv-try-more[open] .pv-try-button");
  const [entries] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  await reach(".pv-try-buttons button:nth-child(2)");
  const [json] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Space")]);
  const kept = JSON.parse(readFileSync(await json.path(), "utf8"));
  const lines = readFileSync(await entries.path(), "utf8")
    .trim()
    .split("\n").length;
  await page.context().close();
  return { shown, table, lines, pairs: kept.pairs.length };
}

/** A comparison that is stopped, and done again. */
async function stopped() {
  const page = await open();
  await page.setInputFiles("#try-files", plan.large);
  await page.waitForSelector("#try-cancel:not([hidden])");
  const [bar] = [await page.locator("#try-progress").isVisible()];
  await page.click("#try-cancel");
  const status = await page.textContent("#try-status");
  const result_ = await page.evaluate(() => /** @type {any} */ (window).pvTry.json());
  await page.click("#try-again");
  await finished(page);
  const again = (await result(page)).pairs[0].rows;
  await page.context().close();
  return { bar, status, result: result_, again };
}

/** Files that are dropped on the page. */
async function dropped() {
  const page = await open();
  const files = Object.values(plan.cases)[0].map((/** @type {string} */ path) => ({
    name: path.split("/").pop(),
    content: readFileSync(path).toString("base64"),
  }));
  await page.evaluate((/** @type {{name: string, content: string}[]} */ given) => {
    const data = new DataTransfer();
    for (const { name, content } of given)
      data.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name));
    document
      .getElementById("try-drop")
      ?.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  }, files);
  await finished(page);
  const names = (await result(page)).files.map((/** @type {any} */ file) => file.name);
  await page.context().close();
  return names;
}

/** One of several arrays, labels, and two files of one name. */
async function choices() {
  const page = await open();
  await page.setInputFiles("#try-files", plan.several);
  await page.locator("select[id^=try-array]").selectOption("other");
  await finished(page);
  const { files } = await result(page);
  const python = await page.locator("#try-python").textContent();
  await page.setInputFiles("#try-labels", plan.labels);
  await page.waitForFunction(() => document.querySelector(".pv-try-figure .legend"));
  const classes = await page.locator(".pv-try-figure").first().locator(".legend .traces").count();
  await page.setInputFiles("#try-labels", plan.wrongLabels);
  await page.locator("#try-error:not([hidden])").waitFor();
  const refused = await page.textContent("#try-error");
  await finished(page);
  await page.context().close();
  return { names: files.map((/** @type {any} */ file) => file.name), python, classes, refused };
}

/** What the section on published networks says before anything is placed, or instead of it. @param {any} page */
const offered = (page) => page.locator("#try-place").innerText();

/**
 * Place the file that is read.
 * @param {any} page
 * @param {string} data
 */
async function place(page, data) {
  await page.selectOption("#try-place-data", data);
  await page.click("#try-place-go");
  await page.waitForFunction(() => document.querySelectorAll("#try-place .main-svg").length >= 6);
}

/** @param {any} page */
const cosines = (page) => page.evaluate(() => /** @type {any} */ (window).pvTry.placed());

/** A file among the published networks: by keyboard, of two data sets, in a wrong order, at another layer. */
async function placed() {
  /** @type {string[]} */
  const asked = [];
  const page = await open({ asked });
  await page.setInputFiles("#try-files", [plan.place.digits]);
  await page.waitForSelector("#try-place-go");
  const before = asked.filter((address) => address.includes("/explore/"));
  await page.focus("#try-place-go");
  await page.keyboard.press("Enter");
  const unchosen = await page.textContent("#try-place-status");
  await page.keyboard.press("ArrowDown"); // the focus is where the choice is
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll("#try-place .main-svg").length >= 6);
  const digits = await cosines(page);
  const cards = await page.locator("#try-place .pv-try-cards .pv-try-card").allInnerTexts();
  const [lines, images] = await Promise.all(
    ["table tbody tr", "canvas[role=img][aria-label]"].map((one) => page.locator(`#try-place ${one}`).count()),
  );
  await page.selectOption("#try-place-layer", "output");
  const left = await cosines(page);
  await page.click("#try-place-go");
  await page.waitForFunction(() => /output/.test(document.querySelector("#try-place-status")?.textContent ?? ""));
  const output = await cosines(page);
  await page.context().close();

  const second = await open();
  await compare(second, [plan.place.digits, plan.place.shuffled]);
  await second.selectOption("#try-place-file", { label: "shuffled.npy" });
  await place(second, "digits");
  const caution = await second.textContent("#try-place .pv-try-cautions");
  await second.context().close();

  const third = await open();
  await third.setInputFiles("#try-files", [plan.place.mnist]);
  await third.waitForSelector("#try-place-go");
  const sets = await third.locator("#try-place-data option").allTextContents();
  await place(third, "mnist");
  const mnist = await cosines(third);
  await third.context().close();
  return { before, unchosen, digits, cards, lines, images, left, output, caution, sets, mnist };
}

/** Where nothing can be placed: other numbers of rows, and a page without what is published. */
async function unplaced() {
  const page = await open();
  await page.setInputFiles("#try-files", [Object.values(plan.cases)[0][0]]);
  await page.waitForSelector("#try-place code");
  const other = await offered(page);
  await page.context().close();
  const folder = fileURLToPath(new URL("_static/explore", plan.page));
  renameSync(folder, `${folder}.away`);
  try {
    const alone = await open();
    await compare(alone, [plan.place.digits, plan.place.shuffled]);
    await alone.waitForSelector("#try-place code");
    const absent = await offered(alone);
    await alone.context().close();
    return { other, absent };
  } finally {
    renameSync(`${folder}.away`, folder);
  }
}

/** The example in light, dark and on a phone. */
async function looks() {
  /** @type {Record<string, any>} */
  const seen = {};
  for (const [name, options] of /** @type {const} */ ([
    ["light", {}],
    ["dark", { theme: "dark" }],
    ["phone", { width: PHONE }],
    ["dark phone", { width: PHONE, theme: "dark" }],
  ])) {
    const page = await open(options);
    const before = await accessibility(page, "article");
    await page.setInputFiles("#try-files", [plan.place.digits]);
    await page.waitForSelector("#try-place-go");
    await place(page, "digits");
    for (const summary of await page.locator("#try-place .pv-try-more summary").all()) await summary.click();
    before.push(...(await accessibility(page, "article")));
    const placedWidth = await width(page);
    if (plan.pictures)
      await page.screenshot({ path: join(plan.pictures, `placed-${name.replace(" ", "-")}.png`), fullPage: true });
    await page.click("#try-example");
    await finished(page);
    await page.waitForFunction(() => document.querySelectorAll(".pv-try-figure .main-svg").length >= 3);
    for (const summary of await page.locator(".pv-try-more summary").all()) await summary.click();
    seen[name] = {
      theme: await page.evaluate(() => document.documentElement.dataset.theme),
      axe: [...before, ...(await accessibility(page, "article"))],
      width: Math.max(placedWidth, await width(page)),
      tables: await page.locator(".pv-try table").count(),
      pictures: await page.locator('.pv-plotly[role="img"][aria-label]').count(),
    };
    if (plan.pictures) {
      for (const summary of await page.locator(".pv-try-more summary").all()) await summary.click();
      await page.screenshot({ path: join(plan.pictures, `${name.replace(" ", "-")}.png`), fullPage: true });
    }
    await page.context().close();
  }
  return seen;
}

await play({ cases, bad, keyboard, stopped, dropped, choices, placed, unplaced, looks });
