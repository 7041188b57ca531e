// A study: its head, which stays, and the tab below. One stream tells all of it what is new.

import { get, of } from "../api.js";
import { button, el, fill, name, state } from "../dom.js";
import { listen, throttled } from "../live.js";
import { stateBar, stateWords, tags, trialLink } from "../pairs.js";
import { ago, count, duration, number, percent, plural } from "../words.js";
import { annotate, enqueue, goal, stop } from "./control.js";
import { chartsTab } from "./charts.js";
import { diagnosisTab } from "./diagnosis.js";
import { frontTab } from "./front.js";
import { overviewTab } from "./overview.js";
import { trialTab } from "./trial.js";
import { trialsTab } from "./trials.js";

const TABS = [
  ["", "Overview", overviewTab, () => true],
  ["trials", "Trials", trialsTab, () => true],
  ["front", "Pareto front", frontTab, (info) => info.objective.names.length > 1],
  ["charts", "Charts", chartsTab, () => true],
  ["diagnosis", "Diagnosis", diagnosisTab, () => true],
];

export function studyPage({ main, about, link, trail, rest }) {
  const title = rest[0] ?? "";
  const home = `#/study/${encodeURIComponent(title)}`;
  const head = el("div");
  const tabs = el("nav", { class: "tabs", "aria-label": "Parts of the study" });
  const place = el("div");
  const banner = el("p", { class: "banner bad", role: "alert", hidden: true });
  let info = null;
  let tab = null;
  let parts = rest.slice(1);
  let ended = false;
  let calm = 0; // the timer of when nothing will have happened for a while
  let newest = 0; // the version that the stream told of last
  const leaving = new AbortController();
  let sure = ""; // in words, how far the search has come; worked out by the server, which takes a while

  const studyOf = {
    title,
    home,
    readOnly: about.read_only,
    get info() {
      return info;
    },
    refresh: () => refresh(),
  };

  function drawTabs() {
    fill(
      tabs,
      TABS.filter(([, , , fits]) => fits(info)).map(([key, text]) =>
        el("a", { href: key ? `${home}/${key}` : home, "aria-current": key === (parts[0] ?? "") ? "page" : null }, text),
      ),
    );
  }

  function openTab() {
    tab?.close?.();
    const [key, detail] = parts;
    const found = TABS.find(([k, , , fits]) => k === (key ?? "") && fits(info)) ?? TABS[0];
    const make = key === "trials" && detail !== undefined ? trialTab : found[2];
    trail([["Studies", "#/"], [title, key ? home : null], ...(key ? [[found[1], detail !== undefined ? `${home}/${key}` : null]] : []), ...(detail !== undefined ? [[`Trial ${detail}`]] : [])]);
    drawTabs();
    drawHead();
    fill(place);
    tab = make({ place, study: studyOf, parts: parts.slice(1) });
    tabs.scrollLeft = (tabs.querySelector("[aria-current]")?.offsetLeft ?? 0) - tabs.clientWidth / 2;
  }

  async function refresh() {
    try {
      const next = await get(of(title));
      if (ended) return;
      const first = info === null;
      info = next;
      if (info.version < newest) later();
      banner.hidden = true;
      drawHead();
      if (first) setTimeout(judge, 1200); // the first chart goes first
      clearTimeout(calm);
      if (isActive(info)) calm = setTimeout(drawHead, 1000 * PAUSE + 500);
      if (first) openTab();
      else tab?.renewed?.();
    } catch (error) {
      if (ended) return;
      if (error.status === 404) return gone(error.message);
      if (info === null) fill(place, trouble(error.message));
      else say(error.message);
    }
  }

  function trouble(text) {
    return el("div", { class: "empty" }, el("h1", {}, "This study can't be shown"), el("p", { role: "alert" }, text), button("Try again", refresh), el("a", { href: "#/" }, "All studies"));
  }

  function gone(text) {
    clearTimeout(calm);
    end();
    fill(head);
    fill(tabs);
    tab?.close?.();
    tab = null;
    fill(place, trouble(text ?? "It has been deleted."));
  }

  function say(text) {
    banner.hidden = false;
    fill(banner, text);
  }

  function drawHead() {
    const held = head.contains(document.activeElement) ? document.activeElement.dataset.act : null;
    const whole = parts[1] === undefined; // a trial's page needs the room
    fill(head, studyHead(studyOf, info, whole ? sure : "", whole && !about.read_only), whole && tiles(info));
    head.className = parts[0] === undefined ? "" : "aside";
    if (held) head.querySelector(`[data-act="${held}"]`)?.focus();
  }

  const judge = throttled(async () => {
    if (ended || !info?.states.COMPLETE) return;
    const told = await get(of(title, "diagnosis"), leaving.signal).catch(() => null);
    if (ended || !told) return;
    const text = told.rows.find((row) => row.heading === "Convergence")?.text ?? "";
    sure = text.replace(/^The best [^]*?\. (?=[A-Z])/, ""); // which trial is best is said already
    drawHead();
  }, 30_000);
  const later = throttled(refresh, 600);
  const end = listen(
    of(title, "events"),
    {
      change(news) {
        banner.hidden = true;
        newest = news.version;
        if (!info || newest === info.version) return; // while it is being asked for: see refresh
        later();
        judge();
        tab?.news?.(news);
      },
      trouble: ({ detail }) => say(detail),
      gone: () => gone(),
    },
    link,
  );
  fill(main, head, banner, tabs, place);
  fill(place, el("p", { class: "soft" }, "Loading …"));
  trail([["Studies", "#/"], [title]]);
  refresh();
  return {
    go(kind, next) {
      if (kind !== "study" || next[0] !== title || !info) return false;
      parts = next.slice(1);
      openTab();
      return true;
    },
    close() {
      ended = true;
      clearTimeout(calm);
      leaving.abort();
      end();
      tab?.close?.();
    },
  };
}

const PAUSE = 60; // seconds for which nothing may run between two trials of a study at work

/** Whether there may be anybody who would start another trial. */
function isActive(info) {
  return !info.stopped && (info.running.length > 0 || Date.now() / 1000 - info.last_change < PAUSE);
}

function studyHead(study, info, sure, controls) {
  const running = info.running.length > 0;
  const word = info.stopped ? "stopped" : running ? "running" : "idle";
  const badge = state(word);
  badge.classList.add("badge");
  const aims = info.objective.names.map((metric, k) => [k > 0 && ", ", info.objective.directions[k], " ", name(metric)]);
  const act = (text, action, props = {}) => button(text, () => action(study), { "data-act": text, ...props });
  return el(
    "div",
    { class: "head" },
    el(
      "div",
      { class: "head-words" },
      el("div", { class: "title" }, el("h1", {}, name(study.title)), badge, tags(info.tags)),
      el("p", { class: "summary" }, summary(study, info, sure)),
      el("p", { class: "soft small" }, aims, info.objective.constraints.length > 0 && [" subject to ", name(info.objective.constraints.join(", "))], " · ", el("bdi", { title: info.strategy.words }, [info.strategy.sampler, info.strategy.scheduler].filter((word) => word && word !== "none").join(" + "))),
      info.note && el("p", { class: "user-note small", tabindex: 0, role: "note", "aria-label": "Note" }, el("bdi", {}, info.note)),
    ),
    controls &&
      el(
        "div",
        { class: "row" },
        act("Enqueue", enqueue, { sign: "plus" }),
        act("Goal", goal),
        act("Note and tags", annotate),
        isActive(info) && act("Stop study", stop, { kind: "danger", sign: "stopped" }),
      ),
  );
}

function summary(study, info, sure) {
  const trust = sure && el("span", { class: "soft" }, " ", el("bdi", {}, sure));
  if (info.objective.names.length > 1) {
    if (!info.front) return "No finished trial yet.";
    return [el("strong", {}, count(info.front)), ` trial${info.front === 1 ? " is" : "s are"} on the front of `, name(info.objective.names.join(", ")), ".", trust];
  }
  if (!info.best) return ["No result yet", info.n_trials > 0 ? `: ${stateWords(info.states)}.` : ". The first trial appears here by itself."];
  const metric = info.objective.names[0];
  return ["Best ", name(metric), " ", el("strong", {}, number(info.best.metrics[metric], 6)), " in ", trialLink(study.title, info.best.number), ".", trust];
}

function tile(label, text, note = null) {
  return el("div", { class: "tile" }, el("dt", {}, label), el("dd", {}, text), note && el("dd", { class: "note" }, note));
}

/** How many are at work, or that those who were are gone. */
function workersOf({ workers, states }) {
  const there = workers.filter((w) => !w.gone).length;
  return there ? plural(there, "worker") : states.RUNNING && workers.length ? "their worker is gone" : null;
}

/** The other metrics of the best trial. */
function others({ best, metrics, objective }) {
  const names = metrics.filter((m) => m !== objective.names[0] && m in (best?.metrics ?? {}));
  return names.length ? names.slice(0, 2).map((m) => `${m.slice(0, 20)} ${number(best.metrics[m], 4)}`).join(", ") : null;
}

function tiles(info) {
  const { states } = info;
  const done = (states.COMPLETE ?? 0) + (states.PRUNED ?? 0) + (states.FAILED ?? 0);
  const trials = [count(info.n_trials), info.goal && el("span", { class: "of" }, ` of ${count(info.goal)}`)];
  const metric = info.objective.names[0];
  const best = info.objective.names.length > 1 ? tile("On the front", count(info.front ?? 0), "trials") : tile("Best", info.best ? number(info.best.metrics[metric], 6) : "–", others(info));
  return el(
    "dl",
    { class: "tiles" },
    el("div", { class: "tile" }, el("dt", {}, "Trials"), el("dd", {}, trials), el("dd", { class: "note" }, stateBar(states, info.goal ?? 0))),
    best,
    tile("Completed", count(states.COMPLETE ?? 0), done ? percent((states.COMPLETE ?? 0) / done) : null),
    states.PAUSED ? tile("Paused", count(states.PAUSED), "may go on") : null,
    tile("Pruned", count(states.PRUNED ?? 0), done ? percent((states.PRUNED ?? 0) / done) : null),
    tile("Failed", count(states.FAILED ?? 0), done ? percent((states.FAILED ?? 0) / done) : null),
    tile("Running", count(states.RUNNING ?? 0), workersOf(info)),
    tile("Work", duration(info.cost), `last change ${ago(info.last_change)}`),
  );
}

