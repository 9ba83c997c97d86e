//! What a page holds in memory after a day of refreshes, its clock a minute further each time: `node benches/day.mjs`.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { CHROMIUM, withBarePage } from "./browser.mjs";
import { later, running } from "./loopback.mjs";
import { kilo, table } from "./table.mjs";

const SERVER = process.env.INFERBOARD_SERVER;
const SESSION = fileURLToPath(new URL("../tests/fixtures/vllm-0.32-session", import.meta.url));
const KEPT = /^vllm:(num_requests|kv_cache|\w+_tokens_total|request_success|(e2e_request_latency|time_to_first_token)_s)/;
const MINUTE_MS = 60_000;
const MINUTES = 1440;
// The page shows an hour, and begins when there is one.
const BEFORE = 60;
const SEEN_AT = [60, 360, 720, 1080, 1440];
const WINDOW = { width: 1400, height: 2000 };

console.log(`\nA page's memory over a day of ${MINUTES} refreshes`);
if ([SERVER, CHROMIUM].every(path => path && existsSync(path))) await measure();
else console.log("  skipped: the companion (INFERBOARD_SERVER) or Chromium is absent");

async function measure() {
  const folder = mkdtempSync(join(tmpdir(), "inferboard-"));
  const data = ["--data-dir", join(folder, "data")];
  const startMs = Math.floor(Date.now() / MINUTE_MS - MINUTES - BEFORE - 1) * MINUTE_MS;
  writeFileSync(join(folder, "day.txt"), history(startMs / 1000));
  execFileSync(SERVER, ["import", join(folder, "day.txt"), ...data]);
  const served = await running(SERVER, ["--listen", "127.0.0.1:0", "--no-discovery", ...data], /Inferboard is at (\S+)\n/);
  const clock = { ms: startMs + BEFORE * MINUTE_MS };
  const own = await later(served.said, () => clock.ms);
  try {
    const rows = await withBarePage(WINDOW, send => watch(send, own.url, clock));
    table([["after", "renderer, KB", "JavaScript, KB", "wasm, KB", "elements", "listeners", "requests"], ...rows]);
  } finally {
    own.stop();
    await served.stop();
    rmSync(folder, { recursive: true });
  }
}

async function watch(send, url, clock) {
  await send("Page.enable");
  await send("Page.addScriptToEvaluateOnNewDocument", { source: `(${setClock})(${clock.ms})` });
  await send("Page.navigate", { url: `${url}?section=requests&from=now-1h&every=1m` });
  const rows = [];
  for (let minute = 0; minute <= MINUTES; minute += 1) {
    await run(send, `(${pass})(${clock.ms}, ${minute})`);
    clock.ms += MINUTE_MS;
    if (SEEN_AT.includes(minute)) rows.push([`${minute / 60} h`, ...(await held(send))]);
  }
  return rows;
}

/** The value of a promise in the page. */
async function run(send, expression) {
  const { result, exceptionDetails } = await send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
  return result.value;
}

/** What the page holds once what it no longer needs is gone. */
async function held(send) {
  await send("HeapProfiler.collectGarbage");
  const { processInfo } = await send("SystemInfo.getProcessInfo");
  const renderers = processInfo.filter(({ type }) => type === "renderer");
  const anonymous = ({ id }) => Number(readFileSync(`/proc/${id}/status`, "utf8").match(/RssAnon:\s+(\d+)/)[1]) * 1024;
  // A spare process that the browser keeps for the next page is smaller.
  const renderer = Math.max(...renderers.map(anonymous));
  const { usedSize } = await send("Runtime.getHeapUsage");
  const { nodes, jsEventListeners } = await send("Memory.getDOMCounters");
  const [wasm, asked] = await run(send, "Promise.resolve([wasmMemory.buffer.byteLength, begun])");
  return [...[renderer, usedSize, wasm].map(kilo), ...[nodes, jsEventListeners, asked].map(String)];
}

/** Runs in the page before its own scripts: gives it a clock that only `pass` moves, and sees its requests and memory. */
function setClock(startMs) {
  globalThis.clockMs = startMs;
  Date.now = () => globalThis.clockMs;
  // The page looks whether a refresh is due four times a second: here without making anybody wait.
  const interval = globalThis.setInterval;
  globalThis.setInterval = (act, ms, ...given) => interval(act, ms / 50, ...given);
  globalThis.inFlight = 0;
  globalThis.begun = 0;
  const own = globalThis.fetch;
  globalThis.fetch = (...given) => {
    globalThis.inFlight += 1;
    globalThis.begun += 1;
    return own(...given).finally(() => (globalThis.inFlight -= 1));
  };
  const instantiate = WebAssembly.instantiateStreaming;
  WebAssembly.instantiateStreaming = async (...given) => {
    const made = await instantiate(...given);
    globalThis.wasmMemory = made.instance.exports.memory;
    return made;
  };
}

/** Runs in the page: moves its clock, and waits for a refresh to have come and gone. */
async function pass(nowMs, minute) {
  const frame = () => new Promise(done => requestAnimationFrame(done));
  const before = minute === 0 ? 0 : globalThis.begun;
  globalThis.clockMs = nowMs;
  while (globalThis.begun === before) await frame();
  for (let quiet = 0; quiet < 3; quiet = globalThis.inFlight === 0 ? quiet + 1 : 0) await frame();
}

/** A day and an hour of the recorded session, a page of it each minute and then from the first again, as OpenMetrics. */
function history(start) {
  const names = readdirSync(SESSION).filter(name => name.endsWith(".up.prom.gz"));
  const pages = names.sort().map(name => {
    const lines = gunzipSync(readFileSync(join(SESSION, name))).toString().split("\n");
    return new Map(lines.filter(line => KEPT.test(line)).map(line => line.match(/^(.*) (\S+)$/).slice(1)));
  });
  const series = [...new Set(pages.flatMap(page => [...page.keys()]))].sort();
  const lines = [];
  const line = (name, value, minute) => lines.push(`${name} ${value} ${start + minute * 60}`);
  const own = 'model="model",replica="r1",instance="10.0.0.1:8000"';
  for (const name of series) {
    const labelled = name.replace("{", `{${own},`);
    for (let minute = 0; minute <= MINUTES + BEFORE; minute += 1) {
      const value = pages[minute % pages.length].get(name);
      if (value !== undefined) line(labelled, value, minute);
    }
  }
  for (let minute = 0; minute <= MINUTES + BEFORE; minute += 1) line(`up{${own}}`, 1, minute);
  return `${lines.join("\n")}\n# EOF\n`;
}
