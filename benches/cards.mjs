//! Pages that show 24 cards: two, as no section has so many.
import { setTimeout as pause } from "node:timers/promises";
import { firstGraph } from "./browser.mjs";

/** How many there are in all. */
export const CARDS = 24;
const REFRESHES_FIRST = 2;
// Every card of the section is in sight: the others ask for nothing.
const WINDOW = { width: 1400, height: 6000 };

/** Opens all cards of the engine, and so many of the requests, refreshing every `every_s`; `watch` is called with each page. */
export async function openCards(browser, { url, everyS, watch = () => {} }) {
  const context = await browser.newContext({ viewport: WINDOW });
  const open = async (section, wants) => {
    const page = await context.newPage();
    await watch(page);
    await firstGraph(page, `${url}?section=${section}&from=now-15m&every=${everyS}s`);
    await page.click("[data-testid=customize]");
    for (const box of await page.locator("dialog[open] li input[type=checkbox]").all()) {
      const more = wants - (await shown(page));
      if (more !== 0) await box.setChecked(more > 0);
    }
    await page.keyboard.press("Escape");
    return page;
  };
  const engine = await open("engine", CARDS);
  const requests = await open("requests", CARDS - (await shown(engine)));
  await pause(REFRESHES_FIRST * everyS * 1000);
  return { pages: [engine, requests], count: (await shown(engine)) + (await shown(requests)) };
}

function shown(page) {
  return page.locator("section.card[data-graph]").count();
}
