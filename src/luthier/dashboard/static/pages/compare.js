// Studies beside each other: their incumbents over trials, and their bests.

import { post } from "../api.js";
import { el, fill, name } from "../dom.js";
import { figure } from "../figures.js";
import { stateBar, stateWords, trialLink } from "../pairs.js";
import { count, duration, moment, number, value } from "../words.js";
import { escaped } from "./trial.js";

const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];

export function comparePage({ main, trail, rest }) {
  trail([["Studies", "#/"], ["Compare"]]);
  let ended = false;
  let data = null;
  let by = "trials";
  const axis = el("select", { "aria-label": "Horizontal axis", class: "slim", on: { change: () => ((by = axis.value), draw()) } }, el("option", { value: "trials" }, "by trials"), el("option", { value: "seconds" }, "by time"));
  const chart = figure({ title: "Best so far", size: "tall", tools: axis });
  const told = el("div");
  const place = el("div");
  fill(main, el("div", { class: "head" }, el("div", { class: "head-words" }, el("h1", {}, "Compare studies"), el("p", { class: "soft" }, `${rest.length} studies side by side`))), told, place);

  function draw() {
    if (!data.comparable) {
      fill(told, el("p", { class: "banner", role: "status" }, data.why_not));
    }
    const curves = data.studies.filter((s) => s.curve && s.curve.values.length);
    const traces = curves.map((s, k) => ({
      type: "scatter",
      mode: "lines",
      name: escaped(s.name),
      x: s.curve[by],
      y: s.curve.values,
      line: { shape: "hv", dash: DASHES[k % DASHES.length], width: 2 },
    }));
    const layout = { xaxis: { title: { text: by === "trials" ? "finished trials" : "seconds since the first trial began" } }, yaxis: { title: { text: escaped(data.studies[0].objective.names[0]) } }, showlegend: true, hovermode: "closest", margin: { l: 60, r: 20, t: 40, b: 48 } };
    if (traces.length) chart.show({ data: traces, layout });
    else if (data.figure) chart.show(data.figure);
    else chart.show(null, data.why_not ?? "No results to draw yet.");
  }

  function facts() {
    const list = data.studies;
    const lines = [
      ["Objective", (s) => s.objective.names.map((m, k) => `${s.objective.directions[k]} ${m}`).join(", ")],
      ["Trials", (s) => [count(s.n_trials), el("br"), stateBar(s.states), el("span", { class: "tiny soft" }, stateWords(s.states))]],
      ["Best", (s) => (s.best ? [el("strong", {}, number(s.best.metrics[s.objective.names[0]], 6)), " in ", trialLink(s.name, s.best.number)] : "–")],
      ["Work", (s) => duration(s.cost)],
      ["Created", (s) => moment(s.created)],
    ];
    const keys = [...new Set(list.flatMap((s) => Object.keys(s.best?.params ?? {})))];
    return el(
      "section",
      { class: "card", "aria-labelledby": "facts-title" },
      el("header", {}, el("h2", { id: "facts-title" }, "Side by side")),
      el(
        "div",
        { class: "body flush table-box" },
        el(
          "table",
          {},
          el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Study"), list.map((s) => el("th", { scope: "col", class: "clip" }, el("a", { href: `#/study/${encodeURIComponent(s.name)}` }, name(s.name)))))),
          el("tbody", {}, lines.map(([label, read]) => el("tr", {}, el("th", { scope: "row" }, label), list.map((s) => el("td", {}, read(s)))))),
          keys.length > 0 && el("tbody", {}, el("tr", {}, el("th", { scope: "rowgroup", colspan: list.length + 1, class: "group" }, "Parameters of the best")), keys.map((key) => el("tr", {}, el("th", { scope: "row", class: "clip" }, name(key)), list.map((s) => el("td", { class: "clip" }, s.best && key in s.best.params ? name(value(s.best.params[key], 60)) : "–"))))),
        ),
      ),
    );
  }

  async function load() {
    if (rest.length < 2) {
      fill(place, el("div", { class: "empty" }, el("p", {}, "Select two or more studies in the list to compare them."), el("a", { href: "#/" }, "Studies")));
      return;
    }
    try {
      data = await post("api/compare", { studies: rest });
      if (ended) return;
      fill(place, el("div", { class: "grid" }, chart.node, facts()));
      draw();
    } catch (error) {
      if (!ended) fill(place, el("p", { class: "banner bad", role: "alert" }, error.message));
    }
  }
  load();
  return {
    close() {
      ended = true;
      chart.close();
    },
  };
}
