// All studies of the storage, kept up as they change.

import { get } from "../api.js";
import { button, el, fill, name } from "../dom.js";
import { listen } from "../live.js";
import { stateBar, stateWords } from "../pairs.js";
import { ago, count, moment } from "../words.js";

const MOST = 60; // that can be compared at once
const SORTS = {
  newest: ["Newest first", (a, b) => b.created - a.created],
  name: ["By name", (a, b) => a.name.localeCompare(b.name)],
  trials: ["Most trials", (a, b) => b.n_trials - a.n_trials],
  running: ["Running first", (a, b) => (b.states.RUNNING ?? 0) - (a.states.RUNNING ?? 0) || b.created - a.created],
};

export function studiesPage({ main, about, link, trail }) {
  trail([["Studies"]]);
  let studies = null;
  let sort = "newest";
  let ended = false;
  const chosen = new Set();

  const search = el("input", { type: "search", "aria-label": "Find a study by name", placeholder: "Find a study", on: { input: draw } });
  const order = el("select", { "aria-label": "Order", on: { change: () => ((sort = order.value), draw()) } }, Object.entries(SORTS).map(([key, [text]]) => el("option", { value: key }, text)));
  const compare = button("Compare", () => (window.location.hash = `#/compare/${[...chosen].map(encodeURIComponent).join("/")}`), { kind: "primary" });
  const told = el("span", { class: "soft small", role: "status" });
  const body = el("tbody");
  const list = el("div");
  const every = el("input", { type: "checkbox", "aria-label": "Compare all that are shown", on: { change: pickAll } });
  const box = el(
    "table",
    { class: "roomy" },
    el("caption", { class: "unseen" }, "Studies"),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th", { scope: "col" }, el("span", { class: "unseen" }, "Selected to compare"), every),
        ["Study", "Objective"].map((text) => el("th", { scope: "col" }, text)),
        el("th", { scope: "col", class: "numeric" }, "Trials"),
        el("th", { scope: "col" }, "States"),
        el("th", { scope: "col", class: "numeric" }, "Created"),
      ),
    ),
    body,
  );
  fill(
    main,
    el("div", { class: "head" }, el("div", { class: "head-words" }, el("h1", {}, "Studies"), el("p", { class: "soft" }, about.storage ? ["in ", el("bdi", { class: "mono" }, about.storage)] : "")), el("div", { class: "row" }, search, order, compare)),
    list,
  );
  fill(list, el("p", { class: "soft" }, "Loading …"));

  function row(study) {
    const tick = el("input", { type: "checkbox", "aria-label": `Compare ${study.name.slice(0, 80)}`, on: { change: () => pick(study.name, tick.checked) } });
    tick.checked = chosen.has(study.name);
    const ways = study.objective.names.map((metric, k) => [k > 0 && ", ", study.objective.directions[k], " ", name(metric)]);
    return el(
      "tr",
      {},
      el("td", {}, tick),
      el("th", { scope: "row", class: "clip" }, el("a", { href: `#/study/${encodeURIComponent(study.name)}` }, name(study.name))),
      el("td", { class: "clip soft" }, ways),
      el("td", { class: "numeric" }, count(study.n_trials)),
      el("td", { class: "states" }, stateBar(study.states), el("span", { class: "tiny soft" }, stateWords(study.states))),
      el("td", { class: "numeric soft", title: moment(study.created) }, ago(study.created)),
    );
  }

  function pick(title, on) {
    if (on) chosen.add(title);
    else chosen.delete(title);
    offer();
  }

  function pickAll() {
    for (const { name: title } of visible()) {
      if (every.checked) chosen.add(title);
      else chosen.delete(title);
    }
    draw();
  }

  function visible() {
    const word = search.value.trim().toLowerCase();
    return studies.filter((s) => s.name.toLowerCase().includes(word)).sort(SORTS[sort][1]);
  }

  function offer() {
    const shown = studies ? visible() : [];
    every.checked = shown.length > 0 && shown.every((s) => chosen.has(s.name));
    every.indeterminate = !every.checked && shown.some((s) => chosen.has(s.name));
    compare.disabled = chosen.size < 2 || chosen.size > MOST;
    fill(compare, chosen.size >= 2 ? `Compare ${chosen.size} studies` : "Compare studies");
    compare.title = compare.disabled ? `Select two to ${MOST} studies` : "";
  }

  function draw() {
    if (!studies) return;
    for (const title of [...chosen]) if (!studies.some((s) => s.name === title)) chosen.delete(title);
    offer();
    if (studies.length === 0) {
      fill(list, empty(about));
      return;
    }
    const shown = visible();
    const held = document.activeElement?.closest?.("tr")?.rowIndex;
    const what = document.activeElement?.matches?.("tbody input, tbody a") ? document.activeElement.tagName : null;
    fill(body, shown.map(row));
    if (what) box.rows[held]?.querySelector(what)?.focus();
    fill(told, shown.length === studies.length ? `${count(studies.length)} in all` : `${count(shown.length)} of ${count(studies.length)}`);
    if (!box.isConnected) fill(list, el("div", { class: "card" }, el("div", { class: "table-box" }, box), el("div", { class: "table-foot" }, told)));
  }

  function take(answer) {
    studies = answer.studies;
    draw();
  }

  get("api/studies").then((answer) => !ended && take(answer), (error) => fill(list, el("p", { class: "banner bad", role: "alert" }, error.message)));
  const end = listen("api/events", { change: take, trouble: ({ detail }) => fill(told, detail) }, link);
  offer();
  return {
    close() {
      ended = true;
      end();
    },
  };
}

function empty(about) {
  return el(
    "div",
    { class: "empty" },
    el("h2", {}, "No studies yet"),
    el("p", { class: "soft" }, "They appear here as soon as one is created in this storage:"),
    el("pre", {}, `study = luthier.create_study("my-study", storage="${about.storage ?? "runs.db"}")\nstudy.optimize(objective, n_trials=100)`),
  );
}
