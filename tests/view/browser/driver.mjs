// Runs scenarios in a headless browser. given.json: {"chromium", "html", "answers", "picture"?, "only"?}; stdout: what each saw, as JSON.
import { readFileSync } from "node:fs";
import { build } from "esbuild";
import puppeteer from "puppeteer-core";
import { scenarios } from "./scenarios.mjs";

const given = JSON.parse(readFileSync("given.json", "utf8"));
const { outputFiles } = await build({ entryPoints: ["host.js"], bundle: true, write: false, format: "iife", minify: true, logLevel: "error" });
const PATIENCE = 120000; // milliseconds that anything may take on a busy machine
const browser = await puppeteer.launch({
  executablePath: given.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--no-first-run", "--disable-background-networking"],
  protocolTimeout: PATIENCE,
});

// A page with the view in it, and what the host heard from it.
const opened = async (scene) => {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  const log = { calls: [], message: [], size: [], error: [], console: [], requests: [] };
  page.on("pageerror", (error) => log.console.push(String(error)));
  page.on("console", (one) => ["error", "warn"].includes(one.type()) && log.console.push(one.text()));
  page.on("request", (one) => /^(https?|wss?):/.test(one.url()) && log.requests.push(one.url()));
  await page.setViewport({ width: 760, height: 700 });
  await page.exposeFunction("served", async (params) => {
    log.calls.push(params);
    return scene.serve ? scene.serve(params) : { content: [{ type: "text", text: "no such tool here" }], isError: true };
  });
  await page.exposeFunction("heard", (name, params) => log[name].push(params));
  await page.setContent("<!doctype html><html lang=en><title>host</title><body></body>");
  await page.addScriptTag({ content: outputFiles[0].text });
  const { serve, ...told } = scene;
  const began = performance.now();
  await page.evaluate((told) => window.show(told), { html: given.html, ...told });
  const frame = page.frames().find((one) => one !== page.mainFrame());
  await frame.waitForFunction(() => !/Waiting/.test(document.getElementById("status").textContent));
  return { page, frame, log, took: performance.now() - began };
};

const found = {};
try {
  for (const [name, run] of Object.entries(scenarios)) {
    if (given.only && !given.only.includes(name)) continue;
    try {
      found[name] = await run({ opened, ...given });
    } catch (error) {
      found[name] = { thrown: String(error.stack || error) };
    }
    for (const page of (await browser.pages()).slice(1)) await page.close();
  }
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(found));
