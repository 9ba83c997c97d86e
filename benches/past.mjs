//! What one server takes that is opened over history: series that are over, and days.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filled, forget, memory, serving } from "./servers.mjs";
import { median } from "./table.mjs";

/** The start of the fleet's history. */
const START_S = 1_789_948_800;
const DAY_S = 86_400;
/** Fresh starts with nothing of the files in memory, of which the median counts. */
const ROUNDS = 3;
const POINTS = 300;
const RATE = "sum(rate(vllm:generation_tokens_total[10m]))";
/** Enough for a history of days, and far less than the other benchmarks take. */
const INTERVAL_S = 60;
const SERIES = 500;

/** The figures of a server over a day with so many series that are over, none of them for long; none of it without any. */
export async function over(name, { companion, fleet, series }) {
  const [days, replicas] = [1, 20];
  const pods = series / (replicas * SERIES);
  const flags = ["--replicas", String(replicas), "--pods", String(pods), "--interval-s", String(INTERVAL_S)];
  return opened(name, { companion, fleet: series === 0 ? undefined : { fleet, days, flags } }, async server => {
    const began = performance.now();
    const range = { start: START_S, end: START_S + days * DAY_S };
    const values = await answered(`${server.url}/api/v1/label/pod/values?${new URLSearchParams(range)}`);
    const labelsMs = performance.now() - began;
    // A single pod has no label.
    if (values.length !== (pods > 1 ? replicas * pods : 0)) throw new Error(`${name} knows ${values.length} pods`);
    return { labelsMs };
  });
}

/** The figures of a server over so many days of 2,000 series. */
export async function aged(name, { companion, fleet, days }) {
  const flags = ["--replicas", "4", "--interval-s", String(INTERVAL_S)];
  return opened(name, { companion, fleet: { fleet, days, flags } }, async server => ({
    hourMs: await ranged(server.url, START_S + days * DAY_S, 3600),
    allMs: await ranged(server.url, START_S + days * DAY_S, days * DAY_S),
  }));
}

/** Medians of what `measure` gives for fresh starts over a filled folder, with the time until it answers and its memory. */
async function opened(name, { companion, fleet }, measure) {
  const folder = mkdtempSync(join(tmpdir(), "growth-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  const rounds = [];
  try {
    if (fleet) await filled(name, folder, fleet);
    for (let round = 0; round < ROUNDS; round += 1) {
      forget(folder);
      const server = await serving(name, folder, { companion });
      try {
        const { now } = memory(server.pid);
        rounds.push({ startMs: server.startMs, now, ...(await measure(server)), most: memory(server.pid).peak });
      } finally {
        await server.stop();
      }
    }
  } finally {
    process.off("exit", remove);
    remove();
  }
  return Object.fromEntries(Object.keys(rounds[0]).map(figure => [figure, median(rounds.map(round => round[figure]))]));
}

/** Milliseconds of a range query that ends at `end`. */
async function ranged(url, end, seconds) {
  const form = new URLSearchParams({ query: RATE, start: end - seconds, end, step: seconds / POINTS });
  const began = performance.now();
  const { result } = await answered(`${url}/api/v1/query_range?${form}`);
  if (result.length !== 1) throw new Error(`no answer of one series: ${JSON.stringify(result).slice(0, 300)}`);
  return performance.now() - began;
}

async function answered(url) {
  const { status, data, error } = await (await fetch(url)).json();
  if (status !== "success") throw new Error(`${url} was refused: ${error}`);
  return data;
}
