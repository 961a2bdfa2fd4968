/* Every page of a built book in a real browser, wide and on a phone, light and dark: axe's findings, and what is wider than the page.

   node accessibility.mjs FOLDER_OF_TOOLS BROWSER BUILT_BOOK          prints a line for each finding, and how many views were looked at */

import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [tools, browserPath, book] = process.argv.slice(2).map((name) => path.resolve(name));
const require = createRequire(path.join(tools, "package.json"));
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const VIEWS = [[1250, "light"], [390, "dark"]];

const pages = fs.readdirSync(book, { recursive: true }).filter((name) => name.endsWith(".html") && !name.startsWith("_")).sort();
const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
let looked = 0;
for (const [width, scheme] of VIEWS) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme });
  await context.addInitScript((mode) => { localStorage.setItem("mode", mode); localStorage.setItem("theme", mode); }, scheme);
  for (const name of pages) {
    const page = await context.newPage();
    await page.goto(pathToFileURL(path.join(book, name)).href);
    await page.waitForLoadState("load");
    await page.waitForTimeout(500); // formulas and interactive figures
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"], preload: false }));
    const where = `${name} (${width} px, ${scheme})`;
    for (const found of violations)
      console.log(`${where}: ${found.id}: ${found.help}; ${found.nodes.length} times, first at ${found.nodes[0].target.join(" ")}`);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (over > 0) console.log(`${where}: the page is ${over} px wider than the window`);
    looked += 1;
    await page.close();
  }
  await context.close();
}
await browser.close();
console.log(`${looked} views`);
