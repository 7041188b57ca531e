// The Pareto explorer: points of the chart and rows of the table are one selection.

import { get, of, post } from "../api.js";
import { button, el, fill } from "../dom.js";
import { figure } from "../figures.js";
import { throttled } from "../live.js";
import { table } from "../table.js";
import { count, number } from "../words.js";
import { escaped } from "./trial.js";
import { columnsOf } from "./trials.js";

// As the figure "pareto" draws them.
const LOOKS = {
  other: { name: "dominated", symbol: "circle", size: 6, color: "#2a7fc4", opacity: 0.6 },
  broken: { name: "breaks a constraint", symbol: "diamond-open", size: 7, color: "#7d8794", opacity: 0.9 },
  front: { name: "Pareto front", symbol: "diamond", size: 9, color: "#d9601a", opacity: 1 },
};

export function frontTab({ place, study }) {
  const { title, info } = study;
  const metrics = info.objective.names;
  let data = null;
  let axes = [0, 1];
  let ended = false;
  let chosen = []; // numbers of trials

  const pickers = metrics.length > 2 && axes.map((_, place_) => axis(place_));
  const says = el("p", { class: "small", role: "status" });
  const clear = button("Clear selection", () => choose([], true), { kind: "quiet" });
  const chart = figure({
    title: "Front",
    width: "wide-7 sticky",
    size: "tall",
    tools: pickers || null,
    layout: { dragmode: "select", hovermode: "closest" },
    ready: listen,
  });
  const grid = table({
    caption: "Trials of the front, or those selected in the chart",
    columns: columnsOf(info).filter((c) => ["number", "state"].includes(c.key) || metrics.includes(c.label) || c.key.startsWith("param:")).filter((c) => c.key !== "state"),
    sort: `metric:${metrics[0]}`,
    descending: info.objective.directions[0] === "maximize",
    limit: 14,
    load: (query) => post(of(title, "table"), { ...query, numbers: shown() }),
    open: (n) => (window.location.hash = `${study.home}/trials/${n}`),
    selected: (set) => mark([...set]),
  });
  const hypervolume = info.figures.some((f) => f.name === "hypervolume" && !f.why_not) ? figure({ title: "Hypervolume over trials", address: () => of(title, "figures", "hypervolume") }) : null;
  fill(
    place,
    el(
      "div",
      { class: "grid" },
      chart.node,
      el(
        "section",
        { class: "card wide-5", "aria-labelledby": "front-title" },
        el("header", {}, el("h2", { id: "front-title" }, "Trials"), clear),
        el("div", { class: "body" }, says, el("p", { class: "soft tiny" }, "Drag over the chart to list those points, click one to add it; tick rows to mark them in the chart.")),
        grid.node,
      ),
      hypervolume?.node,
    ),
  );

  function axis(at) {
    const node = el("select", { "aria-label": at === 0 ? "Horizontal axis" : "Vertical axis", class: "slim" }, metrics.map((m) => el("option", {}, m.slice(0, 60))));
    node.selectedIndex = axes[at];
    node.addEventListener("change", () => {
      axes[at] = node.selectedIndex;
      draw();
    });
    return node;
  }

  /** The numbers in the table: the chart's selection, or the front. */
  function shown() {
    if (chosen.length) return chosen;
    return data ? data.numbers.filter((_, k) => data.on_front[k]).slice(0, 2000) : [];
  }

  function say() {
    fill(says, chosen.length ? `${count(chosen.length)} selected in the chart` : [`${count(shown().length)} on the front`, data?.knee !== null && data?.knee !== undefined && [", a balanced choice is ", el("a", { href: `${study.home}/trials/${data.knee}` }, `trial ${count(data.knee)}`)], data && data.shown < data.total && el("span", { class: "soft" }, ` · the chart shows ${count(data.shown)} of ${count(data.total)}`)]);
    clear.hidden = chosen.length === 0 && grid.chosen.size === 0;
  }

  const kindOf = (k) => (data.on_front[k] ? "front" : data.feasible[k] === false ? "broken" : "other");

  function draw() {
    if (!data) return;
    const groups = { other: [], broken: [], front: [] };
    data.numbers.forEach((_, k) => groups[kindOf(k)].push(k));
    groups.front.sort((a, b) => data.values[a][axes[0]] - data.values[b][axes[0]]);
    const traces = Object.entries(groups)
      .filter(([, list]) => list.length)
      .map(([key, list]) => ({
        type: "scatter",
        mode: key === "front" && metrics.length === 2 ? "lines+markers" : "markers",
        name: LOOKS[key].name,
        x: list.map((k) => data.values[k][axes[0]]),
        y: list.map((k) => data.values[k][axes[1]]),
        customdata: list.map((k) => data.numbers[k]),
        text: list.map((k) => `<b>trial ${data.numbers[k]}</b><br>${metrics.map((m, i) => `${escaped(m)} ${number(data.values[k][i])}`).join("<br>")}`),
        hovertemplate: "%{text}<extra></extra>",
        line: { color: LOOKS[key].color, width: 1, dash: "dot", shape: "hv" },
        marker: { ...LOOKS[key], name: undefined },
        selected: { marker: { opacity: 1 } },
        unselected: { marker: { opacity: 0.15 } },
        selectedpoints: marked(list),
      }));
    const goal = (i) => (info.objective.directions[axes[i]] === "maximize" ? "higher" : "lower");
    const axisOf = (i) => ({ title: { text: `${escaped(metrics[axes[i]])} (${goal(i)} is better)` } });
    chart.show({ data: traces, layout: { xaxis: axisOf(0), yaxis: axisOf(1), margin: { l: 60, r: 20, t: 40, b: 48 } } }, "No finished trial yet.");
  }

  /** The places in a trace of what is marked; null marks nothing and fades nothing. */
  function marked(list) {
    const wanted = new Set([...chosen, ...grid.chosen]);
    if (wanted.size === 0) return null;
    return list.flatMap((k, at) => (wanted.has(data.numbers[k]) ? [at] : []));
  }

  let heard = false;
  function listen(plot) {
    if (heard) return;
    heard = true;
    plot.on("plotly_selected", (event) => event && choose([...new Set(event.points.map((p) => p.customdata))]));
    plot.on("plotly_deselect", () => choose([], true));
    plot.on("plotly_click", (event) => {
      const n = event.points[0].customdata;
      choose(chosen.includes(n) ? chosen.filter((m) => m !== n) : [...chosen, n]);
    });
  }

  /** Select these points; the table lists them. */
  function choose(numbers, all = false) {
    chosen = numbers;
    if (all) grid.select([]);
    say();
    draw();
    grid.restart();
  }

  /** Rows were ticked: show them in the chart. */
  function mark() {
    say();
    draw();
  }

  const load = throttled(async () => {
    try {
      const next = await get(of(title, "front"));
      if (ended) return;
      data = next;
      say();
      draw();
      grid.reload({ quiet: true });
    } catch (error) {
      if (!ended && !data) chart.show(null, error.message);
    }
  }, 800);
  load();
  return {
    news({ version }) {
      load();
      hypervolume?.refresh(version);
    },
    close() {
      ended = true;
      chart.close();
      hypervolume?.close();
    },
  };
}
