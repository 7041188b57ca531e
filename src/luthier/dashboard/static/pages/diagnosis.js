// What the study says about itself, in words and figures.

import { get, of } from "../api.js";
import { el, fill, name } from "../dom.js";
import { figure } from "../figures.js";
import { throttled } from "../live.js";
import { shares } from "../pairs.js";
import { ago, count } from "../words.js";

export function diagnosisTab({ place, study }) {
  const { title, info } = study;
  let ended = false;
  const leaving = new AbortController();
  const cards = [];
  const words = section("In words", "words-title", "wide-7");
  const metrics = info.objective.names;
  const metric = el("select", { class: "slim", "aria-label": "Metric", on: { change: () => into(importance, mattered(), shares) } }, metrics.map((m) => el("option", {}, m.slice(0, 60))));
  const importance = section("What mattered", "importance-title", "", metrics.length > 1 && metric);
  const mattered = () => `importance?metric=${encodeURIComponent(metrics[metric.selectedIndex])}`;
  const workers = section("Workers", "workers-title", "");
  const chart = (key, width) => {
    const found = info.figures.find((f) => f.name === key && !f.why_not);
    if (!found) return null;
    const card = figure({ title: found.title, address: () => of(title, "figures", key), width });
    cards.push(card);
    return card.node;
  };
  const how = el("p", { class: "soft small" }, el("bdi", {}, info.strategy.words));
  fill(place, how, el("div", { class: "grid" }, words.node, el("div", { class: "column wide-5" }, importance.node, workers.node), chart("timeline", ""), chart("feasibility", "")));

  function section(heading, id, width, tools = null) {
    const body = el("div", { class: "body" }, el("p", { class: "soft" }, "Loading …"));
    return { body, node: el("section", { class: `card ${width}`, "aria-labelledby": id }, el("header", {}, el("h2", { id }, heading), tools), body) };
  }

  async function into(part, path, draw) {
    try {
      const answer = await get(of(title, path), leaving.signal);
      if (!ended) fill(part.body, draw(answer));
    } catch (error) {
      if (!ended) fill(part.body, el("p", { class: "soft" }, error.message));
    }
  }

  function sentences(answer) {
    const item = (row) => el("li", { class: row.concern ? "warn" : "good" }, el("h3", {}, row.heading, row.concern && el("span", { class: "tag concern" }, "look at this")), el("p", {}, el("bdi", {}, row.text)));
    return el("ul", { class: "findings" }, [...answer.rows].sort((a, b) => b.concern - a.concern).map(item));
  }

  function drawWorkers() {
    const list = study.info.workers;
    workers.node.hidden = list.length === 0;
    fill(
      workers.body,
      el(
        "table",
        {},
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Worker"), el("th", { scope: "col", class: "numeric" }, "Runs"), el("th", { scope: "col" }, "Heard of"))),
        el("tbody", {}, list.map((w) => el("tr", {}, el("th", { scope: "row", class: "clip" }, name(w.worker)), el("td", { class: "numeric" }, count(w.n_running)), el("td", { class: w.gone ? "error-text" : "" }, w.gone ? "gone" : w.heard ? ago(w.heard) : "–")))),
      ),
    );
  }

  const lacking = () => study.info.figures.find((f) => f.name === "importance")?.why_not;
  const load = throttled(async () => {
    await into(words, "diagnosis", sentences);
    if (lacking()) fill(importance.body, el("p", { class: "soft" }, lacking()));
    else await into(importance, mattered(), shares);
  }, 5000);
  load();
  drawWorkers();
  return {
    renewed: drawWorkers,
    news({ version }) {
      load();
      for (const card of cards) card.refresh(version);
    },
    close() {
      ended = true;
      leaving.abort();
      for (const card of cards) card.close();
    },
  };
}
