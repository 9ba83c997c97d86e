//! What a benchmark needs on loopback: files for a browser, metrics pages, the companion, a Prometheus; each with its
//! own `stop`.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { gunzipSync } from "node:zlib";

/** What has not ended so long after it was told to is killed. */
const MAX_STOP_MS = 60_000;

const TYPES = { ".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

/**
 * Serves `folders`, from path prefix to folder, and an empty page that links `stylesheet` elsewhere; passes requests for
 * `/api/` on to `behind`.
 */
export function files(folders, stylesheet, behind) {
  const blank = `<!doctype html><link rel="stylesheet" href="${stylesheet}"><body style="margin: 0">`;
  return listen(async (request, response) => {
    if (behind && request.url.startsWith("/api/")) return passOn(request, response, behind, await text(request));
    const prefix = Object.keys(folders).find(prefix => request.url.startsWith(prefix));
    // A page that is isolated from other origins has a clock of 5 µs instead of 100.
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    response.setHeader("Content-Type", prefix ? TYPES[extname(request.url)] : "text/html");
    response.end(prefix ? readFileSync(join(folders[prefix], request.url.slice(prefix.length))) : blank);
  });
}

/** Serves the pages of a recorded session, the next one at each scrape, and then from the first again. */
export function replay(folder) {
  const names = readdirSync(folder).filter(name => name.endsWith(".up.prom.gz"));
  const pages = names.sort().map(name => gunzipSync(readFileSync(join(folder, name))));
  return turning(pages);
}

/** Serves `pages` in turn, the next one at each scrape; `scrapes` counts them by the scraper's program. */
export async function turning(pages) {
  const scrapes = {};
  let turns = 0;
  const served = await listen((request, response) => {
    const program = request.headers["user-agent"]?.split("/")[0].toLowerCase() ?? "";
    scrapes[program] = (scrapes[program] ?? 0) + 1;
    response.setHeader("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    response.end(pages[turns++ % pages.length]);
  });
  return { ...served, scrapes };
}

/** Answers requests on a free port of loopback. */
export async function listen(answer) {
  const server = createServer(answer);
  await new Promise((done, fail) => server.on("error", fail).listen(0, "127.0.0.1", done));
  const stop = () => server.close().closeAllConnections();
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

/** Passes requests on to the companion at `url`, its present being the time that `now` gives in milliseconds. */
export function later(url, now) {
  return listen(async (request, response) => {
    let body = await text(request);
    if (request.url.endsWith("/query") && !new URLSearchParams(body).has("time")) body += `&time=${now() / 1000}`;
    await passOn(request, response, url, body);
  });
}

async function text(request) {
  return Buffer.concat(await request.toArray()).toString();
}

async function passOn(request, response, url, body) {
  const sent = new Set(["host", "origin", "connection", "content-length"]);
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !sent.has(name)));
  const answer = await fetch(new URL(request.url, url), { method: request.method, headers, body: body || undefined });
  response.setHeader("Content-Type", answer.headers.get("content-type") ?? "text/plain");
  response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
}

/** Starts `program` as the companion on a free port; resolves as soon as it says where it listens. */
export async function companion(program, flags) {
  const folder = mkdtempSync(join(tmpdir(), "inferboard-"));
  const listen = ["--listen", "127.0.0.1:0", "--data-dir", join(folder, "data")];
  const { said, pid, stop } = await running(program, [...listen, ...flags], /Inferboard is at (\S+)\n/);
  const stopAndRemove = async () => {
    await stop();
    rmSync(folder, { recursive: true });
  };
  return { url: said, pid, stop: stopAndRemove };
}

/** Starts a Prometheus on a free port that scrapes `instances` each `interval`; resolves once it is ready. */
export async function prometheus(instances, interval) {
  const folder = mkdtempSync(join(tmpdir(), "prometheus-"));
  const global = { scrape_interval: interval, scrape_timeout: interval };
  const jobs = [{ job_name: "pages", static_configs: [{ targets: instances }] }];
  // JSON is YAML.
  writeFileSync(join(folder, "prometheus.yml"), JSON.stringify({ global, scrape_configs: jobs }));
  const flags = [
    `--config.file=${join(folder, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    "--web.listen-address=127.0.0.1:0",
  ];
  const { pid, stop } = await running("prometheus", flags, /(Server is ready) to receive web/);
  const stopAndRemove = async () => {
    await stop();
    rmSync(folder, { recursive: true });
  };
  return { pid, stop: stopAndRemove };
}

// Being interrupted is an end like any other: what was started is ended.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

/**
 * Starts `program`; resolves, with the first group in `said`, when its output matches `pattern`. `output` is what it has
 * written so far.
 */
export async function running(program, flags, pattern) {
  const child = spawn(program, flags, { stdio: ["ignore", "pipe", "pipe"] });
  const kill = () => child.kill("SIGKILL");
  // A benchmark that fails leaves no server behind.
  process.once("exit", kill);
  const ended = new Promise(done => child.on("close", done));
  const stop = async () => {
    child.kill();
    const late = setTimeout(kill, MAX_STOP_MS);
    await ended;
    clearTimeout(late);
    process.off("exit", kill);
  };
  let output = "";
  const said = new Promise((done, fail) => {
    const hear = text => {
      output += text;
      const found = output.match(pattern);
      if (found) done(found[1]);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("error", fail);
    child.on("close", () => fail(new Error(`${program} ended early:\n${output}`)));
  });
  return { said: await said, pid: child.pid, stop, output: () => output };
}
