//! Chromium for the benchmarks: fresh browsers, and the moment at which a page shows its first graph.
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the npm packages of `package.json` are installed. */
export const PACKAGES = fileURLToPath(new URL("../.tools/bench/node_modules", import.meta.url));
/** The browser's program. */
export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

// Chromium refuses to run as root with its sandbox; it is shown only pages of our own.
const FLAGS = ["no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"]
  .concat("disable-component-update", "disable-sync", "disable-dev-shm-usage")
  .map(flag => `--${flag}`);
const PATIENCE_MS = 30_000;

/** Runs `use` with a new browser that has an empty profile, and ends it. */
export async function withBrowser(use) {
  const { chromium } = createRequire(join(PACKAGES, "any"))("playwright-core");
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  try {
    return await use(browser);
  } finally {
    await browser.close();
  }
}

/** Opens `url` and waits for its first graph: when that was seen, in milliseconds since navigation and in Unix time. */
export async function firstGraph(page, url) {
  await page.addInitScript(watchFirstGraph);
  await page.goto(url);
  const seen = () => globalThis.firstGraphMs && [globalThis.firstGraphMs, performance.timeOrigin];
  const handle = await page.waitForFunction(seen, null, { timeout: PATIENCE_MS });
  const [sinceNavigationMs, originMs] = await handle.jsonValue();
  return { sinceNavigationMs, unixMs: originMs + sinceNavigationMs };
}

/** Runs in the page: notes when a live card with data has coloured pixels on its canvas. */
function watchFirstGraph() {
  const isColoured = canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4) {
      const rgb = data.subarray(at, at + 3);
      // Grid and labels are shades of grey.
      if (Math.max(...rgb) - Math.min(...rgb) > 60) return true;
    }
    return false;
  };
  const look = () => {
    const canvases = document.querySelectorAll('.card[data-status=live]:not([data-points="0"]) .stage canvas');
    const isDrawn = [...canvases].some(canvas => canvas.width > 0 && isColoured(canvas));
    // The next callback comes after the frame that shows it.
    requestAnimationFrame(isDrawn ? () => (globalThis.firstGraphMs = performance.now()) : look);
  };
  requestAnimationFrame(look);
}
