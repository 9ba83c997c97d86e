//! The page's figures beside their goals: `make bench`, or `node benches/page.mjs FOLDER` with the built draw example.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { extname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { CHROMIUM, PACKAGES, firstGraph, withBrowser } from "./browser.mjs";
import { companion, files, replay } from "./loopback.mjs";
import { refreshing } from "./refreshing.mjs";
import { kilo, median, percent, spread, table } from "./table.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PAGE = join(ROOT, "dist");
const SESSION = join(ROOT, "tests/fixtures/vllm-0.32-session");
const SERVER = process.env.INFERBOARD_SERVER;
const DRAWN = process.argv[2];

const DRAWS = 20;
const STARTS = 5;
const EVERY_S = 5;
const SETTLING_MS = 10_000;
const WINDOW = { width: 1400, height: 1000 };

const browser = { "playwright-core and uplot in .tools/bench": PACKAGES, Chromium: CHROMIUM };
const server = { "the companion (INFERBOARD_SERVER)": SERVER };
await measured("Size of the page", { "the page in dist": join(PAGE, "index.html") }, size);
await measured("Drawing beside uPlot", { "the draw example (an argument)": DRAWN, ...browser }, drawing);
await measured("With a replayed engine", { ...server, ...browser }, engine);
await measured("With nothing configured", { ...server, ...browser }, fromNothing);

/** Runs `measure` under a heading, unless something of `needs`, from names to paths, is absent. */
async function measured(title, needs, measure) {
  console.log(`\n${title}`);
  const absent = Object.keys(needs).filter(name => !needs[name] || !existsSync(needs[name]));
  if (absent.length === 0) return measure();
  console.log(`  skipped: ${absent.join(", ")}`);
}

function size() {
  const totals = {};
  for (const name of readdirSync(PAGE)) {
    const bytes = readFileSync(join(PAGE, name));
    for (const kind of [extname(name).slice(1), "all"]) {
      totals[kind] ??= { raw: 0, brotli: 0 };
      totals[kind].raw += bytes.length;
      totals[kind].brotli += brotliCompressSync(bytes).length;
    }
  }
  const kinds = Object.entries(totals).sort(([, a], [, b]) => a.raw - b.raw);
  const row = ([kind, { raw, brotli }]) => [kind, kilo(raw), kilo(brotli), kind === "all" ? "≤ 400" : ""];
  table([["", "raw, KB", "brotli, KB", "goal"], ...kinds.map(row)]);
}

async function drawing() {
  const folders = { "/ours/": DRAWN, "/uplot/": join(PACKAGES, "uplot/dist"), "/benches/": join(ROOT, "benches") };
  const served = await files(folders, "/uplot/uPlot.min.css");
  const rows = [["points", "screen", "", "ours, ms", "uPlot, ms", "ratio", "goal"]];
  const once = given => import("/benches/draw.mjs").then(module => module.measure(...given));
  try {
    await withBrowser(async browser => {
      for (const deviceScaleFactor of [1, 2]) {
        const page = await browser.newPage({ viewport: WINDOW, deviceScaleFactor });
        await page.goto(served.url);
        for (const points of [2_000, 20_000, 100_000]) {
          const figures = await page.evaluate(once, [points, DRAWS]);
          for (const [kind, { ours, theirs }] of Object.entries(figures)) {
            const medians = [median(ours), median(theirs)];
            const goal = kind === "script" && points === 100_000 ? "≤ 0.50" : "";
            const texts = [...medians, medians[0] / medians[1]].map(figure => figure.toFixed(2));
            rows.push([`5 × ${points}`, `${deviceScaleFactor}×`, kind, ...texts, goal]);
          }
        }
        await page.close();
      }
    });
  } finally {
    served.stop();
  }
  table(rows);
  console.log(`  Medians of ${DRAWS}, 1000 × 420 CSS pixels; both canvases have the pixels of the screen.`);
}

async function engine() {
  const target = await replay(SESSION);
  try {
    const served = await companion(SERVER, ["--target", target.url, "--scrape-interval", "1s", "--no-discovery"]);
    try {
      await pause(SETTLING_MS);
      const starts = [];
      for (let start = 0; start < STARTS; start += 1) starts.push(await coldStart(served.url));
      const { ours, theirs } = await refreshing(served.url, EVERY_S);
      const longest = ({ longestMs }) => (longestMs ? longestMs.toFixed(0) : "none over 50");
      table([
        ["", "", "goal"],
        ["first graph after navigation, ms", spread(starts.map(start => start.sinceNavigationMs)), "≤ 700"],
        ["the browser's first paint of anything, ms", spread(starts.map(start => start.paintedMs)), ""],
        ["the page's files on the wire with headers, KB", `${kilo(starts[0].bytes)} in ${starts[0].requests}`, "≤ 400"],
        [`CPU time while ${ours.count} cards refresh every ${EVERY_S} s`, percent(ours.cpuShare), "≤ 5 %"],
        ["longest task of it, ms", longest(ours), "≤ 50"],
        [`CPU time of ${theirs.count} bare graphs of uPlot that ask the same`, percent(theirs.cpuShare), ""],
        ["longest task of it, ms", longest(theirs), ""],
      ]);
      console.log(
        `  First graph: median (least – most) of ${STARTS} new browsers. ` +
          `Refreshing: half a minute with ${ours.answers} answers, and ${theirs.answers}.`,
      );
    } finally {
      await served.stop();
    }
  } finally {
    target.stop();
  }
}

/** The first visit of a new browser: when it saw a graph, and what the page's own files weighed. */
function coldStart(url) {
  return withBrowser(async browser => {
    const page = await browser.newPage({ viewport: WINDOW });
    const finished = [];
    page.on("requestfinished", request => finished.push(request));
    const { sinceNavigationMs } = await firstGraph(page, url);
    const paintedMs = await page.evaluate(() => performance.getEntriesByName("first-paint")[0].startTime);
    const files = finished.filter(request => !request.url().includes("/api/"));
    const sizes = await Promise.all(files.map(request => request.sizes()));
    const bytes = sizes.reduce((sum, size) => sum + size.responseHeadersSize + size.responseBodySize, 0);
    return { sinceNavigationMs, paintedMs, requests: files.length, bytes };
  });
}

async function fromNothing() {
  const [listening, drawn] = [[], []];
  await withBrowser(async browser => {
    for (let start = 0; start < STARTS; start += 1) {
      const page = await browser.newPage({ viewport: WINDOW });
      const beganMs = Date.now();
      const served = await companion(SERVER, []);
      listening.push(Date.now() - beganMs);
      try {
        drawn.push((await firstGraph(page, served.url)).unixMs - beganMs);
      } finally {
        await page.close();
        await served.stop();
      }
    }
  });
  table([
    ["from the start of the process, ms", "", "goal"],
    ["listening", spread(listening), ""],
    ["first graph", spread(drawn), "≤ 2000"],
  ]);
}
