//! A companion that scrapes fifty replicas, each of which plays the recorded session.
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { CHROMIUM, PACKAGES } from "./browser.mjs";
import { companion, replay } from "./loopback.mjs";

const SERVER = process.env.INFERBOARD_SERVER;
const SESSION = fileURLToPath(new URL("../tests/fixtures/vllm-0.32-session", import.meta.url));
const SETTLING_MS = 40_000;

/** How many there are, and how often each is scraped. */
export const REPLICAS = 50;
export const INTERVAL_S = 5;

/** Runs `use` with the companion once it has scraped them some times; says so where a program that is needed is absent. */
export async function withReplicas(use) {
  if (![SERVER, CHROMIUM, PACKAGES].every(path => path && existsSync(path))) {
    console.log("  skipped: the companion (INFERBOARD_SERVER), Chromium or playwright-core is absent");
    return;
  }
  const targets = [];
  for (let replica = 0; replica < REPLICAS; replica += 1) targets.push(await replay(SESSION));
  const flags = targets.flatMap(target => ["--target", target.url]);
  const served = await companion(SERVER, [...flags, "--scrape-interval", `${INTERVAL_S}s`, "--no-discovery"]);
  try {
    await pause(SETTLING_MS);
    await use(served);
  } finally {
    await served.stop();
    targets.forEach(target => target.stop());
  }
}
