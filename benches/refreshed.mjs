//! Runs in the browser: graphs of uPlot that ask for their lines again and again, and an age that counts the seconds: the
//! least that a page of cards does.
import uPlot from "/uplot/uPlot.esm.js";

const COLOURS = ["#2f6feb", "#e08a1e", "#12938b", "#a4429c", "#7a8b12"];

/** Shows a graph of `size` for each of `asked`, the forms of range queries, and asks anew every `everyS`. */
export function show(asked, [width, height], everyS) {
  document.body.style.cssText = `margin: 0; display: grid; grid-template-columns: repeat(3, ${width}px)`;
  const graphs = asked.map(form => ({ form: new URLSearchParams(form), plot: undefined }));
  const age = document.body.appendChild(document.createElement("span"));
  let newestMs = Date.now();
  const refresh = async () => {
    await Promise.all(graphs.map(graph => draw(graph, [width, height])));
    newestMs = Date.now();
  };
  refresh();
  setInterval(refresh, everyS * 1000);
  setInterval(() => (age.textContent = `${Math.round((Date.now() - newestMs) / 1000)} s ago`), 1000);
}

async function draw(graph, [width, height]) {
  const { form } = graph;
  const moved = Math.floor(Date.now() / 1000 - form.get("end"));
  for (const name of ["start", "end"]) form.set(name, Number(form.get(name)) + moved);
  const answer = await (await fetch("/api/v1/query_range", { method: "POST", body: form })).json();
  const [start, end, step] = ["start", "end", "step"].map(name => Number(form.get(name)));
  const times = Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, at) => start + at * step);
  const lines = answer.data.result.map(({ values }) => {
    const line = Array(times.length).fill(null);
    for (const [time, value] of values) line[Math.round((time - start) / step)] = Number(value);
    return line;
  });
  if (graph.plot?.series.length === lines.length + 1) return graph.plot.setData([times, ...lines]);
  graph.plot?.destroy();
  const series = lines.map((_, at) => ({ label: `line ${at}`, stroke: COLOURS[at % COLOURS.length], spanGaps: false }));
  graph.plot = new uPlot({ width, height, series: [{}, ...series] }, [times, ...lines], document.body);
}
