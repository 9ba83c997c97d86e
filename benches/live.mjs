//! The companion and its peers under load, one after the other: 200 targets with 500 series each, scraped every five
//! seconds, and meanwhile a sum over 20,000 series. Part of `make bench-peers`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { turning } from "./loopback.mjs";
import { SERVERS, cpuMs, installed, load, memory, serving } from "./servers.mjs";
import { median, table } from "./table.mjs";

const SERVER = process.env.INFERBOARD_SERVER;
const TARGETS = 200;
const SERIES = 500;
/** Of each target: 20,000 of all. */
const SUMMED = 100;
const INTERVAL = "5s";
/** The first scrapes make the series, and the window of the rate has to fill. */
const WARM_UP_MS = 30_000;
/** First nothing is asked, so that the CPU time is that of scraping alone. */
const QUIET_MS = 20_000;
const QUERIES = 40;
const BETWEEN_MS = 500;
const QUERY = "sum by (model) (rate(answered_total[1m]))";
/** Pages of a target, served in turn. */
const TURNS = 24;

console.log(`\n${TARGETS} targets of ${SERIES} series each ${INTERVAL}, beside peers`);
const names = installed(SERVER);
if (!names.includes("ours")) {
  console.log("  skipped: the companion (INFERBOARD_SERVER) is absent");
  process.exit();
}
console.log(`  ${load()}`);
const targets = [];
for (let target = 0; target < TARGETS; target += 1) targets.push(await turning(pages(target)));
const rows = [["", "cores", "memory, MB", "most, MB", "cores while asked", "p50, ms", "p95, ms"]];
for (const name of names) rows.push([SERVERS[name], ...(await measured(name))]);
rows.push(["goal", "≤ 0.05", "≤ 126", "", "", "≤ 50", "≤ 150"]);
table(rows);
targets.forEach(target => target.stop());
console.log(`  ${QUERY}, ${QUERIES} times. 120 MiB are 126 MB.`);
console.log(`  ${load()}`);

async function measured(name) {
  const folder = mkdtempSync(join(tmpdir(), "live-"));
  const hosts = targets.map(({ url }) => new URL(url).host);
  const server = await serving(name, folder, { companion: SERVER, targets: hosts, interval: INTERVAL });
  try {
    await pause(WARM_UP_MS);
    const quiet = await cores(server.pid, () => pause(QUIET_MS));
    const times = [];
    const busy = await cores(server.pid, async () => {
      for (let query = 0; query < QUERIES; query += 1) times.push(await asked(server.url));
    });
    const { now, peak } = memory(server.pid);
    const p95 = times.toSorted((a, b) => a - b)[Math.ceil(0.95 * QUERIES) - 1];
    const mega = bytes => (bytes / 1e6).toFixed(0);
    return [quiet.toFixed(3), mega(now), mega(peak), busy.toFixed(3), median(times).toFixed(1), p95.toFixed(1)];
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true });
  }
}

/** CPU time of a process by the time that `during` takes. */
async function cores(pid, during) {
  const [before, began] = [cpuMs(pid), performance.now()];
  await during();
  return (cpuMs(pid) - before) / (performance.now() - began);
}

async function asked(url) {
  await pause(BETWEEN_MS);
  const began = performance.now();
  const answer = await (await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: QUERY })}`)).json();
  const ms = performance.now() - began;
  if (answer.data?.result.length !== 4) throw new Error(`no answer of four models: ${JSON.stringify(answer).slice(0, 300)}`);
  return ms;
}

/** What a target says, scrape after scrape: counters of which a part grows, gauges, and a histogram's buckets. */
function pages(target) {
  const shared = `model="model-${target % 4}",engine="${target}"`;
  return Array.from({ length: TURNS }, (_, turn) => {
    const lines = ["# TYPE answered_total counter"];
    for (let route = 0; route < SUMMED; route += 1) {
      lines.push(`answered_total{${shared},route="/v1/route${route}"} ${1000 * route + turn * (route % 7)}`);
    }
    lines.push("# TYPE level gauge");
    for (let at = 0; lines.length < SERIES + 2; at += 1) {
      lines.push(`level{${shared},place="${at}"} ${(at * 1.5 + ((turn * 7 + target) % 13) / 8).toFixed(3)}`);
    }
    return `${lines.join("\n")}\n`;
  });
}
