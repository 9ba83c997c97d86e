//! Chromium for the benchmarks: fresh browsers, and the moment at which a page shows its first graph.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the npm packages of `package.json` are installed. */
export const PACKAGES = fileURLToPath(new URL("../.tools/bench/node_modules", import.meta.url));
/** The browser's program. */
export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

// Chromium refuses to run as root with its sandbox; it is shown only pages of our own.
const FLAGS = ["no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"]
  .concat("disable-component-update", "disable-sync", "disable-dev-shm-usage")
  .map(flag => `--${flag}`);
const PATIENCE_MS = 30_000;
const FIRST_GRAPH = "first-graph";

/** Runs `use` with a new browser that has an empty profile, and ends it. */
export async function withBrowser(use) {
  const { chromium } = createRequire(join(PACKAGES, "any"))("playwright-core");
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  try {
    return await use(browser);
  } finally {
    await browser.close();
  }
}

/**
 * Runs `use` with a new page, and with `send` for the commands of its DevTools alone: playwright's tools keep what a page
 * receives in that page's memory.
 */
export async function withBarePage(window, use) {
  const profile = mkdtempSync(join(tmpdir(), "chromium-"));
  const size = `--window-size=${window.width},${window.height}`;
  const flags = [...FLAGS, "--headless=new", "--remote-debugging-pipe", `--user-data-dir=${profile}`, size, "about:blank"];
  const child = spawn(CHROMIUM, flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const ended = new Promise(done => child.on("close", done));
  const waiting = new Map();
  let [heard, last] = ["", 0];
  child.stdio[4].setEncoding("utf8").on("data", text => {
    const messages = (heard + text).split("\0");
    heard = messages.pop();
    for (const { id, result, error } of messages.map(message => JSON.parse(message))) {
      const { done, fail } = waiting.get(id) ?? {};
      if (error) fail?.(new Error(error.message));
      else done?.(result);
      waiting.delete(id);
    }
  });
  const sent = (method, params, sessionId) =>
    new Promise((done, fail) => {
      waiting.set((last += 1), { done, fail });
      child.stdio[3].write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
    });
  try {
    const { targetId } = await sent("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await sent("Target.attachToTarget", { targetId, flatten: true });
    const ofBrowser = method => method.startsWith("SystemInfo.");
    return await use((method, params = {}) => sent(method, params, ofBrowser(method) ? undefined : sessionId));
  } finally {
    child.kill();
    await ended;
    rmSync(profile, { recursive: true, force: true });
  }
}

/** Opens `url` and waits for its first graph: when that was seen, in milliseconds since navigation and in Unix time. */
export async function firstGraph(page, url) {
  await page.addInitScript(watchFirstGraph, FIRST_GRAPH);
  // The page says it by itself: what asks it while it starts costs it a tenth of a second.
  const told = page.waitForEvent("console", {
    predicate: message => message.text().startsWith(FIRST_GRAPH),
    timeout: PATIENCE_MS,
  });
  const [message] = await Promise.all([told, page.goto(url, { waitUntil: "commit" })]);
  const [, sinceNavigationMs, originMs] = message.text().split(" ");
  return { sinceNavigationMs: Number(sinceNavigationMs), unixMs: Number(originMs) + Number(sinceNavigationMs) };
}

/**
 * Runs in the page: says `word` and the times when the frame has come that shows a card's first coloured line, point or
 * bar. Looking at the pixels of each frame instead would take the page a third of its time.
 */
function watchFirstGraph(word) {
  const paints = { stroke: "strokeStyle", fill: "fillStyle", fillRect: "fillStyle" };
  const { prototype } = CanvasRenderingContext2D;
  const own = Object.fromEntries(Object.keys(paints).map(verb => [verb, prototype[verb]]));
  for (const [verb, style] of Object.entries(paints)) {
    prototype[verb] = function (...given) {
      own[verb].apply(this, given);
      const rgb = (this[style].match(/[0-9a-f]{2}/g) ?? []).slice(0, 3).map(part => parseInt(part, 16));
      // Grid and labels are shades of grey.
      if (Math.max(...rgb) - Math.min(...rgb) <= 60 || !this.canvas.closest(".card .stage")) return;
      Object.assign(prototype, own);
      // The callback after the next comes after the frame that shows it.
      const told = () => console.log(word, performance.now(), performance.timeOrigin);
      requestAnimationFrame(() => requestAnimationFrame(told));
    };
  }
}
