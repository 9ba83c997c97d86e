//! What a page with 24 cards over a fleet of 50 replicas costs the companion, and the query by which the page learns what
//! is there: `node benches/watched.mjs`.
import { setTimeout as pause } from "node:timers/promises";
import { withBrowser } from "./browser.mjs";
import { openCards } from "./cards.mjs";
import { INTERVAL_S, REPLICAS, withReplicas } from "./replicas.mjs";
import { cpuMs } from "./servers.mjs";
import { median, spread, table } from "./table.mjs";

const WATCHED_MS = 30_000;
const ASKED = 20;

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

/** What the companion spends while cards refresh by themselves, and how they ask what is there. */
async function watch(browser, { url, pid }) {
  let discovery;
  const hear = request => {
    const query = new URLSearchParams(request.postData() ?? new URL(request.url()).search).get("query");
    if (query?.startsWith("group by (__name__")) discovery = query;
  };
  const { count } = await openCards(browser, { url, everyS: INTERVAL_S, watch: page => page.on("request", hear) });
  const cpuMs = await spent(pid, () => pause(WATCHED_MS));
  return { cpuMs, discovery, cards: count };
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
