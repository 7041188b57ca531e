// Studies beside each other: how they got on, and whether their strategies can be told apart.

import { post } from "../api.js";
import { el, fill, name } from "../dom.js";
import { figure } from "../figures.js";
import { stateBar, stateWords, trialLink } from "../pairs.js";
import { count, duration, moment, number, plural, value } from "../words.js";

const MOST_COLUMNS = 6; // more studies than that are rows of the table

export function comparePage({ main, trail, rest }) {
  trail([["Studies", "#/"], ["Compare"]]);
  let ended = false;
  let data = null;
  const axis = el("select", { "aria-label": "Horizontal axis", class: "slim", on: { change: draw } }, el("option", { value: "figure" }, "by trials"), el("option", { value: "by_time" }, "by work"));
  const chart = figure({ title: "Best so far", size: "tall", tools: axis });
  const ranks = figure({ title: "Mean ranks", width: "wide-5" });
  const words = el("div", { class: "summary stack", role: "status" });
  const place = el("div");
  fill(main, el("div", { class: "head" }, el("div", { class: "head-words" }, el("h1", {}, "Compare studies"), words)), place);
  fill(words, el("p", { class: "soft" }, `${plural(rest.length, "study")} side by side`));

  function draw() {
    if (data.comparable) chart.show(data[axis.value]);
    if (data.ranks) ranks.show(data.ranks);
  }

  function show() {
    fill(words, data.why_not !== null && el("p", { class: "banner" }, data.why_not), data.words.map((text, k) => el("p", { class: k ? "soft" : "" }, el("bdi", {}, text))));
    fill(place, el("div", { class: "grid" }, data.comparable && chart.node, data.statistics && [ranks.node, standings(data.statistics), pairsOf(data.statistics)], facts(data)));
    draw();
  }

  async function load() {
    if (rest.length < 2) {
      fill(place, el("div", { class: "empty" }, el("p", {}, "Select two or more studies in the list to compare them."), el("a", { href: "#/" }, "Studies")));
      return;
    }
    try {
      data = await post("api/compare", { studies: rest });
      if (!ended) show();
    } catch (error) {
      if (!ended) fill(place, el("p", { class: "banner bad", role: "alert" }, error.message));
    }
  }
  load();
  return {
    close() {
      ended = true;
      chart.close();
      ranks.close();
    },
  };
}

function tableCard(title, id, width, head, rows, note = null) {
  return el(
    "section",
    { class: `card ${width}`, "aria-labelledby": id },
    el("header", {}, el("h2", { id }, title)),
    el("div", { class: "body flush" }, el("div", { class: "table-box" }, el("table", {}, head && el("thead", {}, head), rows)), note && el("p", { class: "table-foot" }, note)),
  );
}

const titles = (list) => el("tr", {}, list.map(([text, kind]) => el("th", { scope: "col", class: kind ?? null }, text)));

/** A chance in words: small ones in full, as few digits as say something. */
const chance = (p) => (p === null ? "–" : p < 0.001 ? "< 0.001" : number(p, 2));

function standings({ standings: list, runs, trials, metric, p }) {
  const row = (s) =>
    el(
      "tr",
      {},
      el("th", { scope: "row", class: "clip" }, name(s.name)),
      el("td", { class: "numeric" }, number(s.rank, 3), el("span", { class: "soft tiny" }, ` (${number(s.low, 3)} to ${number(s.high, 3)})`)),
      el("td", { class: "numeric" }, number(s.median, 4)),
      el("td", {}, s.letters),
    );
  const test = p === null ? "" : ` All together (Friedman's test): p = ${chance(p)}.`;
  return tableCard(
    "Strategies",
    "standings-title",
    "wide-7",
    titles([["Strategy"], ["Mean rank (95%)", "numeric"], [`Median ${metric.slice(0, 40)}`, "numeric"], ["Group"]]),
    el("tbody", {}, list.map(row)),
    `${plural(runs, "common run")} of ${plural(trials, "finished trial")}. Strategies that share a letter can't be told apart.${test}`,
  );
}

function pairsOf({ pairs: list }) {
  const row = (q) =>
    el(
      "tr",
      {},
      el("th", { scope: "row", class: "clip" }, name(q.first), el("span", { class: "soft" }, " against "), name(q.second)),
      el("td", { class: "numeric" }, count(q.wins)),
      el("td", { class: "numeric" }, count(q.ties)),
      el("td", { class: "numeric" }, count(q.losses)),
      el("td", { class: "numeric" }, chance(q.p)),
      el("td", {}, q.p === null ? "too few runs" : q.differs ? "yes" : "no"),
    );
  return tableCard(
    "In pairs",
    "pairs-title",
    "",
    titles([["Strategies"], ["Wins", "numeric"], ["Ties", "numeric"], ["Losses", "numeric"], ["p", "numeric"], ["Told apart"]]),
    el("tbody", {}, list.map(row)),
    "Of the first against the second, on common runs. p is of Wilcoxon's test of signed ranks, corrected for all pairs (Holm); below 0.05 they are told apart.",
  );
}

/** What can be said of each study, as [label, study => cell]. */
function linesOf({ studies, equal, statistics }) {
  const some = (key) => studies.some((s) => s[key] !== null && s[key] !== undefined);
  const single = studies.every((s) => s.objective.names.length === 1);
  return [
    ["Strategy", (s) => name(s.strategy)],
    statistics && ["Run", (s) => name(s.run ?? "–")],
    ["Objective", (s) => s.objective.names.map((m, k) => [k > 0 && ", ", s.objective.directions[k], " ", name(m)])],
    ["Trials", (s) => [count(s.n_trials), stateBar(s.states), Object.keys(s.states).length > 1 && el("span", { class: "tiny soft" }, stateWords(s.states))]],
    single && ["Best", (s) => (s.best ? [el("strong", {}, number(s.best.metrics[s.objective.names[0]], 6)), " in ", trialLink(s.name, s.best.number)] : "–")],
    !single && ["On the front", (s) => (s.front === null ? "–" : plural(s.front, "trial"))],
    some("expected") && ["Expected of new data", (s) => (s.expected ? [number(s.expected.mean), el("span", { class: "soft tiny" }, ` (95%: ${number(s.expected.low)} to ${number(s.expected.high)})`)] : "–")],
    equal && [`${single ? "Best" : "Hypervolume"} after ${plural(equal.trials, "trial")}`, (s) => number(s.at_equal, 6)],
    equal && equal.target !== null && [`${single ? "Reached" : "Hypervolume of"} ${number(equal.target)}`, (s) => (s.reached ? `after ${plural(s.reached.trials, "trial")}, ${duration(s.reached.seconds)}` : "–")],
    ["Work", (s) => duration(s.cost)],
    ["Created", (s) => moment(s.created)],
  ].filter(Boolean);
}

function facts(data) {
  const list = data.studies;
  const lines = linesOf(data);
  const link = (s) => el("a", { href: `#/study/${encodeURIComponent(s.name)}` }, name(s.name));
  const note = data.equal && data.equal.target !== null ? `${number(data.equal.target)} is the best that all of them have reached at some time; times are of work.` : null;
  if (list.length > MOST_COLUMNS) {
    const told = lines.filter(([label]) => label !== "Created" && (label !== "Objective" || !data.comparable));
    const rows = list.map((s) => el("tr", {}, el("th", { scope: "row", class: "clip" }, link(s)), told.map(([, read]) => el("td", { class: "clip" }, read(s)))));
    return tableCard("Side by side", "facts-title", "", titles([["Study"], ...told.map(([label]) => [label])]), el("tbody", {}, rows), note);
  }
  const keys = [...new Set(list.flatMap((s) => Object.keys(s.best?.params ?? {})))];
  const row = ([label, read]) => el("tr", {}, el("th", { scope: "row" }, label), list.map((s) => el("td", {}, read(s))));
  const param = (key) => el("tr", {}, el("th", { scope: "row", class: "clip" }, name(key)), list.map((s) => el("td", { class: "clip" }, s.best && key in s.best.params ? name(value(s.best.params[key], 60)) : "–")));
  return tableCard(
    "Side by side",
    "facts-title",
    "",
    el("tr", {}, el("th", { scope: "col" }, "Study"), list.map((s) => el("th", { scope: "col", class: "clip" }, link(s)))),
    [
      el("tbody", {}, lines.map(row)),
      keys.length > 0 && el("tbody", {}, el("tr", {}, el("th", { scope: "rowgroup", colspan: list.length + 1, class: "group" }, "Parameters of the best")), keys.map(param)),
    ],
    note,
  );
}
