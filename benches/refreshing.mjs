//! What refreshing costs the browser: pages of cards, and beside them the least that does the same with uPlot.
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PACKAGES, withBrowser } from "./browser.mjs";
import { openCards } from "./cards.mjs";
import { files } from "./loopback.mjs";

const WATCHED_MS = 30_000;
const SETTLING_MS = 10_000;
const RANGE_S = 15 * 60;

/** The share of a core and the longest task of both while cards of the companion at `url` refresh every `everyS`. */
export async function refreshing(url, everyS) {
  const asked = [];
  const ours = await withBrowser(async browser => {
    const { pages, count } = await openCards(browser, { url, everyS });
    const hear = page => {
      const forms = new Map();
      page.on("request", request => {
        if (!request.url().endsWith("/query_range")) return;
        const form = new URLSearchParams(request.postData());
        // What happened is no graph of its own.
        if (!form.get("query").includes("process_start_time_seconds")) forms.set(form.get("query"), form);
      });
      asked.push(forms);
    };
    pages.forEach(hear);
    const size = await pages[0].locator(".stage canvas").first().boundingBox();
    return { count, size, ...(await watched(browser, pages)) };
  });
  const folders = { "/uplot/": join(PACKAGES, "uplot/dist"), "/benches/": fileURLToPath(new URL(".", import.meta.url)) };
  const served = await files(folders, "/uplot/uPlot.min.css", url);
  try {
    const theirs = await withBrowser(async browser => {
      const pages = [];
      for (const forms of asked) {
        const page = await browser.newPage({ viewport: { width: 1400, height: 6000 } });
        await page.goto(served.url);
        const show = given => import("/benches/refreshed.mjs").then(module => module.show(...given));
        await page.evaluate(show, [[...forms.values()].map(whole), [ours.size.width, ours.size.height], everyS]);
        pages.push(page);
      }
      await pause(SETTLING_MS);
      return watched(browser, pages);
    });
    return { ours, theirs: { ...theirs, count: asked.reduce((sum, forms) => sum + forms.size, 0) } };
  } finally {
    served.stop();
  }
}

/** The form of a query over all of its range, as a page asks that does not keep what it has. */
function whole(form) {
  form.set("start", form.get("end") - RANGE_S);
  return form.toString();
}

async function watched(browser, pages) {
  const longest = () => {
    globalThis.longTasksMs = [];
    const note = list => globalThis.longTasksMs.push(...list.getEntries().map(task => task.duration));
    new PerformanceObserver(note).observe({ type: "longtask" });
  };
  let answers = 0;
  for (const page of pages) {
    await page.evaluate(longest);
    page.on("requestfinished", () => (answers += 1));
  }
  const system = await browser.newBrowserCDPSession();
  const spentS = async () => {
    const { processInfo } = await system.send("SystemInfo.getProcessInfo");
    return processInfo.filter(({ type }) => type === "renderer").reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  };
  const before = await spentS();
  await pause(WATCHED_MS);
  const cpuShare = (((await spentS()) - before) * 1000) / WATCHED_MS;
  const tasksMs = [];
  for (const page of pages) tasksMs.push(...(await page.evaluate(() => globalThis.longTasksMs)));
  return { cpuShare, longestMs: Math.max(0, ...tasksMs), answers };
}
