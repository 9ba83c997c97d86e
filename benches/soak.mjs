//! Whether the companion stays as it is for an hour: 200 targets of 500 series every five seconds, viewers, queries that are
//! heavy, and others that read everything. `node benches/soak.mjs TARGETS [MINUTES]` with the program `targets` prints
//! memory, descriptors and threads over time, and fails if one of them grows.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { cpuMs, load, memory, serving } from "./servers.mjs";
import { percentile, table } from "./table.mjs";
import { targets } from "./targets.mjs";

const [PROGRAM, MINUTES] = [process.argv[2], Number(process.argv[3] ?? 60)];
const COMPANION = process.env.INFERBOARD_SERVER;

const SHAPE = { count: 200, series: 500, intervalMs: 5000 };
const VIEWERS = 5;
const VIEWED_MS = 5000;
const HEAVY_MS = 60_000;

/** The part of the time that the figures may take to settle. */
const WARM_UP = 1 / 3;

/** How many samples there are, at least two seconds apart. */
const SAMPLES = 120;

/** What may change from the end of the warm-up to the end: the slope over that time. */
const MAX_GROWTH = { rss: 8, files: 4, threads: 4 };
const MAX_MIB = 150;

/** What a viewer's page asks for each time, over the last quarter of an hour. */
const CARDS = [
  "sum(rate(answered_total[1m]))",
  "sum by (model) (rate(answered_total[1m]))",
  "histogram_quantile(0.95, sum by (le) (rate(latency_seconds_bucket[1m])))",
  'sum(rate(answered_total{engine="7"}[1m]))',
  "count(up == 1)",
  "max(scrape_duration_seconds)",
];

/** What is asked once a minute: a query over everything, and answers that have everything. */
const HEAVY = [
  "/api/v1/query?query=count_values(%22v%22%2C%20%7B__name__%3D~%22.%2B%22%7D)",
  "/federate?match[]=answered_total",
  "/api/v1/series?match[]=latency_seconds_bucket",
  "/metrics",
];

const folder = mkdtempSync(join(tmpdir(), "soak-"));
const served = await targets(PROGRAM, SHAPE);
const server = await serving("ours", folder, { companion: COMPANION, targets: served.hosts, interval: "5s" });
try {
  process.exitCode = (await soak()) ? 0 : 1;
} finally {
  await server.stop();
  await served.stop();
  rmSync(folder, { recursive: true });
}

/** Loads the companion for `MINUTES`; whether it stayed as it was. */
async function soak() {
  console.log(`\n${SHAPE.count} targets of ${SHAPE.series} series for ${MINUTES} minutes; ${load()}`);
  const [endMs, cpuBefore] = [performance.now() + MINUTES * 60_000, cpuMs(server.pid)];
  const stats = { answers: 0, failed: 0, times: [] };
  const viewers = Array.from({ length: VIEWERS }, (_, at) => view(at, endMs, stats));
  const samples = await watched(endMs, [...viewers, heavy(endMs, stats)]);
  const cores = (cpuMs(server.pid) - cpuBefore) / (MINUTES * 60_000);
  const settled = samples.slice(Math.ceil(samples.length * WARM_UP));
  const rows = ["rss", "files", "threads"].map(name => summary(name, samples, settled));
  table([["", "first", "settled", "last", "most", "slope an hour", "change", "may be"], ...rows.map(row => row.texts)]);
  const slowest = percentile(stats.times, 0.95).toFixed(0);
  console.log(`  ${stats.answers} answers, ${stats.failed} failed, 95 % within ${slowest} ms; ${cores.toFixed(3)} of a core`);
  const most = Math.max(...settled.map(sample => sample.rss));
  if (most > MAX_MIB) console.log(`  FAILED: ${most.toFixed(0)} MiB, and ${MAX_MIB} are allowed`);
  for (const row of rows.filter(row => !row.isFlat)) console.log(`  FAILED: ${row.texts[0]} grows`);
  return rows.every(row => row.isFlat) && most <= MAX_MIB && stats.failed === 0;
}

/** Samples of the process until `endMs`, printed once for each twelfth of the time. Ends once `others` have. */
async function watched(endMs, others) {
  const [began, samples] = [performance.now(), []];
  const everyMs = Math.max(2000, (endMs - began) / SAMPLES);
  for (let due = began + everyMs; due <= endMs; due += everyMs) {
    await pause(Math.max(0, due - performance.now()));
    const sample = { minutes: (performance.now() - began) / 60_000, ...stateOf(server.pid) };
    samples.push(sample);
    if (samples.length % Math.ceil(SAMPLES / 12) !== 0) continue;
    const { minutes, rss, files, threads } = sample;
    console.log(`  ${minutes.toFixed(1)} min: ${rss.toFixed(0)} MiB, ${files} descriptors, ${threads} threads`);
  }
  await Promise.all(others);
  return samples;
}

/** Memory in MiB, descriptors and threads of a process. */
function stateOf(pid) {
  const threads = Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/Threads:\s+(\d+)/)[1]);
  return { rss: memory(pid).now / 2 ** 20, files: readdirSync(`/proc/${pid}/fd`).length, threads };
}

/** A row of the table, and whether the figure of that name is flat once it is settled. */
function summary(name, samples, settled) {
  const values = settled.map(sample => sample[name]);
  const perMinute = slope(settled.map(sample => sample.minutes), values);
  const change = perMinute * (settled.at(-1).minutes - settled[0].minutes);
  const text = value => value.toFixed(name === "rss" ? 1 : 0);
  const title = { rss: "memory, MiB", files: "descriptors", threads: "threads" }[name];
  const figures = [samples[0][name], values[0], values.at(-1), Math.max(...values)].map(text);
  const texts = [title, ...figures, (perMinute * 60).toFixed(2), change.toFixed(2), `≤ ${MAX_GROWTH[name]}`];
  return { texts, isFlat: change <= MAX_GROWTH[name] };
}

/** The slope of the line that fits best. */
function slope(xs, ys) {
  const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(xs), mean(ys)];
  const above = xs.reduce((sum, own, at) => sum + (own - x) * (ys[at] - y), 0);
  return above / xs.reduce((sum, own) => sum + (own - x) ** 2, 0);
}

/** Someone who watches until `endMs`. Each begins at another moment, as people do. */
async function view(at, endMs, stats) {
  await pause((at * VIEWED_MS) / VIEWERS);
  for (let due = performance.now(); due < endMs; due += VIEWED_MS) {
    await pause(Math.max(0, due - performance.now()));
    const end = Math.floor(Date.now() / 5000) * 5;
    const range = `start=${end - 900}&end=${end}&step=5`;
    const cards = CARDS.map(query => `/api/v1/query_range?${range}&query=${encodeURIComponent(query)}`);
    await Promise.all(cards.map(path => ask(path, stats)));
  }
}

async function heavy(endMs, stats) {
  for (let due = performance.now() + HEAVY_MS / 2; due < endMs; due += HEAVY_MS) {
    await pause(Math.max(0, due - performance.now()));
    for (const path of HEAVY) await ask(path, stats);
  }
}

async function ask(path, stats) {
  const began = performance.now();
  const answer = await fetch(server.url + path).catch(() => undefined);
  await answer?.arrayBuffer();
  stats.answers += 1;
  // A query over everything may be refused, as one that takes too much.
  if (![200, 422].includes(answer?.status)) stats.failed += 1;
  stats.times.push(performance.now() - began);
}
