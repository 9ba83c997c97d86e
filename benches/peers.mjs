//! A day of ten thousand series in the companion and in both peers: what they take, and the queries of a dashboard.
//! Part of `make bench-peers`; `node benches/peers.mjs FLEET` with the built `fleet`, and `node benches/peers.mjs FLEET
//! FOLDER` to keep the day there, or to ask again what is there.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SERVERS, bytesOf, filled, forget, installed, load, memory, serving } from "./servers.mjs";
import { median, table } from "./table.mjs";

const SERVER = process.env.INFERBOARD_SERVER;
const [FLEET, FOLDER] = process.argv.slice(2);
const DAYS = 1;
const END_MS = 1_789_948_800_000 + DAYS * 86_400_000;
/** Steps of a graph. */
const POINTS = 300;
/** Fresh starts with nothing of the files in memory, and repeated questions. */
const COLD_ROUNDS = 3;
const WARM_ROUNDS = 5;

/** What a dashboard of vLLM replicas asks: sums of rates, quantiles of histograms, gauges, ranks, maxima. */
const QUERIES = {
  "tokens per second": "sum(rate(vllm:generation_tokens_total[1m]))",
  "prompt tokens by model": "sum by (model_name) (rate(vllm:prompt_tokens_total[1m]))",
  "p99 of the fleet": quantile(0.99, "le", "vllm:time_to_first_token_seconds"),
  "p95 by replica": quantile(0.95, "le, instance", "vllm:e2e_request_latency_seconds"),
  "KV cache by replica": "avg by (instance) (vllm:kv_cache_usage_perc)",
  "most waiting": "max(vllm:num_requests_waiting)",
  "finish reasons": "sum by (finished_reason) (increase(vllm:request_success_total[5m]))",
  "mean latency": `${rates("sum")} / ${rates("count")}`,
  "busiest replicas": "topk(5, avg_over_time(vllm:num_requests_running[5m]))",
  "one replica's routes":
    'sum by (handler, status) (rate(http_requests_total{instance="10.0.0.4:8000", status=~"2xx|5xx"}[5m]))',
  "power of each GPU": "gpu_power_watts",
  "hottest hour": "max by (instance) (max_over_time(gpu_temperature_celsius[1h]))",
};

function quantile(share, by, name) {
  return `histogram_quantile(${share}, sum by (${by}) (rate(${name}_bucket[5m])))`;
}

function rates(part) {
  return `sum(rate(vllm:time_to_first_token_seconds_${part}[5m]))`;
}

console.log("\nA day of 10,000 series each 15 s, beside peers");
const names = installed(SERVER);
if (!FLEET || !existsSync(FLEET) || !names.includes("ours")) {
  console.log("  skipped: the program fleet (an argument) or the companion (INFERBOARD_SERVER) is absent");
  process.exit();
}
for (const name of Object.keys(SERVERS).filter(name => !names.includes(name))) {
  console.log(`  skipped: ${name} is not installed`);
}
const root = FOLDER ?? mkdtempSync(join(tmpdir(), "peers-"));
try {
  console.log(`  ${load()}`);
  const figures = {};
  for (const name of names) figures[name] = await fill(name);
  for (const name of names) Object.assign(figures[name], await asked(name, join(root, name)));
  print(figures);
  console.log(`  ${load()}`);
} finally {
  if (!FOLDER) rmSync(root, { recursive: true });
}

/** Fills a server's folder, unless an earlier run has. */
function fill(name) {
  const fleet = { fleet: FLEET, days: DAYS };
  return once(join(root, `${name}.json`), () => filled(name, join(root, name), fleet));
}

/** What an earlier run left in a file, or what `make` gives. */
async function once(path, make) {
  if (existsSync(path)) return JSON.parse(readFileSync(path));
  const made = await make();
  writeFileSync(path, JSON.stringify(made));
  return made;
}

/** Times of every query over an hour and over a day, from nothing in memory and again, in milliseconds. */
async function asked(name, folder) {
  const [times, starts, peaks] = [{}, [], []];
  for (const hours of [1, 24]) {
    let asks = 0;
    const ask = async (url, title, kind) => {
      // Never twice for the same time, so that no answer is one that was kept.
      const end = END_MS / 1000 - (asks += 1);
      const { ms, points } = await timed(url, QUERIES[title], { end, hours });
      times[title] ??= {};
      times[title][hours] ??= { cold: [], warm: [], points };
      times[title][hours][kind].push(ms);
    };
    for (let round = 1; round <= COLD_ROUNDS; round += 1) {
      forget(folder);
      const server = await serving(name, folder, { companion: SERVER });
      starts.push(server.startMs);
      for (const title of Object.keys(QUERIES)) await ask(server.url, title, "cold");
      for (let again = 0; round === COLD_ROUNDS && again < WARM_ROUNDS; again += 1) {
        for (const title of Object.keys(QUERIES)) await ask(server.url, title, "warm");
      }
      peaks.push(memory(server.pid).peak);
      await server.stop();
    }
  }
  return { times, startMs: median(starts), servingPeak: Math.max(...peaks), bytes: sizes(folder, name) };
}

async function timed(url, query, { end, hours }) {
  const step = (hours * 3600) / POINTS;
  const form = new URLSearchParams({ query, start: end - hours * 3600, end, step });
  const began = performance.now();
  const answer = await fetch(`${url}/api/v1/query_range?${form}`);
  const body = await answer.text();
  const ms = performance.now() - began;
  const { status, data, error } = JSON.parse(body);
  if (status !== "success") throw new Error(`${url} refused ${query}: ${error}`);
  return { ms, points: data.result.reduce((sum, series) => sum + series.values.length, 0) };
}

/** Bytes on disk: of the samples, and with what finds them. */
function sizes(folder, name) {
  const samples = { ours: /./, prometheus: /\/chunks\//, "victoria-metrics": /\/data\/data\/.*(values|timestamps)\.bin/ };
  return { samples: bytesOf(join(folder, "data"), samples[name]), all: bytesOf(join(folder, "data")) };
}

function print(figures) {
  const whose = Object.keys(figures);
  for (const [title, { 1: hour, 24: day }] of Object.entries(figures.ours.times)) {
    for (const name of whose) {
      const theirs = figures[name].times[title];
      // A server that lacks samples must not look fast.
      if (theirs[1].points < 0.9 * hour.points || theirs[24].points < 0.9 * day.points) {
        console.log(`  ${SERVERS[name]} gives fewer values for "${title}": its times count for nothing`);
      }
    }
  }
  const row = (title, figure) => [title, ...whose.map(name => figure(figures[name]))];
  const mega = bytes => (bytes / 1e6).toFixed(0);
  table([
    ["", ...whose.map(name => SERVERS[name])],
    row("samples taken, M/s", ({ samples, seconds }) => (samples / seconds / 1e6).toFixed(2)),
    row("bytes a sample, samples alone", ({ samples, bytes }) => (bytes.samples / samples).toFixed(3)),
    row("bytes a sample, whole folder", ({ samples, bytes }) => (bytes.all / samples).toFixed(3)),
    row("start until it answers, ms", ({ startMs }) => startMs.toFixed(0)),
    row("most memory while asked, MB", ({ servingPeak }) => mega(servingPeak)),
    row("most memory while taking, MB", ({ peak }) => (peak === undefined ? "–" : mega(peak))),
  ]);
  for (const kind of ["cold", "warm"]) {
    for (const hours of [1, 24]) {
      console.log(`\n  ${kind}, over ${hours} h, ms`);
      const rows = Object.keys(QUERIES).map(title => queryRow(figures, title, hours, kind));
      const peers = whose.slice(1).flatMap(name => [SERVERS[name], "ratio"]);
      table([["", "points", "ours", ...peers], ...rows]);
    }
  }
  console.log(`  Medians: of ${COLD_ROUNDS} fresh starts with nothing of the files in memory, and of ${WARM_ROUNDS} times.`);
}

function queryRow(figures, title, hours, kind) {
  const of = name => figures[name].times[title][hours];
  const ours = median(of("ours")[kind]);
  const peers = Object.keys(figures).slice(1);
  const beside = peers.flatMap(name => {
    const theirs = median(of(name)[kind]);
    return [theirs.toFixed(1), (ours / theirs).toFixed(2)];
  });
  return [title, String(of("ours").points), ours.toFixed(1), ...beside];
}
