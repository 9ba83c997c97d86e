//! Days of ten thousand series in the companion alone: opening them, and a quantile over all of them. Part of
//! `make bench-peers`; `node benches/long.mjs FLEET DAYS…` with the built `fleet`.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOf, fed, forget, load, memory, serving } from "./servers.mjs";
import { median, table } from "./table.mjs";

const SERVER = process.env.INFERBOARD_SERVER;
const [FLEET, ...DAYS] = process.argv.slice(2);
const START_S = 1_789_948_800;
const ROUNDS = 3;
const POINTS = 300;
const FLEET_QUANTILE =
  "histogram_quantile(0.99, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[$window])))";

console.log("\nDays of 10,000 series each 15 s");
if (!FLEET || !existsSync(FLEET) || !SERVER || !existsSync(SERVER)) {
  console.log("  skipped: the program fleet (an argument) or the companion (INFERBOARD_SERVER) is absent");
  process.exit();
}
console.log(`  ${load()}`);
const rows = [["days", "samples, M", "M/s", "bytes a sample", "open, ms", "first query, ms", "p99 of all, ms", "memory, MB"]];
for (const days of DAYS.map(Number)) rows.push(await measured(days));
table(rows);
console.log(`  Medians of ${ROUNDS} fresh starts with nothing of the files in memory; the most memory of them. Goal: 7 days ready within 2,000 ms, and the first query within 500.`);
console.log(`  ${load()}`);

async function measured(days) {
  const folder = mkdtempSync(join(tmpdir(), "long-"));
  try {
    const data = join(folder, "data");
    const { samples, seconds } = fed(FLEET, "ours", data, days);
    const [starts, firsts, fleets, peaks] = [[], [], [], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      forget(folder);
      const server = await serving("ours", folder, { companion: SERVER });
      starts.push(server.startMs);
      firsts.push(await timed(server.url, "sum(rate(vllm:generation_tokens_total[1m]))", days, 1));
      fleets.push(await timed(server.url, FLEET_QUANTILE.replace("$window", `${Math.ceil(days * 288)}s`), days, days * 24));
      peaks.push(memory(server.pid).peak);
      await server.stop();
    }
    const whole = [starts, firsts, fleets].map(times => median(times).toFixed(0));
    const rate = (samples / seconds / 1e6).toFixed(1);
    const size = (bytesOf(data) / samples).toFixed(3);
    return [String(days), (samples / 1e6).toFixed(0), rate, size, ...whole, (Math.max(...peaks) / 1e6).toFixed(0)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Milliseconds of a query over the last `hours` of the days. */
async function timed(url, query, days, hours) {
  const end = START_S + days * 86_400;
  const form = new URLSearchParams({ query, start: end - hours * 3600, end, step: (hours * 3600) / POINTS });
  const began = performance.now();
  const answer = await (await fetch(`${url}/api/v1/query_range?${form}`)).json();
  if (answer.status !== "success" || answer.data.result.length !== 1) throw new Error(JSON.stringify(answer).slice(0, 300));
  return performance.now() - began;
}
