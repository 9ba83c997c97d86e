//! What a page with 24 cards over a fleet of 50 replicas costs the companion, and the query by which the page learns what
//! is there: `node benches/watched.mjs`.
import { firstGraph, withBrowser } from "./browser.mjs";
import { INTERVAL_S, REPLICAS, pause, withReplicas } from "./replicas.mjs";
import { cpuMs } from "./servers.mjs";
import { median, spread, table } from "./table.mjs";

const WATCHED_MS = 30_000;
const ASKED = 20;
const CARDS = 24;
// Every card of the section is in sight.
const WINDOW = { width: 1400, height: 9000 };

console.log(`\nA page over ${REPLICAS} replicas`);
await withReplicas(measure);

async function measure(served) {
  const idleMs = await spent(served.pid, () => pause(WATCHED_MS));
  const watched = await withBrowser(browser => watch(browser, served));
  const refreshes = WATCHED_MS / 1000 / INTERVAL_S;
  const perRefreshMs = (watched.cpuMs - idleMs) / refreshes;
  const discovery = await asked(served, watched.discovery);
  table([
    ["", "", "goal"],
    [`CPU time of the companion a refresh of ${watched.cards} cards, ms`, perRefreshMs.toFixed(0), "≤ 100"],
    [`learning what is there among ${discovery.series} series, ms`, spread(discovery.ms), "≤ 50"],
    ["the same without compression, CPU time, ms", median(discovery.cpuMs).toFixed(0), ""],
  ]);
}

/** What the companion spends while all graphs of the engine, and some of the requests to make 24, refresh by
 * themselves: a page each, as a section of its own does not have so many. */
async function watch(browser, { url, pid }) {
  const context = await browser.newContext({ viewport: WINDOW });
  const engine = await context.newPage();
  let discovery;
  engine.on("request", request => {
    const query = new URLSearchParams(request.postData() ?? new URL(request.url()).search).get("query");
    if (query?.startsWith("group by (__name__")) discovery = query;
  });
  const period = `from=now-15m&every=${INTERVAL_S}s`;
  await firstGraph(engine, `${url}?section=engine&${period}`);
  await choose(engine, async box => (await shown(engine)) < CARDS && (await box.check()));
  const requests = await context.newPage();
  await firstGraph(requests, `${url}?section=requests&${period}`);
  const rest = CARDS - (await shown(engine));
  await choose(requests, async box => (await shown(requests)) > rest && (await box.uncheck()));
  await pause(2 * INTERVAL_S * 1000);
  const cpuMs = await spent(pid, () => pause(WATCHED_MS));
  return { cpuMs, discovery, cards: (await shown(engine)) + (await shown(requests)) };
}

/** Goes through the list of graphs that have data. */
async function choose(page, visit) {
  await page.click("[data-testid=customize]");
  for (const box of await page.locator("dialog[open] li input[type=checkbox]").all()) await visit(box);
  await page.keyboard.press("Escape");
}

function shown(page) {
  return page.locator("section.card[data-graph]").count();
}

/** Times of the discovery query, asked as the page asks it. */
async function asked({ url, pid }, query) {
  const now = Math.floor(Date.now() / 1000);
  const body = new URLSearchParams({ query, time: now });
  const [ms, cpuMs] = [[], []];
  for (let time = 0; time < ASKED; time += 1) {
    // Another second each time, as equal questions are answered once.
    body.set("time", now - time);
    const began = performance.now();
    cpuMs.push(await spent(pid, async () => (await fetch(`${url}api/v1/query`, { method: "POST", body })).arrayBuffer()));
    ms.push(performance.now() - began);
  }
  const count = await fetch(`${url}api/v1/query?query=${encodeURIComponent("inferboard_store_series")}`);
  const series = (await count.json()).data.result[0].value[1];
  return { ms, cpuMs, series };
}

/** CPU time that a process spends during `work`. */
async function spent(pid, work) {
  const before = cpuMs(pid);
  await work();
  return cpuMs(pid) - before;
}
