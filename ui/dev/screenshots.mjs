/** Pictures of all views, and what axe finds serious in them: `npm run screenshots -- DIRECTORY`, while `npm run dev` serves them; CHROMIUM names the browser. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [directory = "screenshots", only = ""] = process.argv.slice(2);
const ADDRESS = "http://localhost:5199/";

const PAGES = [
  ["run-success", "view=run&case=success"],
  ["run-selected", "view=run&case=success", (page) => page.getByRole("button", { name: /^Train / }).click()],
  ["run-else", "view=run&case=else"],
  ["run-failed", "view=run&case=failed", (page) => page.getByRole("button", { name: "Read the log" }).first().click()],
  ["run-running", "view=run&case=running"],
  ["run-each", "view=run&case=each"],
  ["run-whole", "view=run&case=whole", (page) => page.getByRole("button", { name: /from AWS/ }).click()],
  ["run-large", "view=run&case=large"],
  ["run-plain", "view=run&case=plain"],
  ["run-unlaunched", "view=run&case=unlaunched"],
  ["run-forbidden", "view=run&case=forbidden"],
  ["run-repair", "view=run&case=failed", (page) => page.getByRole("button", { name: "Repair" }).click()],
  ["models", "view=models&case=many"],
  ["models-columns", "view=models&case=many", (page) => page.getByRole("button", { name: /^Metrics/ }).click()],
  [
    "models-compare",
    "view=models&case=many",
    async (page) => {
      const boxes = page.getByRole("checkbox", { name: /^Compare/ });
      await boxes.nth(0).check();
      await boxes.nth(2).check();
      await page.getByRole("region", { name: "Two runs compared" }).waitFor();
    },
  ],
  ["models-thousand", "view=models&case=thousand"],
  ["step", "view=step&task=pipe.train", (page) => page.getByRole("button", { name: /Read the log/ }).click()],
  ["step-evaluate", "view=step&task=pipe.evaluate"],
  ["step-condition", "view=step&task=pipe.goodenough"],
  ["step-launch", "view=step&task=pipe.launch"],
  ["step-noaws", "view=step&case=noaws", (page) => page.getByRole("button", { name: /Read the log/ }).click()],
];

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const page = await browser.newPage({ viewport: { width: 1360, height: 900 } });
page.on("console", (message) => {
  if (message.type() === "error" || message.type() === "warning") console.log("console:", message.text());
});
page.on("pageerror", (error) => console.log("error:", error.message));
for (const [name, query, act] of PAGES) {
  if (!name.includes(only)) continue;
  for (const theme of ["light", "dark"]) {
    await page.goto(`${ADDRESS}?${query}&theme=${theme}`);
    await page.locator("#root > *").first().waitFor();
    await page.waitForLoadState("networkidle");
    await page.getByText(/^Reading/).waitFor({ state: "detached" });
    await act?.(page);
    await page.waitForTimeout(400);
    await page.evaluate(axe);
    const found = await page.evaluate(async () => (await globalThis.axe.run(document.body)).violations);
    for (const { id, impact, nodes } of found.filter((one) => one.impact === "serious" || one.impact === "critical")) {
      console.log(
        `${name} ${theme}: ${impact} ${id}`,
        nodes.slice(0, 3).map((node) => node.failureSummary + node.html),
      );
    }
    await page.screenshot({ path: `${directory}/${name}-${theme}.png`, fullPage: true });
  }
  console.log(name);
}
await browser.close();
