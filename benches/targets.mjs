//! Many targets on loopback, served by the program `targets`, which counts how regularly each scraper comes.
import { running } from "./loopback.mjs";

/** What each server calls itself when it scrapes. */
const SCRAPERS = { ours: "inferboard", prometheus: "prometheus", "victoria-metrics": "vm_promscrape" };

/** Starts `program` with so many targets. Their hosts have ports, and are free again after `stop`. */
export async function targets(program, { count, series = 500, labelBytes = 0, churn = 0, intervalMs }) {
  const flags = { count, series, "label-bytes": labelBytes, churn, "interval-ms": intervalMs };
  const list = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
  const { said, pid, stop } = await running(program, list, /^(\[.*\])\n/);
  const hosts = JSON.parse(said);
  const url = `http://${hosts[0]}`;
  return {
    hosts,
    pid,
    stop,
    /** Begins to count anew. */
    reset: () => fetch(`${url}/reset`, { method: "POST" }),
    /** What was counted of a server's scrapes; nothing if it made none. */
    regularity: async name => (await (await fetch(`${url}/stats`)).json())[SCRAPERS[name]],
  };
}
