//! What a page over 20, 300 and 1,000 replicas receives and does: at first, with each refresh, and in the section of
//! replicas; and what it costs the companion: `node benches/watched.mjs [REPLICAS…]`.
import { setTimeout as pause } from "node:timers/promises";
import { firstGraph, withBrowser } from "./browser.mjs";
import { openCards } from "./cards.mjs";
import { withReplicas } from "./replicas.mjs";
import { cpuMs } from "./servers.mjs";
import { kilo, median, spread, table } from "./table.mjs";

const COUNTS = process.argv.slice(2).map(Number);
// A thousand replicas are scraped on the machine that also shows them.
const INTERVAL_S = 15;
const EVERY_S = 5;
const WATCHED_MS = 60_000;
const ASKED = 20;
const WINDOW = { width: 1400, height: 1000 };

const rows = [];
const add = (at, text, value) => (rows[at] ??= [text]).push(value);

console.log("\nA page over many replicas");
for (const count of COUNTS.length ? COUNTS : [20, 300, 1000]) {
  await withReplicas(served => measure(served, count), { count, intervalS: INTERVAL_S });
}
if (rows.length > 0) {
  table(rows.filter(row => row.length === rows[0].length));
  console.log("  Bytes are those of answers, unpacked (and on the wire). A refresh is each 5 s; discovery is among them.");
}

async function measure(served, count) {
  const { url, pid } = served;
  const seen = await withBrowser(async browser => {
    const requests = await watch(browser, `${url}?section=requests&every=${EVERY_S}s`);
    const replicas = await watch(browser, `${url}?section=replicas&every=${EVERY_S}s`);
    return { requests, replicas };
  });
  add(0, "replicas", String(count));
  let at = 1;
  for (const [section, { first, refresh }] of Object.entries(seen)) {
    const bytes = ({ decoded, encoded }) => `${kilo(decoded)} (${kilo(encoded)})`;
    add(at++, `${section}: first graph or row after navigation, ms`, first.ms.toFixed(0));
    add(at++, `${section}: answers of the first 5 s`, String(first.answers));
    add(at++, `${section}: their KB`, bytes(first));
    add(at++, `${section}: longest task of the first 5 s, ms`, task(first.longestMs));
    add(at++, `${section}: answers a refresh`, refresh.answers.toFixed(1));
    add(at++, `${section}: their KB`, bytes(refresh));
    add(at++, `${section}: longest task while refreshing, ms`, task(refresh.longestMs));
  }
  const idleMs = await spent(pid, () => pause(WATCHED_MS));
  const { cards, busyMs, discovery } = await withBrowser(browser => cardsOf(browser, served));
  const asked = await timesOf(served, discovery);
  add(at++, "24 cards: CPU time of the companion a refresh, ms", ((busyMs - idleMs) / refreshes()).toFixed(0));
  add(at++, "learning what is there, ms", spread(asked.ms));
  add(at++, "the same without compression, CPU time, ms", median(asked.cpuMs).toFixed(0));
  if (cards < 20) throw new Error(`there are only ${cards} cards`);
}

function refreshes() {
  return WATCHED_MS / 1000 / EVERY_S;
}

function task(ms) {
  return ms ? ms.toFixed(0) : "none over 50";
}

/** What a new page receives and does in its first seconds and while it refreshes. */
async function watch(browser, url) {
  const page = await browser.newPage({ viewport: WINDOW });
  await page.addInitScript(() => {
    globalThis.longMs = [];
    const note = list => globalThis.longMs.push(...list.getEntries().map(task => task.duration));
    new PerformanceObserver(note).observe({ type: "longtask", buffered: true });
    performance.setResourceTimingBufferSize(50_000);
  });
  const taken = () =>
    page.evaluate(() => {
      const answers = performance.getEntriesByType("resource").filter(({ name }) => name.includes("/api/v1/"));
      performance.clearResourceTimings();
      const sum = key => answers.reduce((sum, answer) => sum + answer[key], 0);
      const longestMs = Math.max(0, ...globalThis.longMs.splice(0));
      return { answers: answers.length, decoded: sum("decodedBodySize"), encoded: sum("encodedBodySize"), longestMs };
    });
  let ms;
  if (url.includes("section=replicas")) {
    await page.goto(url);
    await page.waitForSelector("tr[data-replica]");
    ms = await page.evaluate(() => performance.now());
  } else {
    ms = (await firstGraph(page, url)).sinceNavigationMs;
  }
  await pause(Math.max(0, EVERY_S * 1000 - 500 - ms));
  const first = { ms, ...(await taken()) };
  await pause(WATCHED_MS);
  const { answers, decoded, encoded, longestMs } = await taken();
  await page.close();
  const each = value => value / refreshes();
  const refresh = { answers: each(answers), decoded: each(decoded), encoded: each(encoded), longestMs };
  return { first, refresh };
}

/** What the companion spends while 24 cards refresh by themselves, and how they ask what is there. */
async function cardsOf(browser, { url, pid }) {
  const discovery = new Set();
  const hear = request => {
    const query = new URLSearchParams(request.postData() ?? new URL(request.url()).search).get("query");
    if (query?.includes("by (__name__")) discovery.add(query);
  };
  const { count } = await openCards(browser, { url, everyS: EVERY_S, watch: page => page.on("request", hear) });
  const busyMs = await spent(pid, () => pause(WATCHED_MS));
  return { busyMs, discovery, cards: count };
}

/** Times of the discovery queries, asked together as the page asks them. */
async function timesOf({ url, pid }, queries) {
  const now = Math.floor(Date.now() / 1000);
  const ask = async (query, time) => {
    const body = new URLSearchParams({ query, time });
    await (await fetch(`${url}api/v1/query`, { method: "POST", body })).arrayBuffer();
  };
  const [ms, cpuMs] = [[], []];
  for (let turn = 0; turn < ASKED; turn += 1) {
    // Another second each time, as equal questions are answered once.
    const all = () => Promise.all([...queries].map(query => ask(query, now - turn)));
    const began = performance.now();
    cpuMs.push(await spent(pid, all));
    ms.push(performance.now() - began);
  }
  return { ms, cpuMs };
}

/** CPU time that a process spends during `work`. */
async function spent(pid, work) {
  const before = cpuMs(pid);
  await work();
  return cpuMs(pid) - before;
}
