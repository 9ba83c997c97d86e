//! What a hundred people who watch at the same time wait for: eight cards each, every five seconds, over a fleet of 50
//! replicas that is scraped meanwhile: `node benches/viewers.mjs`, and `node benches/viewers.mjs 400` for as many.
import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { firstGraph, withBrowser } from "./browser.mjs";
import { INTERVAL_S, REPLICAS, withReplicas } from "./replicas.mjs";
import { cpuMs } from "./servers.mjs";
import { percent, table } from "./table.mjs";

const VIEWERS = Number(process.argv[2] ?? 100);
const CARDS = 8;
const ROUNDS = 6;
// As a browser, a page asks for so many cards at a time.
const AT_ONCE = 4;
const WINDOW = { width: 1400, height: 3000 };

console.log(`\n${VIEWERS} viewers of ${CARDS} cards over ${REPLICAS} replicas`);
await withReplicas(measure);

async function measure({ url, pid }) {
  const cards = await withBrowser(browser => refreshOf(browser, url));
  const [began, before] = [performance.now(), cpuMs(pid)];
  const viewers = Array.from({ length: VIEWERS }, (_, at) => watch(url, cards, at));
  const answers = (await Promise.all(viewers)).flat();
  const busy = (cpuMs(pid) - before) / (performance.now() - began);
  const times = answers.filter(answer => answer.ok).map(answer => answer.ms).toSorted((a, b) => a - b);
  const part = share => times[Math.min(times.length - 1, Math.floor(share * times.length))].toFixed(0);
  table([
    ["", "", "goal"],
    ["answers", String(answers.length), ""],
    ["refused or failed", String(answers.length - times.length), "0"],
    ["median, ms", part(0.5), "≤ 50"],
    ["95th percentile, ms", part(0.95), "≤ 250"],
    ["of a processor", percent(busy), ""],
  ]);
}

/** The range queries of one refresh of a page: query, step, and how far each reaches back. */
async function refreshOf(browser, url) {
  const page = await (await browser.newContext({ viewport: WINDOW })).newPage();
  await firstGraph(page, `${url}?section=requests&from=now-15m&every=${INTERVAL_S}s`);
  await pause(2 * INTERVAL_S * 1000);
  const asked = new Map();
  page.on("request", request => {
    const params = new URLSearchParams(request.postData() ?? "");
    const [query, step, start, end] = ["query", "step", "start", "end"].map(name => params.get(name));
    if (request.url().endsWith("query_range")) asked.set(query, { query, step: Number(step), length: end - start });
  });
  await pause(2 * INTERVAL_S * 1000);
  return [...asked.values()].slice(0, CARDS);
}

/** A viewer's answers. Each begins at another moment, as people do. */
async function watch(url, cards, at) {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const answers = [];
  await pause((at * INTERVAL_S * 1000) / VIEWERS);
  for (let round = 0; round < ROUNDS; round += 1) {
    const due = performance.now() + INTERVAL_S * 1000;
    answers.push(...(await Promise.all(cards.map(card => ask(agent, url, card)))));
    await pause(Math.max(0, due - performance.now()));
  }
  agent.destroy();
  return answers;
}

/** Asks for a card's newest points as the page does, whose last step lies at or after now. */
function ask(agent, url, { query, step, length }) {
  const end = Math.ceil(Date.now() / 1000 / step) * step;
  const body = new URLSearchParams({ query, start: end - length, end, step }).toString();
  const headers = { "Content-Type": "application/x-www-form-urlencoded", "Accept-Encoding": "gzip" };
  return new Promise(done => {
    const asking = request(`${url}api/v1/query_range`, { method: "POST", agent, headers }, response => {
      response.resume().on("end", () => done({ ok: response.statusCode === 200, ms: performance.now() - began }));
    });
    // From when it is sent: the page's own queue is not the server's time.
    let began = performance.now();
    asking.on("socket", () => (began = performance.now()));
    asking.on("error", () => done({ ok: false, ms: 0 }));
    asking.end(body);
  });
}
