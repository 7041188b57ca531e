// Small pieces that several pages show: parameters in pairs, results, tags.

import { of } from "./api.js";
import { el, icon, name } from "./dom.js";
import { count, duration, number, percent, value } from "./words.js";

/** Names with values, as a list of pairs. */
export function pairs(entries) {
  return el(
    "dl",
    { class: "pairs" },
    entries.map(([key, item]) => [el("dt", {}, name(key)), el("dd", {}, item instanceof Node ? item : name(item))]),
  );
}

/** A configuration. */
export function params(items) {
  const entries = Object.entries(items);
  if (entries.length === 0) return el("p", { class: "soft" }, "No parameters yet.");
  return pairs(entries.map(([key, item]) => [key, value(item, 400)]));
}

/** The results of a trial in words: "loss 0.12, size 3". */
export function result(row, names, digits = 5) {
  const told = names.filter((n) => n in row.metrics).map((n) => (names.length > 1 ? `${short(n)} ` : "") + number(row.metrics[n], digits));
  return told.length ? told.join(", ") : "–";
}

const short = (text) => (text.length > 24 ? text.slice(0, 23) + "…" : text);

/** A link to a trial. */
export function trialLink(study, number, text = `trial ${count(number)}`) {
  return el("a", { href: `#/study/${encodeURIComponent(study)}/trials/${number}` }, text);
}

/** Tags, each apart from the text around it. */
export function tags(list) {
  return list.map((tag) => el("bdi", { class: "tag", title: tag.slice(0, 300) }, tag.slice(0, 80)));
}

/** How long a trial took, or is taking. */
export function took(row) {
  if (row.started === null) return "–";
  return duration((row.finished ?? Date.now() / 1000) - row.started);
}

/** The best of a study carries a star. */
export function numberCell(row) {
  return row.best ? el("span", { class: "row tight" }, count(row.number), icon("star"), el("span", { class: "unseen" }, "best")) : count(row.number);
}

const ORDER = ["COMPLETE", "PRUNED", "FAILED", "RUNNING", "PAUSED", "WAITING"];

/** A bar of how many trials are in which state; the numbers are in its label. */
export function stateBar(states, most = 0) {
  const total = Math.max(most, Object.values(states).reduce((a, b) => a + b, 0), 1);
  const bar = el("span", { class: "spread-bar", role: "img", "aria-label": stateWords(states) });
  for (const state of ORDER) {
    if (!states[state]) continue;
    const part = el("span", { class: `fill-${state.toLowerCase()}` });
    part.style.setProperty("width", `${(100 * states[state]) / total}%`);
    bar.append(part);
  }
  return bar;
}

/** "90 complete, 3 failed". */
export function stateWords(states) {
  const told = ORDER.filter((s) => states[s]).map((s) => `${count(states[s])} ${s.toLowerCase()}`);
  return told.join(", ") || "no trials";
}

/** A download, by an ordinary link. */
export function download(study, ending, text) {
  return el("a", { class: "button quiet", href: of(study, `export.${ending}`), download: `${study.slice(0, 60)}.${ending}` }, text);
}

/** What mattered: a bar for each parameter, and how that was found. */
export function shares(answer, most = 100) {
  return [
    answer.meaningless && el("p", { class: "banner small" }, "Don't build on this: the model behind it hardly predicts the trials."),
    el("ol", { class: "bars" }, answer.rows.slice(0, most).map(shareBar)),
    answer.words.map((text) => el("p", { class: "soft tiny" }, el("bdi", {}, text.slice(0, 1).toUpperCase() + text.slice(1)))),
  ];
}

function shareBar(row) {
  const bar = el("span", { class: "bar-fill" });
  bar.style.setProperty("width", `${Math.max(0.5, Math.min(100, 100 * row.share))}%`);
  const range = ` (${percent(row.low)} to ${percent(row.high)})`;
  return el("li", {}, el("span", { class: "bar-name" }, name(row.parameter)), el("span", { class: "bar-track" }, bar), el("span", { class: "numeric" }, percent(row.share), el("span", { class: "soft tiny" }, range)));
}
