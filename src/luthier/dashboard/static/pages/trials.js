// All trials: the table with its filters, columns and what can be done with a selection.

import { of, post } from "../api.js";
import { confirm, toast } from "../dialog.js";
import { button, el, fill, fresh, icon, name, state } from "../dom.js";
import { throttled } from "../live.js";
import { download, numberCell, tags, took } from "../pairs.js";
import { table } from "../table.js";
import { count, duration, moment, number, value } from "../words.js";
import { enqueue } from "./control.js";

const STATES = ["COMPLETE", "PRUNED", "FAILED", "RUNNING", "PAUSED", "WAITING"];
const OPS = ["<", "<=", "=", "!=", ">=", ">"];
const FIRST_PARAMS = 6; // as many as fit beside the rest; the others are a tick away

/** The columns a table of this study can have, by key. */
export function columnsOf(info) {
  const metrics = [...new Set([...info.objective.names, ...info.metrics])];
  return [
    { key: "number", label: "Trial", sortable: true, cell: numberCell },
    { key: "state", label: "State", sortable: true, cell: (row) => [state(row.state), row.invalid !== null && el("span", { class: "tag", title: row.invalid }, "out")] },
    ...metrics.map((metric) => ({
      key: `metric:${metric}`,
      label: metric,
      sortable: true,
      numeric: true,
      className: "value",
      cell: (row) => number(row.metrics[metric]),
    })),
    ...info.space.params.map((param) => ({
      key: `param:${param.name}`,
      label: param.name,
      sortable: true,
      clip: true,
      numeric: param.kind === "float" || param.kind === "int",
      cell: (row) => (param.name in row.params ? name(value(row.params[param.name], 60)) : el("span", { class: "soft" }, "–")),
    })),
    { key: "step", label: "Step", sortable: true, numeric: true, cell: (row) => (row.step === null ? "–" : count(row.step)) },
    { key: "cost", label: "Work", sortable: true, numeric: true, cell: (row) => (row.cost === null ? took(row) : duration(row.cost)) },
    { key: "started", label: "Started", sortable: true, cell: (row) => moment(row.started) },
    { key: "finished", label: "Finished", sortable: true, cell: (row) => moment(row.finished) },
    { key: "worker", label: "Worker", sortable: true, clip: true, cell: (row) => name(row.worker ?? "–") },
    { key: "attempt", label: "Attempt", sortable: true, numeric: true, cell: (row) => count(row.attempt) },
    { key: "why", label: "Why, or what went wrong", clip: true, cell: (row) => name(row.error ?? row.reason ?? "") },
    { key: "tags", label: "Tags", clip: true, cell: (row) => tags(row.tags) },
  ];
}

/** Which of them are shown at first. */
function shownFirst(info) {
  const params = info.space.params.slice(0, FIRST_PARAMS).map((p) => `param:${p.name}`);
  return new Set(["number", "state", ...info.objective.names.map((m) => `metric:${m}`), ...params, "cost", "why", "tags"]);
}

export function trialsTab({ place, study }) {
  const { title, info } = study;
  const filter = { states: [], text: "", where: [], invalid: null };
  const all = columnsOf(info);
  const shown = shownFirst(info);
  const visible = () => all.filter((column) => shown.has(column.key));

  const grid = table({
    caption: "Trials",
    columns: visible(),
    sort: "number",
    descending: true,
    load: (query) => post(of(title, "table"), { ...query, ...asked() }),
    open: (n) => (window.location.hash = `${study.home}/trials/${n}`),
    selected: drawSelection,
  });

  /** The filters that are set; one that isn't is left out. */
  function asked() {
    return Object.fromEntries(Object.entries(filter).filter(([, set]) => set !== null && set.length !== 0));
  }

  // --- filters -----------------------------------------------------------------------------------
  const chips = el("div", { class: "chips", role: "group", "aria-label": "States" });
  function drawChips() {
    const held = document.activeElement?.dataset?.state;
    fill(
      chips,
      STATES.filter((s) => study.info.states[s] || filter.states.includes(s)).map((s) => {
        const on = filter.states.includes(s);
        const act = () => {
          filter.states = on ? filter.states.filter((x) => x !== s) : [...filter.states, s];
          drawChips();
          grid.restart();
        };
        return el("button", { type: "button", class: "chip", "data-state": s, "aria-pressed": String(on), on: { click: act } }, state(s), count(study.info.states[s] ?? 0));
      }),
      (study.info.n_invalid > 0 || filter.invalid) && el("button", { type: "button", class: "chip", "data-state": "out", "aria-pressed": String(filter.invalid === true), on: { click: onlyOut } }, "out of decisions", count(study.info.n_invalid)),
    );
    chips.querySelector(`[data-state="${held}"]`)?.focus();
  }

  function onlyOut() {
    filter.invalid = filter.invalid ? null : true;
    drawChips();
    grid.restart();
  }

  let timer = 0;
  const text = el("input", {
    type: "search",
    placeholder: "Find in parameters, errors, notes",
    "aria-label": "Find in parameters, errors, reasons, notes and tags",
    on: {
      input() {
        clearTimeout(timer);
        timer = setTimeout(() => {
          filter.text = text.value.trim();
          grid.restart();
        }, 200);
      },
    },
  });
  const where = el("div", { class: "chips", role: "group", "aria-label": "Filters" });
  function drawWhere() {
    fill(
      where,
      filter.where.map((rule, k) => {
        const label = all.find((c) => c.key === rule.key)?.label ?? rule.key;
        const drop = () => {
          filter.where.splice(k, 1);
          drawWhere();
          grid.restart();
        };
        return el("button", { type: "button", class: "chip", "aria-pressed": "true", "aria-label": `Remove the filter ${label} ${rule.op} ${rule.value}`, on: { click: drop } }, name(label), ` ${rule.op} `, name(value(rule.value)), icon("close"));
      }),
    );
  }
  const keys = all.filter((column) => column.sortable && column.key !== "state");
  const key = el("select", { "aria-label": "Column to filter by" }, keys.map((c) => el("option", { value: c.key }, c.label.slice(0, 60))));
  const op = el("select", { "aria-label": "Comparison" }, OPS.map((o) => el("option", { value: o }, o)));
  const bound = el("input", { type: "text", size: 10, "aria-label": "Value to compare with", autocomplete: "off" });
  const adding = el(
    "form",
    {
      class: "row",
      on: {
        submit(event) {
          event.preventDefault();
          const word = bound.value.trim();
          if (word === "") return bound.focus();
          const n = Number(word);
          filter.where.push({ key: key.value, op: op.value, value: Number.isFinite(n) ? n : word });
          bound.value = "";
          drawWhere();
          grid.restart();
        },
      },
    },
    key,
    op,
    bound,
    el("button", { type: "submit", class: "button" }, "Add"),
  );
  const menus = [menu("Filter", [adding]), columnsMenu()];

  function columnsMenu() {
    const boxes = all.slice(1).map((column) => {
      const id = fresh("column");
      const box = el("input", { type: "checkbox", id });
      box.checked = shown.has(column.key);
      box.addEventListener("change", () => {
        if (box.checked) shown.add(column.key);
        else shown.delete(column.key);
        grid.setColumns(visible());
      });
      return el("label", { class: "check", for: id }, box, name(column.label));
    });
    return menu("Columns", boxes);
  }

  // --- what can be done with the rows that are selected -------------------------------------------
  const selection = el("div", { class: "row", role: "group", "aria-label": "Selected trials" });
  function drawSelection() {
    const numbers = [...grid.chosen].sort((a, b) => a - b);
    if (numbers.length === 0) return fill(selection);
    const each = (word, done) => () =>
      confirm({
        title: `${word} ${numbers.length === 1 ? `trial ${numbers[0]}` : `${numbers.length} trials`}?`,
        text: word === "Retry" ? "Their parameters are put into the queue again, under new numbers." : "They stay in the record, but no decision looks at them any more. This can't be undone.",
        action: word,
        kind: word === "Retry" ? "primary" : "danger",
        async send() {
          for (const n of numbers) await post(of(title, "trials", n, word.toLowerCase()));
          toast(done);
          clear();
        },
      });
    return fill(
      selection,
      el("span", { class: "small" }, `${count(numbers.length)} selected`),
      numbers.length > 1 && numbers.length <= 8 && button("Side by side", () => sideBySide(numbers)),
      !study.readOnly && [
        numbers.length === 1 && button("Enqueue like it", async () => enqueue(study, (await one(numbers[0]))?.params)),
        button("Retry", each("Retry", "They wait again, under new numbers.")),
        button("Invalidate", each("Invalidate", "They no longer count."), { kind: "danger" }),
      ],
      button("Clear", clear, { kind: "quiet" }),
    );
  }

  const pick = async (numbers) => (await post(of(title, "table"), { numbers, limit: numbers.length, sort: "number" })).rows;
  const one = async (n) => (await pick([n]))[0];

  function clear() {
    grid.select([]);
    drawSelection();
    grid.reload();
  }

  const beside = el("div");
  async function sideBySide(numbers) {
    const rows = await pick(numbers);
    const lines = [...info.objective.names.map((m) => [m, (row) => number(row.metrics[m])]), ...info.space.params.map((p) => [p.name, (row) => (p.name in row.params ? value(row.params[p.name], 60) : "–")])];
    fill(
      beside,
      el(
        "section",
        { class: "card", "aria-labelledby": "beside-title" },
        el("header", {}, el("h2", { id: "beside-title" }, "Side by side"), button("Close", () => fill(beside), { kind: "quiet" })),
        el(
          "div",
          { class: "body flush table-box" },
          el(
            "table",
            {},
            el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Value"), rows.map((row) => el("th", { scope: "col" }, `Trial ${count(row.number)}`)))),
            el(
              "tbody",
              {},
              lines.map(([label, read]) => {
                const told = rows.map(read);
                const differ = new Set(told).size > 1;
                return el("tr", { class: differ ? "differs" : "" }, el("th", { scope: "row" }, name(label)), told.map((word) => el("td", {}, name(word))));
              }),
            ),
          ),
        ),
      ),
    );
    beside.scrollIntoView({ block: "nearest" });
  }

  fill(
    place,
    el(
      "section",
      { class: "card", "aria-label": "Trials" },
      el(
        "div",
        { class: "tools" },
        el("span", { class: "search" }, icon("search"), text),
        chips,
        el("span", { class: "row push" }, menus, download(title, "csv", "CSV"), download(title, "json", "JSON")),
        where,
        selection,
      ),
      grid.node,
    ),
    beside,
  );
  drawChips();
  grid.reload();
  const later = throttled(() => grid.reload({ quiet: true }), 500);
  return {
    renewed: drawChips,
    news: later,
    close() {
      clearTimeout(timer);
    },
  };
}

/** A button that opens a small panel below it; Escape closes it. */
function menu(label, children) {
  const id = fresh("menu");
  const panel = el("div", { class: "menu", id, hidden: true }, children);
  const opener = button(label, () => show(panel.hidden), { sign: "down", "aria-expanded": "false", "aria-controls": id });
  const node = el("span", { class: "drop" }, opener, panel);
  function show(on) {
    panel.hidden = !on;
    opener.setAttribute("aria-expanded", String(on));
    if (on) panel.querySelector("input, select, button")?.focus();
  }
  node.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.hidden) {
      event.stopPropagation();
      show(false);
      opener.focus();
    }
  });
  node.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !node.contains(event.relatedTarget)) show(false);
  });
  document.addEventListener("click", (event) => {
    if (!panel.hidden && node.isConnected && !node.contains(event.target)) show(false);
  });
  return node;
}
