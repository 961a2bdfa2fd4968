/**
 * How long the built page takes, in Chromium: `node time.js PAGE BROWSER FILE FILE`. Not a test.
 *
 * Seconds from choosing files, and seconds that the worker had a core for (Linux), which a busy machine does not change.
 */

import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../../book/_try/package.json", import.meta.url))("playwright-core");
const [, , address, executablePath, ...files] = process.argv;
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await browser.newPage();
page.setDefaultTimeout(600_000);
await page.goto(address);
const start = performance.now();
const TICKS = 100; // of Linux's clock, a second
const seconds = () =>
  `${((performance.now() - start) / 1000).toFixed(2)} s, of a core ${(worked("DedicatedWorker") / TICKS).toFixed(2)} s, page ${(worked("CrRendererMain") / TICKS).toFixed(2)} s`;

/**
 * Ticks that threads of this name have computed for.
 * @param {string} wanted
 */
function worked(wanted) {
  let ticks = 0;
  for (const process of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      for (const thread of readdirSync(`/proc/${process}/task`)) {
        const [, name, rest] =
          /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${process}/task/${thread}/stat`, "utf8")) ?? [];
        if (name?.startsWith(wanted)) ticks += Number(rest.split(" ")[11]) + Number(rest.split(" ")[12]);
      }
    } catch {
      // It has ended since.
    }
  }
  return ticks;
}
await page.setInputFiles("#try-files", files);
await page.waitForFunction(
  () => /^Measuring|^Drawing/.test(document.getElementById("try-status")?.textContent ?? ""),
  null,
  { polling: 20 },
);
console.log(`files read ${seconds()}`);
await page.waitForSelector("#try-found");
console.log(`P-vectors ${seconds()}`);
await page.waitForFunction(() => document.querySelectorAll(".pv-try-figure .main-svg").length >= 3);
console.log(`pictures ${seconds()}`);
await page.waitForFunction(() => /** @type {any} */ (window).pvTry.finished());
console.log(`all with linear CKA ${seconds()}`);
await browser.close();
