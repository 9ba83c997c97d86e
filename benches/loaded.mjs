//! What one server takes while it scrapes many targets: CPU time, memory, how long queries take, how regularly it scrapes.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { cpuMs, machineCpuMs, memory, serving } from "./servers.mjs";
import { median, percentile } from "./table.mjs";

/** A sum over one in five series, and the same of one target. */
const LIVE = { query: "sum by (model) (rate(answered_total[1m]))", series: 4 };
const SMALL = { query: 'sum(rate(answered_total{engine="7"}[1m]))', series: 1 };

/** A query that takes longer has failed, and no more are asked once all together took so long. */
const MAX_QUERY_MS = 30_000;
const MAX_QUERIES_MS = 60_000;

/** Rounds of scraping alone, of which the median counts. */
const ROUNDS = 3;

/** How long everything takes: `warmUpMs` until the first figure, `roundMs` for each round, `betweenMs` before a query. */
export const UNHURRIED = { warmUpMs: 40_000, roundMs: 10_000, betweenMs: 500, queries: 40 };
export const QUICK = { warmUpMs: 16_000, roundMs: 5_000, betweenMs: 100, queries: 40 };

/** The figures of the server of that name with those `targets`. */
export async function loaded(name, { companion, targets, intervalMs, pace }) {
  return during(name, { companion, hosts: targets.hosts, intervalMs }, async server => {
    await pause(pace.warmUpMs);
    await targets.reset();
    const { cores, others } = await alone(server.pid, [targets.pid], pace);
    const { now } = memory(server.pid);
    const live = await asked(server.url, LIVE, pace);
    const small = await asked(server.url, SMALL, { ...pace, betweenMs: pace.betweenMs / 4 });
    const regularity = (await targets.regularity(name)) ?? { missed: targets.hosts.length, late: 0, p99: 0, max: 0 };
    return {
      cores,
      now,
      most: memory(server.pid).peak,
      liveMedian: median(live.times),
      liveP95: percentile(live.times, 0.95),
      smallMedian: median(small.times),
      smallP95: percentile(small.times, 0.95),
      failed: live.failed + small.failed,
      missed: regularity.missed,
      late: regularity.late,
      p99: regularity.p99,
      max: regularity.max,
      others,
    };
  });
}

/** The figures of a server all of whose targets refuse the connection. */
export async function refused(name, { companion, hosts, intervalMs, pace }) {
  return during(name, { companion, hosts, intervalMs }, async server => {
    await pause(pace.warmUpMs);
    const { cores, others } = await alone(server.pid, [], pace);
    const logged = server.output().split("\n").length - 1;
    return { cores, now: memory(server.pid).now, logged, others };
  });
}

async function during(name, { companion, hosts, intervalMs }, measure) {
  const folder = mkdtempSync(join(tmpdir(), "growth-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  try {
    const server = await serving(name, folder, { companion, targets: hosts, interval: `${intervalMs / 1000}s` });
    try {
      return await measure(server);
    } finally {
      await server.stop();
    }
  } finally {
    process.off("exit", remove);
    remove();
  }
}

/** Cores that a process takes while nothing is asked, and those of all programs that are no part of this: medians. */
async function alone(pid, helpers, { roundMs }) {
  const rounds = [];
  const taken = () => [cpuMs(pid), machineCpuMs(), ownMs() + helpers.reduce((sum, helper) => sum + cpuMs(helper), 0)];
  for (let round = 0; round < ROUNDS; round += 1) {
    const [before, began] = [taken(), performance.now()];
    await pause(roundMs);
    const wallMs = performance.now() - began;
    const [server, machine, own] = taken().map((ms, at) => (ms - before[at]) / wallMs);
    rounds.push({ cores: server, others: Math.max(0, machine - server - own) });
  }
  return { cores: median(rounds.map(round => round.cores)), others: median(rounds.map(round => round.others)) };
}

function ownMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** How long answers take, in milliseconds; also those that fail, which are counted. */
async function asked(url, { query, series }, { queries, betweenMs }) {
  const [times, end] = [[], performance.now() + MAX_QUERIES_MS];
  let failed = 0;
  while (times.length < queries && performance.now() < end) {
    await pause(betweenMs);
    const began = performance.now();
    const count = await seriesOf(`${url}/api/v1/query?${new URLSearchParams({ query })}`);
    times.push(performance.now() - began);
    // Also an answer without all series, so that no server looks fast for what it lacks.
    if (count !== series) failed += 1;
  }
  return { times, failed };
}

/** How many series an answer has; none if there is no answer. */
async function seriesOf(url) {
  try {
    const answer = await (await fetch(url, { signal: AbortSignal.timeout(MAX_QUERY_MS) })).json();
    return answer.data?.result.length;
  } catch {
    return undefined;
  }
}
