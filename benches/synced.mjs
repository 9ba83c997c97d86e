//! Runs in the browser: graphs of uPlot with one cursor, as many and as large as the cards of a page.
import uPlot from "/uplot/uPlot.esm.js";

const [GRAPHS, LINES, POINTS] = [9, 5, 240];
const [WIDTH, HEIGHT] = [440, 240];

/** Shows them in three columns. */
export function show() {
  document.body.style.cssText = `margin: 0; display: grid; grid-template-columns: repeat(3, ${WIDTH}px)`;
  const times = Array.from({ length: POINTS }, (_, at) => 1_700_000_000 + at * 4);
  const lines = Array.from({ length: LINES }, (_, line) => times.map(time => line + Math.sin(time / 40)));
  const series = [{}, ...lines.map((_, line) => ({ label: `line ${line}`, stroke: "#2f6feb" }))];
  for (let graph = 0; graph < GRAPHS; graph += 1) {
    const cursor = { sync: { key: "all" } };
    new uPlot({ width: WIDTH, height: HEIGHT, cursor, series }, [times, ...lines], document.body);
  }
}
