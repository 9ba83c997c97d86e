//! The companion and its two peers over folders of their own: how each is started, how it is fed, what it takes.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { running } from "./loopback.mjs";

/** What each server is called in tables, and by its program. */
export const SERVERS = { ours: "ours", prometheus: "Prometheus", "victoria-metrics": "VictoriaMetrics" };

/** How long VictoriaMetrics gets to merge what it was given. */
const MERGE_MS = 10_000;

/** Which of `SERVERS` are here; `companion` is the path of ours. */
export function installed(companion) {
  const has = program => spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined;
  return Object.keys(SERVERS).filter(name => has(name === "ours" ? (companion ?? "absent") : name));
}

/** Starts the server of that name over `folder`, scraping `targets` (hosts with ports) each `interval` where given. */
export async function serving(name, folder, { companion, targets = [], interval = "15s" }) {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const began = performance.now();
  const started = await starting(name, folder, { address, companion, targets, interval });
  const url = `http://${address}`;
  const isUp = () => fetch(`${url}/api/v1/query?query=1`).then(answer => answer.ok, () => false);
  while (!(await isUp())) await new Promise(done => setTimeout(done, 5));
  return { ...started, url, address, startMs: performance.now() - began };
}

function starting(name, folder, { address, companion, targets, interval }) {
  const data = join(folder, "data");
  // JSON is YAML.
  const jobs = targets.length === 0 ? [] : [{ job_name: "pages", static_configs: [{ targets }] }];
  const scraping = { global: { scrape_interval: interval, scrape_timeout: interval }, scrape_configs: jobs };
  const config = join(folder, "scrape.yml");
  writeFileSync(config, JSON.stringify(scraping));
  switch (name) {
    case "ours": {
      const flags = targets.flatMap(target => ["--target", `http://${target}`]);
      const kept = ["--data-dir", data, "--retention", "100y", "--no-discovery", "--scrape-interval", interval];
      return running(companion, ["--listen", address, ...kept, ...flags], /(Inferboard is at)/);
    }
    case "prometheus": {
      const flags = [`--config.file=${config}`, `--storage.tsdb.path=${data}`, "--storage.tsdb.retention.time=100y"];
      return running("prometheus", [...flags, `--web.listen-address=${address}`], /(Server is ready) to receive web/);
    }
    default: {
      const flags = [`-storageDataPath=${data}`, `-httpListenAddr=${address}`, `-promscrape.config=${config}`];
      const asked = ["-retentionPeriod=100y", "-search.latencyOffset=0s", "-search.disableCache"];
      return running("victoria-metrics", [...flags, ...asked], /(started VictoriaMetrics)/);
    }
  }
}

async function freePort() {
  const server = createServer();
  await new Promise((done, fail) => server.on("error", fail).listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise(done => server.close(done));
  return port;
}

/**
 * Gives `days` of the fleet to a server by the program `fleet`, with its `flags`; what that prints. Only VictoriaMetrics is
 * running.
 */
export function fed(fleet, name, place, days, flags = []) {
  const output = execFileSync(fleet, [name, place, String(days), ...flags], { stdio: ["ignore", "pipe", "inherit"] });
  return JSON.parse(output);
}

/** Fills a server's folder with `days` of the fleet; what that took. */
export async function filled(name, folder, { fleet, days, flags }) {
  const data = join(folder, "data");
  if (name !== "victoria-metrics") return fed(fleet, name, data, days, flags);
  const server = await serving(name, folder, {});
  const taken = fed(fleet, name, server.address, days, flags);
  const { peak } = memory(server.pid);
  await fetch(`${server.url}/internal/force_merge`);
  await new Promise(done => setTimeout(done, MERGE_MS));
  await server.stop();
  return { ...taken, peak };
}

/** Most and present memory of a process, in bytes. */
export function memory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const bytes = field => Number(status.match(new RegExp(`${field}:\\s+(\\d+) kB`))[1]) * 1024;
  return { peak: bytes("VmHWM"), now: bytes("VmRSS") };
}

const TICKS_PER_S = Number(execFileSync("getconf", ["CLK_TCK"]));

/** CPU time of a process so far: fields 14 and 15 of its `stat` (proc_pid_stat(5)), its name skipped. */
export function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_S) * 1000;
}

/** CPU time that all programs of the machine have had so far: the first fields of `/proc/stat` (proc_stat(5)) but idle. */
export function machineCpuMs() {
  const [user, nice, system, , , irq, softirq] = readFileSync("/proc/stat", "utf8").match(/\d+/g).map(Number);
  return ((user + nice + system + irq + softirq) / TICKS_PER_S) * 1000;
}

/** The files below `folder`. */
function filesOf(folder) {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true }).map(name => join(folder, name));
  return names.filter(path => statSync(path).isFile());
}

/** Bytes of the files below `folder`, or of those whose path matches. */
export function bytesOf(folder, pattern = /./) {
  return filesOf(folder)
    .filter(path => pattern.test(path))
    .reduce((sum, path) => sum + statSync(path).size, 0);
}

/** Asks the kernel to forget what it has in memory of the files below `folder`. */
export function forget(folder) {
  for (const path of filesOf(folder)) {
    spawnSync("dd", [`if=${path}`, "iflag=nocache", "count=0"], { stdio: "ignore" });
  }
}

/** How busy the machine is, in words. */
export function load() {
  const [one, five] = readFileSync("/proc/loadavg", "utf8").split(" ");
  return `load of the machine ${one} over a minute, ${five} over five`;
}
