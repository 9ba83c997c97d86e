//! Runs in the browser: the same lines drawn by our code and by uPlot in turns, timed with and without their pixels.
import init, { Lines } from "/ours/draw.js";
import uPlot from "/uplot/uPlot.esm.js";

const [WIDTH, HEIGHT, LINES] = [1000, 420, 5];
const COLOURS = ["#2f6feb", "#e08a1e", "#12938b", "#a4429c", "#7a8b12"];
const START_MS = Date.UTC(2026, 0, 1);
const SPAN_MS = 6 * 3_600_000;
const WARM_UPS = 5;

/**
 * Milliseconds of each of `runs` draws of `points` points a line:
 * `{ script: { ours, theirs }, pixels: { ours, theirs } }`, where `pixels` waits until they are painted.
 */
export async function measure(points, runs) {
  await init();
  const { times, lines } = data(points);
  const drawers = { ours: ours(times, lines), theirs: theirs(times, lines) };
  const figures = {};
  for (const kind of ["script", "pixels"]) {
    figures[kind] = { ours: [], theirs: [] };
    for (let run = -WARM_UPS; run < runs; run += 1) {
      for (const [name, drawer] of Object.entries(drawers)) {
        const took = await timed(drawer, kind === "pixels");
        if (run >= 0) figures[kind][name].push(took);
      }
    }
  }
  document.body.replaceChildren();
  return figures;
}

async function timed({ draw, canvas }, isForced) {
  const context = canvas.getContext("2d");
  // What earlier draws left to paint is painted outside the time taken.
  await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  const start = performance.now();
  draw();
  // uPlot draws in a microtask that it queues, before this one.
  await null;
  if (isForced) context.getImageData(0, 0, 1, 1);
  return performance.now() - start;
}

function ours(times, lines) {
  const canvas = document.createElement("canvas");
  canvas.style.cssText = `display: block; width: ${WIDTH}px; height: ${HEIGHT}px`;
  document.body.append(canvas);
  const values = new Float64Array(lines.flatMap(line => [...line]));
  const graph = new Lines(canvas, times, values);
  const draw = () => {
    if (!graph.draw(WIDTH, HEIGHT)) throw new Error("our code could not draw");
  };
  return { draw, canvas };
}

function theirs(times, lines) {
  const options = {
    width: WIDTH,
    height: HEIGHT,
    ms: 1,
    legend: { show: false },
    cursor: { show: false },
    // Ours has no vertical grid lines.
    axes: [{ grid: { show: false } }, {}],
    series: [{}, ...COLOURS.map(stroke => ({ stroke, width: 1.5 }))],
  };
  const aligned = [times, ...lines];
  const plot = new uPlot(options, aligned, document.body);
  return { draw: () => plot.setData(aligned), canvas: plot.ctx.canvas };
}

/** Latencies that wander and jitter, the same at every call. */
function data(points) {
  let state = 1;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const times = Float64Array.from({ length: points }, (_, at) => Math.round(START_MS + (at * SPAN_MS) / points));
  const lines = Array.from({ length: LINES }, (_, line) => {
    let level = 0.2 * (line + 1);
    return Float64Array.from({ length: points }, () => {
      level = Math.max(0.01, level + (random() - 0.5) * 0.01);
      return level * (1 + 0.05 * random());
    });
  });
  return { times, lines };
}
