/** A browser that is driven over a built page, as its plan (a JSON file, the only argument) says. Not a test, and drives nothing itself. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../../book/_try/package.json", import.meta.url))("playwright-core");
const axe = readFileSync(new URL("../../book/_try/node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const PATIENCE = 90_000; // milliseconds
export const PHONE = 390;

export const plan = JSON.parse(readFileSync(process.argv[2], "utf8"));
const browser = await chromium.launch({ executablePath: plan.browser, args: ["--no-sandbox"] });
/** @type {string[]} */
const elsewhere = []; // what was asked of other hosts
/** @type {string[]} */
const errors = [];

/**
 * The page in a fresh browser.
 * @param {{link?: string, width?: number, theme?: "light" | "dark", asked?: string[]}} [options]
 */
export async function open({ link = "", width = 1280, theme = "light", asked = [] } = {}) {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: theme,
    acceptDownloads: true,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on("request", (/** @type {any} */ request) => {
    asked.push(request.url());
    if (!/^(file|blob|data):/.test(request.url())) elsewhere.push(request.url());
  });
  page.on("pageerror", (/** @type {Error} */ error) => errors.push(error.message));
  await page.addInitScript((/** @type {string} */ mode) => localStorage.setItem("mode", mode), theme);
  await page.goto(plan.page + link);
  return page;
}

/**
 * What axe finds in a part of the page.
 * @param {any} page
 * @param {string} part
 */
export async function accessibility(page, part) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(
    (/** @type {string} */ selector) => /** @type {any} */ (window).axe.run(selector),
    part,
  );
  return violations.map(
    (/** @type {any} */ found) => `${found.id}: ${found.nodes.map((/** @type {any} */ node) => node.html).join(" ")}`,
  );
}

/** @param {any} page */
export const width = (page) => page.evaluate(() => document.documentElement.scrollWidth);

/**
 * Play the scenes, and say what was seen of each, as JSON; one that fails does not stop the others.
 * @param {Record<string, () => Promise<any>>} scenes
 */
export async function play(scenes) {
  /** @type {Record<string, any>} */
  const seen = {};
  for (const [name, scene] of Object.entries(scenes)) {
    try {
      seen[name] = await scene();
    } catch (error) {
      seen[name] = { failed: error instanceof Error ? error.message : String(error) };
    }
  }
  await browser.close();
  console.log(JSON.stringify({ ...seen, elsewhere, errors }));
}
