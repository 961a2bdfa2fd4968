/**
 * Drives the explorer in Chromium and says what it saw, as JSON: `node drive_explore.js PLAN.json`.
 * Not a test (test_explore_page.py is).
 *
 * The plan: {page: address, browser: executable, states: [link], starts: number, pictures?: folder}.
 */

import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { PHONE, accessibility, open as fresh, plan, play, width } from "./browser.js";

/**
 * The page at a link, once it has settled.
 * @param {string} link
 * @param {{width?: number, theme?: "light" | "dark", asked?: string[]}} [options]
 */
async function open(link, options = {}) {
  const page = await fresh({ link, ...options });
  await settled(page);
  return page;
}

/** @param {any} page */
const settled = (page) =>
  page.waitForFunction(
    () => /** @type {any} */ (window).pvExplorer?.known() && !(/** @type {any} */ (window).pvExplorer.busy()),
  );

/**
 * Until the address is another one and its view is there.
 * @param {any} page
 * @param {() => Promise<any>} act
 */
async function changed(page, act) {
  const before = await page.evaluate(() => location.hash);
  await act();
  await page.waitForFunction((/** @type {string} */ old) => location.hash !== old, before);
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 0))); // hashchange comes before it
  await settled(page);
}

/**
 * What is seen: the address and the numbers, to all digits where the page has them.
 * @param {any} page
 */
const numbers = (page) =>
  page.evaluate(() => {
    const { choice, vectors } = /** @type {any} */ (window).pvExplorer.known();
    const [u, v] = [choice.a, choice.b].map(({ id, state }) => vectors[choice.convention].get(`${id}/${state}`).vector);
    return {
      hash: location.hash,
      cos: Math.abs(
        u.reduce((/** @type {number} */ sum, /** @type {number} */ x, /** @type {number} */ i) => sum + x * v[i], 0),
      ),
      shown: document.querySelector("#explore-cos")?.textContent,
      angle: document.querySelector("#explore-angle")?.textContent,
      sum: document.querySelector(".pv-explore-sum")?.textContent,
      facts: [...document.querySelectorAll(".pv-try-card:first-child dd")].slice(0, 4).map((cell) => cell.textContent),
      pictures: document.querySelectorAll(".pv-explore .main-svg").length,
      unpublished: document.querySelector("#explore-unpublished")?.textContent ?? null,
      note: document.querySelector("#explore-error:not([hidden])")?.textContent ?? null,
    };
  });

/**
 * Another state in the same page, as if its link had been followed.
 * @param {any} page
 * @param {string} link
 */
const follow = (page, link) =>
  changed(page, () =>
    page.evaluate((/** @type {string} */ to) => {
      location.hash = to;
    }, link),
  );

/** Every state of the plan, each opened as a link would be. */
async function states() {
  const page = await open("");
  const seen = [];
  for (const link of plan.states) {
    await follow(page, link);
    seen.push(await numbers(page));
  }
  await page.context().close();
  return seen;
}

/** Knobs, links, back and forward, headings, and the time that a change takes. */
async function knobs() {
  /** @type {string[]} */
  const asked = [];
  const page = await open("", { asked });
  const first = await numbers(page);
  const atFirst = [...asked];
  await page.waitForFunction(
    (/** @type {number} */ count) => document.querySelectorAll("[data-number] strong").length >= count,
    plan.starts,
  );
  const starts = await page.locator("[data-explore]").evaluateAll((/** @type {HTMLElement[]} */ items) =>
    items.map((item) => ({
      link: item.querySelector("a")?.getAttribute("href"),
      numbers: [...item.querySelectorAll("strong")].map((one) => one.textContent),
    })),
  );
  await changed(page, () => page.locator("[data-explore] a").nth(1).click());
  const centred = await numbers(page);
  await changed(page, () => page.selectOption("#explore-collection", { label: "CIFAR-10 (study trained)" }));
  await changed(page, () => page.selectOption("#explore-layer", "output"));
  const output = await numbers(page);
  await changed(page, () => page.selectOption("#explore-a", { label: "LeNet" }));
  await changed(page, () => page.selectOption("#explore-b-state", "untrained"));
  const mixed = await numbers(page);
  await changed(page, () => page.goBack());
  await changed(page, () => page.goBack());
  const back = await numbers(page);
  await changed(page, () => page.goForward());
  const forward = await numbers(page);
  await changed(page, () => page.getByRole("button", { name: "Exchange A and B" }).click());
  const exchanged = await numbers(page);
  await changed(page, () => page.locator("#explore-results .pv-try-scroll a:not([aria-current])").first().click());
  const linked = await numbers(page);
  await page.evaluate(() => {
    location.hash = "#how-to-read-it";
  });
  const heading = await page.textContent("#explore-cos");
  await changed(page, () => page.goBack());
  const start = Date.now();
  await changed(page, () => page.locator("input[name=explore-convention]:not(:checked)").click());
  const took = Date.now() - start;
  await page.context().close();
  return { first, atFirst, starts, centred, output, mixed, back, forward, exchanged, linked, heading, took };
}

/** Everything by keyboard: knobs, the slider, tables, files, links. */
async function keyboard() {
  const page = await open("#study=digits&data=digits&layer=penultimate&convention=uncentred&a=mlp.0&b=lenet.0");
  const reach = async (/** @type {string} */ selector) => {
    for (let step = 0; step < 200; step++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((/** @type {string} */ wanted) => document.activeElement?.matches(wanted), selector))
        return;
    }
    throw new Error(`${selector} is not reached by the tab key`);
  };
  await reach("#explore-layer");
  await changed(page, () => page.keyboard.press("ArrowDown"));
  const layer = await numbers(page);
  const kept = await page.evaluate(() => document.activeElement?.id);
  await reach("#explore-uncentred");
  await changed(page, () => page.keyboard.press("ArrowDown"));
  const radio = await numbers(page);
  await reach("#explore-b");
  await changed(page, () => page.keyboard.press("ArrowDown"));
  await reach("#explore-results .pv-try-scroll a:not([aria-current])");
  await changed(page, () => page.keyboard.press("Enter"));
  const link = await numbers(page);
  await page
    .locator("#explore-panel")
    .evaluate((/** @type {HTMLElement} */ element) => element.querySelector("button")?.focus());
  await reach("#explore-walk");
  const before = await page.textContent("#explore-walked");
  await page.keyboard.press("Home");
  const after = await page.textContent("#explore-walked");
  const spoken = await page.getAttribute("#explore-walk", "aria-valuetext");
  await reach(".pv-try-more summary");
  await page.keyboard.press("Enter");
  const table = await page.locator(".pv-try-more[open] table").count();
  await reach(".pv-try-more[open] button");
  const [entries] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  const lines = readFileSync(await entries.path(), "utf8")
    .trim()
    .split("\n");
  const images = await page.locator("canvas[role=img][aria-label]").count();
  await page.context().close();
  return { layer, kept, radio, link, before, after, spoken, table, lines: lines.length, head: lines[0], images };
}

/** A link to what is not published, and a file that is not there. */
async function refusals() {
  const page = await open("#study=none&data=mnist&layer=penultimate&convention=centred&a=mlp.0&b=conv_ae.0");
  const { note } = await numbers(page);
  const file = fileURLToPath(new URL("_static/explore/digits-digits-output-centred.js", plan.page));
  renameSync(file, `${file}.away`);
  try {
    await changed(page, () => page.selectOption("#explore-collection", { label: "Digits (study digits)" }));
    await page.selectOption("#explore-layer", "output");
    await page.waitForFunction(() =>
      /could not be loaded/.test(document.querySelector("#explore-error")?.textContent ?? ""),
    );
  } finally {
    renameSync(`${file}.away`, file);
  }
  const left = await page.locator("#explore-results > *").count();
  await changed(page, () => page.locator("#explore-uncentred").click());
  const again = await numbers(page);
  await page.context().close();
  return { note, left, again };
}

/** The page in light, dark and on a phone, all tables open. */
async function looks() {
  /** @type {Record<string, any>} */
  const seen = {};
  const digits = "#study=digits&data=digits&layer=penultimate&convention=centred&a=resnet20.0&b=resnet20.1";
  for (const [name, options, link] of /** @type {const} */ ([
    ["light", {}, ""],
    ["dark", { theme: "dark" }, digits],
    ["phone", { width: PHONE }, digits],
    ["dark phone", { width: PHONE, theme: "dark" }, ""],
  ])) {
    const page = await open(link, options);
    if (plan.pictures)
      await page.screenshot({ path: join(plan.pictures, `explore-${name.replace(" ", "-")}.png`), fullPage: true });
    for (const summary of await page.locator(".pv-explore .pv-try-more summary").all()) await summary.click();
    seen[name] = {
      theme: await page.evaluate(() => document.documentElement.dataset.theme),
      axe: await accessibility(page, ".pv-explore"),
      width: await width(page),
      tables: await page.locator(".pv-explore table").count(),
      pictures: await page.locator('.pv-explore .pv-plotly[role="img"][aria-label]').count(),
    };
    await page.context().close();
  }
  return seen;
}

await play({ states, knobs, keyboard, refusals, looks });
