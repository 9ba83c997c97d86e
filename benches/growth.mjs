//! How the costs of the companion and of both peers grow: with targets, series, labels, series that are over, and days.
//! `node benches/growth.mjs PROGRAMS [OPTION…] [AXIS[=SIZE,…]…]` with the folder of the built programs `fleet` and `targets`;
//! without an axis, all of them. Options: `--quick`, `--servers=ours,prometheus`, and `--settle=1800` for so many seconds
//! of scraping before the first figure.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { QUICK, UNHURRIED, loaded, refused } from "./loaded.mjs";
import { aged, over } from "./past.mjs";
import { SERVERS, installed, load } from "./servers.mjs";
import { table } from "./table.mjs";
import { targets } from "./targets.mjs";

const COMPANION = process.env.INFERBOARD_SERVER;
const { values: OPTIONS, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean" }, servers: { type: "string" }, settle: { type: "string" } },
});
const [PROGRAMS, ...WANTED] = positionals;
const PACE = { ...(OPTIONS.quick ? QUICK : UNHURRIED) };
if (OPTIONS.settle) PACE.warmUpMs = Number(OPTIONS.settle) * 1000;
const INTERVAL_MS = 5_000;
/** Whatever happens, it ends after so long, unless it is to settle for longer. */
const MAX_MINUTES = OPTIONS.settle ? Infinity : OPTIONS.quick ? 15 : 120;
/** Of a series without added ones, about: name, model, engine, route. */
const LABEL_BYTES = 60;

const mega = bytes => (bytes / 1e6).toFixed(0);
const whole = number => number.toFixed(0);
const tenths = number => number.toFixed(1);
const cores = number => number.toFixed(3);

/** What figures are called, and how they are written; `grows` where an exponent says something. */
const FIGURES = {
  cores: { title: "cores, scraping alone", write: cores, grows: true },
  now: { title: "memory, MB", write: mega, grows: true },
  most: { title: "most memory, MB", write: mega, grows: true },
  liveMedian: { title: "live query's median, ms", write: tenths, grows: true },
  liveP95: { title: "live query's p95, ms", write: tenths, grows: true },
  smallMedian: { title: "one target's query, median, ms", write: tenths, grows: true },
  smallP95: { title: "one target's query, p95, ms", write: tenths, grows: true },
  failed: { title: "queries failed", write: whole },
  missed: { title: "scrapes missed", write: whole },
  late: { title: "scrapes later than 100 ms", write: whole },
  p99: { title: "lateness, p99, ms", write: tenths },
  max: { title: "lateness, most, ms", write: tenths },
  logged: { title: "lines logged", write: whole, grows: true },
  startMs: { title: "start until it answers, ms", write: whole, grows: true },
  labelsMs: { title: "a label's values, ms", write: tenths, grows: true },
  hourMs: { title: "query of the last hour, ms", write: tenths, grows: true },
  allMs: { title: "query of all days, ms", write: tenths, grows: true },
  others: { title: "cores of other programs", write: cores },
};

/** What grows, to which sizes, and how a server is measured at one of them. */
const AXES = {
  targets: {
    title: "Targets of 500 series each, scraped every 5 s",
    sizes: OPTIONS.quick ? [20, 200, 1000] : [20, 200, 600, 1000, 2000],
    measure: (name, count) => underLoad(name, { count }),
  },
  series: {
    title: "Series of each of 200 targets",
    sizes: [500, 5000],
    measure: (name, series) => underLoad(name, { count: 200, series }),
  },
  labels: {
    title: "Bytes of labels of each series, of 200 targets with 500 series each",
    sizes: [LABEL_BYTES, 10 * LABEL_BYTES],
    measure: (name, bytes) => underLoad(name, { count: 200, labelBytes: bytes - LABEL_BYTES }),
  },
  refusing: {
    title: "Targets that all refuse the connection",
    sizes: [100, 1000],
    measure: underRefusals,
  },
  past: {
    title: "Series that are over, of a day, with none alive",
    sizes: [0, 30_000, 300_000],
    measure: (name, series) => over(name, { companion: COMPANION, fleet: join(PROGRAMS, "fleet"), series }),
  },
  days: {
    title: "Days of 2,000 series each 60 s",
    sizes: [1, 10],
    measure: (name, days) => aged(name, { companion: COMPANION, fleet: join(PROGRAMS, "fleet"), days }),
  },
};

console.log("\nHow costs grow, beside peers");
const present = installed(COMPANION);
const names = OPTIONS.servers?.split(",") ?? Object.keys(SERVERS).filter(name => present.includes(name));
if (!PROGRAMS || !existsSync(join(PROGRAMS, "targets")) || !names.every(name => present.includes(name))) {
  console.log("  skipped: the programs (an argument), the companion (INFERBOARD_SERVER) or a server is absent");
  process.exit();
}
for (const name of Object.keys(SERVERS).filter(name => !present.includes(name))) {
  console.log(`  skipped: ${name} is not installed`);
}
if (MAX_MINUTES < Infinity) {
  setTimeout(() => {
    console.log(`  ended early, after ${MAX_MINUTES} minutes`);
    process.exit(1);
  }, MAX_MINUTES * 60_000).unref();
}
const measured = new Map();
for (const wanted of WANTED.length > 0 ? WANTED : OPTIONS.quick ? ["targets"] : Object.keys(AXES)) {
  const [axis, ...sizes] = wanted.split(/[=,]/);
  await measure(AXES[axis], sizes.map(Number));
}
console.log("\n  ^ is the exponent since the size above, and in the last row of a figure that from the first size to the last:");
console.log(`  0 costs the same, 1 grows in proportion. Cores and times are medians, or what they say. ${load()}`);
process.exit();

/** Prints what all servers take along an axis, at its own sizes unless others are wanted. */
async function measure({ title, sizes: usual, measure }, wanted) {
  const sizes = wanted.length > 0 ? wanted : usual;
  const figures = Object.fromEntries(names.map(name => [name, []]));
  console.log(`\n  ${title}; ${load()}`);
  for (const size of sizes) {
    for (const name of names) figures[name].push(await measure(name, size));
  }
  table(rowsOf(sizes, figures));
}

/** The figures of a server with targets of that shape; the same ones for all axes. */
async function underLoad(name, shape) {
  const key = JSON.stringify([name, { series: 500, labelBytes: 0, ...shape }]);
  if (!measured.has(key)) {
    const served = await targets(join(PROGRAMS, "targets"), { ...shape, intervalMs: INTERVAL_MS });
    try {
      const options = { companion: COMPANION, targets: served, intervalMs: INTERVAL_MS, pace: PACE };
      measured.set(key, await loaded(name, options));
    } finally {
      await served.stop();
    }
  }
  return measured.get(key);
}

/** The figures of a server with so many targets that have just gone. */
async function underRefusals(name, count) {
  const served = await targets(join(PROGRAMS, "targets"), { count, intervalMs: INTERVAL_MS });
  await served.stop();
  return refused(name, { companion: COMPANION, hosts: served.hosts, intervalMs: INTERVAL_MS, pace: PACE });
}

/** A row for each figure and size, with the exponents beside the figures. */
function rowsOf(sizes, figures) {
  const whose = Object.keys(figures);
  const rows = [["", "", ...whose.flatMap(name => [SERVERS[name], "^"])]];
  for (const [figure, { title, write, grows }] of Object.entries(FIGURES)) {
    if (figures[whose[0]][0][figure] === undefined) continue;
    const values = whose.map(name => figures[name].map(taken => taken[figure]));
    sizes.forEach((size, at) => {
      const cells = values.flatMap(own => [write(own[at]), grows && at > 0 ? exponent(own, sizes, at - 1, at) : ""]);
      rows.push([at === 0 ? title : "", size.toLocaleString("en"), ...cells]);
    });
    const last = sizes.length - 1;
    if (grows && last > 1) rows.push(["", "", ...values.flatMap(own => ["", exponent(own, sizes, 0, last)])]);
  }
  return rows;
}

/** The power of the size with which a figure grows from one size to another. */
function exponent(values, sizes, from, to) {
  const power = Math.log(values[to] / values[from]) / Math.log(sizes[to] / sizes[from]);
  return Number.isFinite(power) ? power.toFixed(2) : "–";
}
