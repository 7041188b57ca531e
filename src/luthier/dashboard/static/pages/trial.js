// One trial: what was tried and why, what came of it, and what can be done about it.

import { get, of } from "../api.js";
import { button, el, fill, name, state } from "../dom.js";
import { figure } from "../figures.js";
import { throttled } from "../live.js";
import { pairs, params, result, tags, took, trialLink } from "../pairs.js";
import { count, duration, moment, number, value } from "../words.js";
import { annotateTrial, enqueue, invalidateTrial, retryTrial, stopTrial } from "./control.js";

const OPEN = ["RUNNING", "PAUSED", "WAITING"];

/** The settings of a sampler or scheduler as words, "tpe, gamma 0.15"; they are JSON if these wrote them. */
function settings(text) {
  try {
    const read = JSON.parse(text);
    const { name: called, ...others } = read.scheduler ?? read; // clones are a scheduler's
    return [called, ...Object.entries(others).map(([key, item]) => `${key} ${value(item)}`)].join(", ");
  } catch {
    return text;
  }
}

export function trialTab({ place, study, parts }) {
  const wanted = Number(parts[0]);
  let ended = false;
  let trial = null;
  let log = null;
  let attempt = null;
  const chart = figure({ title: "Reports", layout: { showlegend: true } });
  const head = el("div");
  const facts = el("section", { class: "card wide-4", "aria-labelledby": "params-title" });
  const more = el("div", { class: "grid" });
  const curves = el("div", { class: "curve-place wide-8" }, chart.node);
  fill(place, head, el("div", { class: "grid" }, facts, curves), more);

  const load = throttled(async () => {
    try {
      const next = await get(of(study.title, "trials", wanted));
      if (ended) return;
      trial = next;
      draw();
      await readLog();
    } catch (error) {
      if (!ended && !trial) fill(place, el("p", { class: "banner bad", role: "alert" }, error.message));
    }
  }, 500);

  async function readLog() {
    if (!trial.logs.length) return;
    const which = attempt ?? trial.logs.at(-1);
    try {
      log = await get(`${of(study.title, "trials", wanted, "log")}?attempt=${which}`);
    } catch (error) {
      log = { attempt: which, text: error.message };
    }
    if (!ended) drawMore();
  }

  function act(text, action, props = {}) {
    const run = async () => {
      await action();
      load();
    };
    return button(text, run, { "data-act": text, ...props });
  }

  function draw() {
    const held = head.contains(document.activeElement) ? document.activeElement.dataset.act : null;
    const { previous, next } = trial.neighbours;
    const to = (n, text) => (n === null ? null : el("a", { class: "button quiet", href: `${study.home}/trials/${n}` }, text));
    fill(
      head,
      el(
        "div",
        { class: "head" },
        el(
          "div",
          { class: "head-words" },
          el("div", { class: "title" }, el("h2", { class: "trial-title" }, `Trial ${count(trial.number)}`), state(trial.state), trial.best && el("span", { class: "tag best-tag" }, "best so far"), tags(trial.tags)),
          el("p", { class: "summary" }, el("strong", {}, result(trial, study.info.objective.names, 6)), trial.step !== null && el("span", { class: "soft" }, ` at step ${count(trial.step)}`)),
          trial.error && el("p", { class: trial.state === "FAILED" ? "error-text" : "soft small" }, name(trial.error.split("\n")[0])),
          trial.invalid !== null && el("p", { class: "error-text" }, "Out of all decisions: ", name(trial.invalid)),
          trial.note && el("p", { class: "user-note small", tabindex: 0, role: "note", "aria-label": "Note" }, el("bdi", {}, trial.note)),
        ),
        el(
          "div",
          { class: "row" },
          to(previous, "Previous"),
          to(next, "Next"),
          !study.readOnly && [
            OPEN.includes(trial.state) && act("Stop trial", () => stopTrial(study, trial.number), { kind: "danger", sign: "stopped" }),
            !OPEN.includes(trial.state) && act("Retry", () => retryTrial(study, trial.number)),
            act("Enqueue like it", () => enqueue(study, trial.params)),
            act("Note and tags", () => annotateTrial(study, trial)),
            trial.invalid === null && !OPEN.includes(trial.state) && act("Invalidate", () => invalidateTrial(study, trial.number), { kind: "danger" }),
          ],
        ),
      ),
    );
    if (held) head.querySelector(`[data-act="${held}"]`)?.focus();
    fill(facts, el("header", {}, el("h2", { id: "params-title" }, "Parameters")), el("div", { class: "body" }, params(trial.params)));
    drawReports();
    drawMore();
  }

  function drawReports() {
    const { steps, metrics, total } = trial.reports;
    if (total === 0) return chart.show(null, trial.state === "RUNNING" ? "Nothing reported yet." : "This trial reported nothing on the way.");
    const dashes = ["solid", "dash", "dot", "dashdot"];
    const data = Object.entries(metrics).slice(0, 8).map(([metric, values], k) => ({
      type: "scatter",
      mode: steps.length < 60 ? "lines+markers" : "lines",
      name: escaped(metric),
      x: steps,
      y: values,
      line: { dash: dashes[k % dashes.length], width: 2 },
      marker: { size: 5 },
      connectgaps: true,
    }));
    const meta = { note: steps.length < total ? `showing ${count(steps.length)} of ${count(total)} reports` : `${count(total)} ${total === 1 ? "report" : "reports"}` };
    return chart.show({ data, layout: { xaxis: { title: { text: "step" } }, hovermode: "x unified", meta, margin: { l: 56, r: 24, t: 40, b: 44 } } });
  }

  function card(title, id, body, width = "wide-4") {
    return el("section", { class: `card ${width}`, "aria-labelledby": id }, el("header", {}, el("h2", { id }, title)), el("div", { class: "body" }, body));
  }

  function drawMore() {
    const o = trial.origin;
    const link = (n) => trialLink(study.title, n, `#${n}`);
    const why = [
      ["Reason", o.reason || "–"],
      [o.sampler.startsWith('{"scheduler":') ? "Scheduler" : "Sampler", settings(o.sampler)],
      ["Had seen", `the history up to version ${count(o.history_version)}`],
      ...Object.entries(o.data ?? {}).map(([key, item]) => [key, value(item, 200)]),
    ];
    if (trial.parents.length) why.push(["Comes from", el("span", { class: "row" }, trial.parents.map(link))]);
    if (trial.children.length) why.push(["Led to", el("span", { class: "row" }, trial.children.map(link))]);
    const run = [
      ["Started", moment(trial.started)],
      ["Finished", moment(trial.finished)],
      ["Took", took(trial)],
      ["Work", trial.cost === null ? "–" : duration(trial.cost)],
      ["Worker", trial.worker ?? "–"],
      ["Attempts", count(trial.attempt)],
      ["May go to step", trial.budget === null ? "any" : count(trial.budget)],
      ["Saved state", trial.checkpoint ? `step ${count(trial.checkpoint.step)}, ${count(trial.checkpoint.size)} bytes` : "none"],
    ];
    const attrs = Object.entries(trial.attrs).filter(([key]) => key !== "note" && key !== "tags"); // shown above
    const others = Object.entries(trial.metrics).filter(([m]) => !study.info.objective.names.includes(m));
    const also = [...others.map(([m, v]) => [m, number(v)]), ...attrs.map(([k, v]) => [k, value(v, 400)])];
    const width = also.length ? "wide-4" : "wide-6";
    const picker =
      trial.logs.length > 1 &&
      el(
        "select",
        {
          "aria-label": "Attempt",
          on: {
            change(event) {
              attempt = Number(event.target.value);
              readLog();
            },
          },
        },
        trial.logs.map((k) => el("option", { value: k, selected: k === log?.attempt }, `attempt ${k}`)),
      );
    const wordy = trial.error && (trial.state === "FAILED" || trial.error.includes("\n")); // one line stands above
    const open = new Set([...more.querySelectorAll("details[open]")].map((d) => d.id));
    fill(
      more,
      card("Why it exists", "why-title", pairs(why), width),
      card("The run", "run-title", pairs(run), width),
      also.length > 0 && card("Other metrics and attributes", "attrs-title", pairs(also), width),
      wordy && card("Error", "error-title", el("pre", { class: "log", tabindex: 0, "aria-labelledby": "error-title" }, trial.error), "wide-6"),
      log && card("Log", "log-title", [picker, el("pre", { class: "log", tabindex: 0, "aria-labelledby": "log-title" }, log.text || "(nothing was printed)")], wordy ? "wide-6" : ""),
      card(
        "What happened",
        "events-title",
        el(
          "details",
          { id: "events", open: open.has("events") },
          el("summary", {}, `${count(trial.events.length)} events`),
          el("ol", { class: "events" }, trial.events.map((event) => el("li", {}, el("span", { class: "soft" }, event.at ? moment(event.at) : `version ${count(event.version)}`), " ", el("strong", {}, event.kind), " ", el("bdi", {}, event.text)))),
        ),
        "",
      ),
    );
  }

  load();
  return {
    news(news) {
      if (news.changed === null || news.changed.includes(wanted)) load();
    },
    close() {
      ended = true;
      chart.close();
    },
  };
}

/** Text for plotly, which reads a few tags. */
export function escaped(text) {
  return String(text).slice(0, 60).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
