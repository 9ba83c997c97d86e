//! CPU time of a scrape, of the companion and of a Prometheus at once, from the same pages: part of `make bench`.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { companion, prometheus, turning } from "./loopback.mjs";
import { cpuMs, installed } from "./servers.mjs";
import { median, table } from "./table.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SERVER = process.env.INFERBOARD_SERVER;
const CAPTURES = process.env.CAPTURES_DIR ?? join(ROOT, "../shared/captures");
const NODE_EXPORTER = process.env.NODE_EXPORTER_DIR ?? join(ROOT, "../shared/corpora/data/node_exporter");
const SESSION = join(ROOT, "tests/fixtures/vllm-0.32-session");
const PAGES = {
  "vLLM 0.32": join(SESSION, readdirSync(SESSION).find(name => name.endsWith(".up.prom.gz"))),
  "vLLM 0.33": join(CAPTURES, "derived/vllm_0.33.0_v1_dp2_specdecode_lora.prom"),
  node_exporter: join(NODE_EXPORTER, "collector/fixtures/e2e-output.txt"),
  Envoy: join(CAPTURES, "envoy_datadog.prom"),
};

/** Targets of each page: a tick of the process clock is too coarse for one. */
const TARGETS = 10;
const INTERVAL_S = 1;
const WARM_UP_MS = 5_000;
/** Rounds of a page, of which the median counts. */
const ROUNDS = 3;
const ROUND_MS = 12_000;
const VARIANTS = 8;

const rows = [["page", "KB", "samples", "ours, ms", "Prometheus, ms", "ratio", "goal"]];
console.log("\nCPU time of a scrape beside Prometheus");
const names = installed(SERVER);
if (!names.includes("ours") || !names.includes("prometheus")) {
  console.log("  skipped: the companion (INFERBOARD_SERVER) or prometheus is absent");
  process.exit();
}
for (const [name, path] of Object.entries(PAGES)) {
  if (!existsSync(path)) {
    console.log(`  skipped: ${path} is absent`);
    continue;
  }
  const bytes = readFileSync(path);
  const page = (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
  const { ours, theirs } = await measured(page);
  const samples = page.split("\n").filter(line => line && !line.startsWith("#")).length;
  const figures = [ours, theirs, ours / theirs].map(figure => figure.toFixed(2));
  rows.push([name, (page.length / 1000).toFixed(1), String(samples), ...figures, "< 1"]);
}
table(rows);
console.log(
  `  The whole process's CPU time by its scrapes of ${TARGETS} targets each ${INTERVAL_S} s, both programs at once; ` +
    `median of ${ROUNDS} × ${ROUND_MS / 1000} s.`,
);

/** Milliseconds of CPU time for a scrape, of both programs. */
async function measured(page) {
  const pages = Array.from({ length: VARIANTS }, (_, variant) => withOtherValues(page, variant));
  const targets = [];
  for (let at = 0; at < TARGETS; at += 1) targets.push(await turning(pages));
  const flags = targets.flatMap(({ url }) => ["--target", url]);
  const ours = await companion(SERVER, [...flags, "--scrape-interval", `${INTERVAL_S}s`, "--no-discovery"]);
  const theirs = await prometheus(targets.map(({ url }) => new URL(url).host), `${INTERVAL_S}s`);
  const programs = { ours: { pid: ours.pid, agent: "inferboard" }, theirs: { pid: theirs.pid, agent: "prometheus" } };
  const looked = () =>
    Object.fromEntries(
      Object.entries(programs).map(([whose, { pid, agent }]) => {
        const scrapes = targets.reduce((sum, target) => sum + (target.scrapes[agent] ?? 0), 0);
        return [whose, { cpuMs: cpuMs(pid), scrapes }];
      }),
    );
  const rounds = { ours: [], theirs: [] };
  try {
    await pause(WARM_UP_MS);
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = looked();
      await pause(ROUND_MS);
      const after = looked();
      for (const whose of Object.keys(rounds)) {
        const scrapes = after[whose].scrapes - before[whose].scrapes;
        rounds[whose].push((after[whose].cpuMs - before[whose].cpuMs) / scrapes);
      }
    }
  } finally {
    await Promise.all([ours.stop(), theirs.stop()]);
    targets.forEach(target => target.stop());
  }
  return { ours: median(rounds.ours), theirs: median(rounds.theirs) };
}

/** The page with another last digit in every value that has one. */
function withOtherValues(page, variant) {
  const lines = page.split("\n").map((line, at) => {
    const digit = (at * 7 + variant) % 10;
    return line.startsWith("#") ? line : line.replace(/( [^ ]*)[0-9]$/, `$1${digit}`);
  });
  return lines.join("\n");
}
