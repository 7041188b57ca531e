// The first look: how the search goes, what is best, what runs, what mattered.

import { get, of, post } from "../api.js";
import { el, fill, name, state } from "../dom.js";
import { figure } from "../figures.js";
import { throttled } from "../live.js";
import { numberCell, params, result, shares, took, trialLink } from "../pairs.js";
import { count, number } from "../words.js";

export function overviewTab({ place, study }) {
  const { info, title } = study;
  const applies = new Map(info.figures.map((f) => [f.name, f]));
  const cards = [];
  const leaving = new AbortController();
  const grid = el("div", { class: "grid" });
  const best = el("section", { class: "card", "aria-labelledby": "best-title" });
  const latest = el("section", { class: "card", "aria-labelledby": "latest-title", hidden: true });
  const mattered = el("section", { class: "card", hidden: true });
  const running = el("section", { class: "card", "aria-labelledby": "running-title" });

  const chart = (key, props) => {
    const found = applies.get(key);
    if (!found || found.why_not) return null;
    const card = figure({ title: found.title, address: () => of(title, "figures", key), ...props });
    cards.push(card);
    return card.node;
  };

  const several = info.objective.names.length > 1;
  fill(
    grid,
    chart(several ? "pareto" : "history", { width: "wide-8", size: "tall" }) ?? chart("history", { width: "wide-8", size: "tall" }) ?? nothing(),
    el("div", { class: "column wide-4" }, best, mattered),
    running,
    latest,
    chart("curves", { width: "wide-6" }),
    chart("parallel", { width: info.figures.some((f) => f.name === "curves" && !f.why_not) ? "wide-6" : "" }),
  );
  fill(place, grid);

  function nothing() {
    return el(
      "section",
      { class: "card" },
      el("div", { class: "body" }, el("div", { class: "empty" }, el("h2", {}, "No result yet"), el("p", { class: "soft" }, "Charts appear as soon as the first trial has finished. This page is live: nothing needs to be reloaded."))),
    );
  }

  function drawBest() {
    const now = study.info;
    if (now.best) {
      best.hidden = false;
      fill(
        best,
        el("header", {}, el("h2", { id: "best-title" }, "Best trial"), trialLink(title, now.best.number)),
        el("div", { class: "body stack" }, el("p", { class: "big" }, result(now.best, now.objective.names, 6)), params(now.best.params)),
      );
    } else {
      best.hidden = !now.front; // without a result the page says so once
      fill(best, el("header", {}, el("h2", { id: "best-title" }, several ? "The front" : "Best trial")), el("div", { class: "body stack" }, several && now.front ? [el("p", { class: "big" }, `${count(now.front)} trials`), el("p", {}, "None is better in all objectives. ", el("a", { href: `${study.home}/front` }, "Explore the front"))] : el("p", { class: "soft" }, "None yet.")));
    }
  }

  function rows(list, caption) {
    return el(
      "div",
      { class: "table-box" },
      el(
        "table",
        {},
        el("caption", { class: "unseen" }, caption),
        el("thead", {}, el("tr", {}, ["Trial", "State", "Result", "Took", "Why"].map((text, k) => el("th", { scope: "col", class: k === 2 || k === 3 ? "numeric" : null }, text)))),
        el(
          "tbody",
          {},
          list.map((row) =>
            el(
              "tr",
              {},
              el("th", { scope: "row" }, trialLink(title, row.number, numberCell(row))),
              el("td", {}, state(row.state)),
              el("td", { class: "numeric" }, result(row, study.info.objective.names.slice(0, 2)), row.state === "RUNNING" && row.step !== null && el("span", { class: "soft tiny" }, ` step ${number(row.step)}`)),
              el("td", { class: "numeric" }, took(row)),
              el("td", { class: "clip soft" }, name(row.error ?? row.reason ?? "")),
            ),
          ),
        ),
      ),
    );
  }

  function drawRunning() {
    const now = study.info.running;
    running.hidden = now.length === 0;
    running.classList.toggle("wide-6", now.length > 0);
    latest.classList.toggle("wide-6", now.length > 0);
    fill(
      running,
      el("header", {}, el("h2", { id: "running-title" }, "Running now"), el("span", { class: "soft small" }, count(now.length))),
      el("div", { class: "body flush" }, rows(now.slice(0, 8), "Running trials")),
    );
  }

  const drawLatest = throttled(async () => {
    const answer = await post(of(title, "table"), { sort: "finished", descending: true, limit: 8, states: ["COMPLETE", "PRUNED", "FAILED"] }).catch(() => null);
    if (!answer || !place.contains(grid)) return;
    latest.hidden = answer.rows.length === 0;
    fill(
      latest,
      el("header", {}, el("h2", { id: "latest-title" }, "Latest trials"), el("a", { class: "small", href: `${study.home}/trials` }, "All trials")),
      el("div", { class: "body flush" }, rows(answer.rows, "Latest trials")),
    );
  }, 800);

  const drawMattered = throttled(async () => {
    const found = study.info.figures.find((f) => f.name === "importance");
    if (!found || found.why_not) return;
    const answer = await get(of(title, "importance"), leaving.signal).catch(() => null);
    if (!answer || !place.contains(grid)) return;
    mattered.hidden = false;
    mattered.setAttribute("aria-labelledby", "mattered-title");
    fill(mattered, el("header", {}, el("h2", { id: "mattered-title" }, "What mattered"), several && el("span", { class: "soft small" }, "for ", name(answer.metric))), el("div", { class: "body" }, shares(answer, 8)));
  }, 30_000);

  drawBest();
  drawRunning();
  drawLatest();
  const soon = setTimeout(drawMattered, 600); // the first chart goes first
  return {
    /** The study's own data are new. */
    renewed() {
      drawBest();
      drawRunning();
    },
    news({ version }) {
      for (const card of cards) card.refresh(version);
      drawLatest();
      drawMattered();
    },
    close() {
      clearTimeout(soon);
      leaving.abort();
      for (const card of cards) card.close();
    },
  };
}

