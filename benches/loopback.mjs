//! What a benchmark needs on loopback: files for a browser, a replayed engine, the companion; each with its own `stop`.
import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { gunzipSync } from "node:zlib";

const TYPES = { ".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

/** Serves `folders`, from path prefix to folder, and an empty page that links `stylesheet` elsewhere. */
export function files(folders, stylesheet) {
  const blank = `<!doctype html><link rel="stylesheet" href="${stylesheet}"><body style="margin: 0">`;
  return listen((request, response) => {
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
  let scrapes = 0;
  return listen((_, response) => {
    response.setHeader("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    response.end(pages[scrapes++ % pages.length]);
  });
}

async function listen(answer) {
  const server = createServer(answer);
  await new Promise((done, fail) => server.on("error", fail).listen(0, "127.0.0.1", done));
  const stop = () => server.close().closeAllConnections();
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

/** Starts `program` as the companion on a free port; resolves as soon as it says where it listens. */
export async function companion(program, flags) {
  const child = spawn(program, ["--listen", "127.0.0.1:0", ...flags], { stdio: ["ignore", "pipe", "pipe"] });
  const kill = () => child.kill();
  // A benchmark that fails leaves no server behind.
  process.once("exit", kill);
  const ended = new Promise(done => child.on("close", done));
  const stop = async () => {
    process.off("exit", kill);
    kill();
    await ended;
  };
  let said = "";
  const url = new Promise((done, fail) => {
    const hear = text => {
      said += text;
      const address = said.match(/Inferboard is at (\S+)\n/);
      if (address) done(address[1]);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("error", fail);
    child.on("close", () => fail(new Error(`the companion ended early:\n${said}`)));
  });
  return { url: await url, stop };
}
