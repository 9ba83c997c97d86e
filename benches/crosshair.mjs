//! Frames while the crosshair is dragged over a page of cards, beside as many graphs of uPlot whose cursors follow each
//! other: `node benches/crosshair.mjs`.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { CHROMIUM, PACKAGES, firstGraph, withBrowser } from "./browser.mjs";
import { companion, files, replay } from "./loopback.mjs";
import { spread, table } from "./table.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SERVER = process.env.INFERBOARD_SERVER;
const MOVES = 300;
const SETTLING_MS = 10_000;
const WINDOW = { width: 1400, height: 1400 };

console.log("\nDragging the crosshair");
if ([SERVER, CHROMIUM, PACKAGES].every(path => path && existsSync(path))) await measure();
else console.log("  skipped: the companion (INFERBOARD_SERVER), Chromium or playwright-core is absent");

async function measure() {
  const target = await replay(join(ROOT, "tests/fixtures/vllm-0.32-session"));
  const served = await companion(SERVER, ["--target", target.url, "--scrape-interval", "1s", "--no-discovery"]);
  const folders = { "/uplot/": join(PACKAGES, "uplot/dist"), "/benches/": join(ROOT, "benches") };
  const plain = await files(folders, "/uplot/uPlot.min.css");
  try {
    await pause(SETTLING_MS);
    const [ours, theirs] = await withBrowser(async browser => [
      await dragged(browser, page => ourCards(page, served.url)),
      await dragged(browser, page => theirGraphs(page, plain.url)),
    ]);
    const row = (title, figure, goal) => [title, figure(ours), figure(theirs), goal];
    table([
      ["", "ours", "uPlot", "goal"],
      row("graphs", seen => String(seen.graphs), ""),
      row("frames, ms apart: median, least, most", seen => spread(seen.apartMs), "17"),
      row("main thread a move, ms", seen => seen.perMoveMs.toFixed(2), ""),
      row("longest task, ms", seen => (seen.longestMs > 0 ? seen.longestMs.toFixed(0) : "none over 50"), "≤ 50"),
    ]);
  } finally {
    plain.stop();
    await served.stop();
    target.stop();
  }
}

/** Moves the pointer to and fro over the graph that `open` gives. */
async function dragged(browser, open) {
  const page = await browser.newPage({ viewport: WINDOW });
  const { graph, graphs } = await open(page);
  const box = await graph.boundingBox();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable");
  const busy = async () => {
    const { metrics } = await devtools.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration").value * 1000;
  };
  await page.evaluate(watchFrames);
  const before = await busy();
  for (let move = 0; move < MOVES; move += 1) {
    const part = Math.abs(((2 * move) / MOVES) % 2 - 1);
    await page.mouse.move(box.x + box.width * (0.1 + 0.8 * part), box.y + box.height * (0.3 + 0.4 * part));
  }
  const perMoveMs = ((await busy()) - before) / MOVES;
  const { apartMs, longMs } = await page.evaluate(() => globalThis.watched);
  await page.close();
  return { graphs, apartMs, perMoveMs, longestMs: Math.max(0, ...longMs) };
}

/** Runs in the page: notes the distances of frames and long tasks from now on. */
function watchFrames() {
  const watched = (globalThis.watched = { apartMs: [], longMs: [] });
  const note = list => watched.longMs.push(...list.getEntries().map(task => task.duration));
  new PerformanceObserver(note).observe({ type: "longtask" });
  let before = performance.now();
  const step = now => {
    watched.apartMs.push(now - before);
    before = now;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

async function ourCards(page, url) {
  await firstGraph(page, `${url}?section=requests&from=now-15m&refresh=off`);
  await page.waitForTimeout(2000);
  const cards = page.locator(".card[data-status=live] .stage");
  return { graph: cards.first(), graphs: await cards.count() };
}

async function theirGraphs(page, url) {
  await page.goto(url);
  await page.evaluate(() => import("/benches/synced.mjs").then(module => module.show()));
  await page.waitForTimeout(2000);
  const graphs = page.locator(".u-over");
  return { graph: graphs.first(), graphs: await graphs.count() };
}
