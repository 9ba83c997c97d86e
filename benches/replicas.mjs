//! A companion that scrapes a simulated fleet: replicas of one model on loopback, each with a recorded metrics page of
//! vLLM whose counters grow with time.
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { CHROMIUM, PACKAGES } from "./browser.mjs";
import { companion, listen } from "./loopback.mjs";

const SERVER = process.env.INFERBOARD_SERVER;
const PAGE = fileURLToPath(new URL("../tests/fixtures/captures/vllm-0.32.0-cpu-loaded.prom", import.meta.url));
const SETTLING_SCRAPES = 8;
/** Families whose values differ between replicas. */
const OWN = ["process_start_time_seconds", "vllm:num_requests_running", "vllm:num_requests_waiting"];

/** How many there are, and how often each is scraped, unless a benchmark needs others. */
export const REPLICAS = 50;
export const INTERVAL_S = 5;

/**
 * Runs `use` with the companion once it has scraped `count` replicas some times, each every `intervalS` seconds; says so
 * where a program that is needed is absent.
 */
export async function withReplicas(use, { count = REPLICAS, intervalS = INTERVAL_S } = {}) {
  if (![SERVER, CHROMIUM, PACKAGES].every(path => path && existsSync(path))) {
    console.log("  skipped: the companion (INFERBOARD_SERVER), Chromium or playwright-core is absent");
    return;
  }
  const page = growing(readFileSync(PAGE, "utf8"));
  const targets = await Promise.all(Array.from({ length: count }, (_, at) => replica(page, at)));
  const flags = targets.flatMap(target => ["--target", target.url]);
  const served = await companion(SERVER, [...flags, "--scrape-interval", `${intervalS}s`, "--no-discovery"]);
  try {
    await pause(SETTLING_SCRAPES * intervalS * 1000);
    await use(served);
  } finally {
    await served.stop();
    targets.forEach(target => target.stop());
  }
}

/** A replica's metrics page: what it shares with the others, and what is its own. */
function replica(page, number) {
  const startS = Date.now() / 1000 - 3600 - number;
  return listen((_, response) => {
    const load = 8 + 6 * Math.sin(Date.now() / 60_000 + number);
    response.setHeader("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    response.write(page());
    response.end(
      [startS, Math.round(load), Math.max(0, Math.round(load - 10))]
        .map((value, at) => `# TYPE ${OWN[at]} gauge\n${OWN[at]}${at === 0 ? "" : '{engine="0",model_name="tiny-llama"}'} ${value}\n`)
        .join(""),
    );
  });
}

/** The page whose counters and histograms grow with each second, made once for all replicas. */
function growing(text) {
  const shared = text.split("\n").filter(line => !OWN.some(name => line.replace(/^# \w+ /, "").match(`^${name}[ {]`)));
  const counters = new Set();
  for (const line of shared) {
    const [, name, kind] = line.match(/^# TYPE (\S+) (counter|histogram)$/) ?? [];
    if (kind === "histogram") ["_bucket", "_sum", "_count"].forEach(part => counters.add(name + part));
    else if (kind) counters.add(name);
  }
  const parts = shared.filter(Boolean).map(line => {
    const [, series, name, value] = line.match(/^(([^#{ ][^{ ]*)(?:\{.*\})?) (\S+)$/) ?? [];
    return series && counters.has(name) ? [series, Number(value)] : [line, undefined];
  });
  const beganMs = Date.now();
  let [secondS, body] = [-1, undefined];
  return () => {
    const ageS = Math.floor((Date.now() - beganMs) / 1000);
    if (ageS !== secondS) {
      const line = ([text, value]) => (value === undefined ? text : `${text} ${value * (100 + ageS)}`);
      [secondS, body] = [ageS, Buffer.from(`${parts.map(line).join("\n").replaceAll("acme/tiny-llama", "tiny-llama")}\n`)];
    }
    return body;
  };
}
