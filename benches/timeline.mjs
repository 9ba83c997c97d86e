//! What the timeline of 300 replicas costs a browser: first picture, scrolling, refreshes: `node benches/timeline.mjs`, and
//! `node benches/timeline.mjs 1000` for as many.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHROMIUM, PACKAGES, withBrowser } from "./browser.mjs";
import { running } from "./loopback.mjs";
import { spread, table } from "./table.mjs";

const SERVER = process.env.INFERBOARD_SERVER;
const REPLICAS = Number(process.argv[2] ?? 300);
const INTERVAL_S = 15;
const SAMPLES = 241;
const FRAMES = 300;
const REFRESHING_MS = 15_000;

console.log(`\nA timeline of ${REPLICAS} replicas over an hour`);
if ([SERVER, CHROMIUM, PACKAGES].every(path => path && existsSync(path))) await measure();
else console.log("  skipped: the companion (INFERBOARD_SERVER), Chromium or playwright-core is absent");

async function measure() {
  const folder = mkdtempSync(join(tmpdir(), "inferboard-"));
  const data = ["--data-dir", join(folder, "data")];
  writeFileSync(join(folder, "fleet.txt"), history());
  execFileSync(SERVER, ["import", join(folder, "fleet.txt"), ...data]);
  const flags = ["--listen", "127.0.0.1:0", "--no-discovery", ...data];
  const served = await running(SERVER, flags, /Inferboard is at (\S+)\n/);
  try {
    const seen = await withBrowser(browser => watch(browser, served.said));
    table([
      ["", "", "goal"],
      ["to the first picture, ms", seen.firstMs.toFixed(0), ""],
      ["longest task until then, ms", seen.openingMs.toFixed(0), ""],
      ["frames while scrolling, ms apart: median, least, most", spread(seen.apartMs), "17"],
      ["longest task while scrolling, ms", seen.scrollingMs.toFixed(0), "≤ 50"],
      ["longest task while refreshing each second, ms", seen.refreshingMs.toFixed(0), "≤ 50"],
    ]);
  } finally {
    await served.stop();
    rmSync(folder, { recursive: true });
  }
}

async function watch(browser, url) {
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  await page.addInitScript(() => {
    globalThis.longMs = [];
    new PerformanceObserver(list => list.getEntries().forEach(task => globalThis.longMs.push(task.duration))).observe({
      type: "longtask",
      buffered: true,
    });
  });
  const longest = () => page.evaluate(() => Math.max(0, ...globalThis.longMs.splice(0)));
  await page.goto(`${url}?section=replicas&from=now-1h&every=1s&refresh=off`);
  await page.waitForSelector(`[data-testid=timeline-rows][data-count="${REPLICAS}"]`);
  const firstMs = await page.evaluate(() => performance.now());
  await page.waitForTimeout(3000);
  const openingMs = await longest();
  const apartMs = await page.evaluate(scroll, FRAMES);
  await page.waitForTimeout(500);
  const scrollingMs = await longest();
  await page.keyboard.press("p");
  await page.waitForTimeout(REFRESHING_MS);
  return { firstMs, openingMs, apartMs, scrollingMs, refreshingMs: await longest() };
}

/** Runs in the page: scrolls rows and table down and up again, and gives the distances of frames. */
function scroll(frames) {
  const panes = [".rows", ".fleet"].map(css => document.querySelector(css));
  return new Promise(done => {
    const apartMs = [];
    let before = performance.now();
    const step = now => {
      apartMs.push(now - before);
      before = now;
      for (const pane of panes) pane.scrollTop += apartMs.length < frames / 2 ? 45 : -45;
      if (apartMs.length < frames) requestAnimationFrame(step);
      else done(apartMs.slice(1));
    };
    requestAnimationFrame(step);
  });
}

/** An hour of replicas that start one after the other, fail at times, and restart, as OpenMetrics text. */
function history() {
  const start = Math.floor(Date.now() / 1000 / INTERVAL_S - SAMPLES) * INTERVAL_S;
  const state = (replica, at) => {
    const age = at - (replica % 3 === 0 ? -100 : replica % 60);
    if (age < 0) return "pending";
    if (age < 9) return ["pulling", "downloading", "initializing"][Math.floor(age / 3)];
    const phase = (age + replica) % 50;
    if (replica % 7 === 0 && phase < 6) return phase < 2 ? "failed" : "initializing";
    return "running";
  };
  const lines = [];
  for (let replica = 0; replica < REPLICAS; replica += 1) {
    const labels = `model="llama",replica="llama-${replica}",instance="10.0.0.${replica}:8000"`;
    const series = (name, more, value) => {
      for (let at = 0; at < SAMPLES; at += 1) {
        lines.push(`${name}{${labels}${more}} ${value(state(replica, at))} ${start + at * INTERVAL_S}`);
      }
    };
    for (const told of ["pending", "pulling", "downloading", "initializing", "running", "failed", "stopped"]) {
      series("inferboard_replica_state", `,state="${told}"`, own => Number(own === told));
    }
    series("up", "", own => Number(own === "running"));
    series("vllm:num_requests_running", "", own => (own === "running" ? replica % 9 : 0));
  }
  return `${lines.join("\n")}\n# EOF\n`;
}
