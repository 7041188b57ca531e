// A form for a configuration. The server says which fields there are, which of them are asked for
// given the others (conditions), and what is wrong: nothing of the space is worked out twice.

import { of, post } from "./api.js";
import { el, fill, fresh, name as bdi } from "./dom.js";
import { number, value as words } from "./words.js";

/**
 * Build the fields of `form` (as api/studies/{study}/form answers), begun with `values`.
 *
 * Returns {node, read(), refuse(errors)}: read() gives what is to be sent, `refuse` shows errors
 * at their fields and moves to the first of them.
 */
export function configuration(study, form, values) {
  const fields = new Map(form.fields.map((field) => [field.name, makeField(field, values[field.name] ?? field.default)]));
  const problem = el("p", { class: "error-text", role: "status" });
  const node = el(
    "div",
    { class: "stack" },
    el("div", { class: "fields" }, [...fields.values()].map((field) => field.node)),
    form.relations.length > 0 && el("p", { class: "soft tiny" }, "Must hold: ", bdi(form.relations.join("; "))),
    problem,
  );
  let timer = 0;
  let asked = 0;

  const read = () => {
    const sent = {};
    for (const [key, field] of fields) if (!field.node.hidden && field.read() !== undefined) sent[key] = field.read();
    return sent;
  };
  const all = () => Object.fromEntries([...fields].map(([key, field]) => [key, field.read()]).filter(([, v]) => v !== undefined));

  async function check() {
    asked += 1;
    const turn = asked;
    const told = await post(of(study, "check"), { params: all() }).catch(() => null);
    if (!told || turn !== asked) return;
    const active = new Set(told.active);
    for (const [key, field] of fields) {
      field.node.hidden = !active.has(key);
      field.refuse(active.has(key) ? (told.errors[key] ?? "") : "");
    }
    fill(problem, told.problem ?? "");
  }

  node.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(check, 150);
  });
  check();
  return {
    node,
    read,
    refuse(errors) {
      let first = null;
      for (const [key, field] of fields) {
        field.refuse(errors[key] ?? "");
        if (errors[key]) first ??= field;
      }
      first?.focus();
      return first !== null;
    },
  };
}

function makeField(field, start) {
  const id = fresh("field");
  const make = field.choices ? choice : { float: numeric, int: numeric, permutation: list }[field.kind] ?? fixed;
  const inner = make(field, start, id);
  const error = el("p", { class: "error", id: `${id}-error` });
  const hint = [inner.hint, field.condition ?? (field.when && `when ${field.when}`)].filter(Boolean).join(" · ");
  inner.control.setAttribute("aria-describedby", `${id}-hint ${id}-error`);
  const node = el(
    "div",
    { class: "field" },
    el("label", { for: id }, bdi(field.name)),
    inner.node,
    el("p", { class: "hint", id: `${id}-hint` }, el("bdi", {}, hint)),
    error,
  );
  return {
    node,
    read: inner.read,
    focus: () => inner.control.focus(),
    refuse(message) {
      fill(error, message.replace(/^\w+ '[^]*?': a value must/, "Must")); // which field it is can be seen
      if (message) inner.control.setAttribute("aria-invalid", "true");
      else inner.control.removeAttribute("aria-invalid");
    },
  };
}

// --- numbers: a box to type in, and a slider on the parameter's own scale -------------------------

function numeric(field, start, id) {
  const log = field.log && field.low > 0;
  const there = log ? Math.log : (x) => x;
  const back = log ? Math.exp : (u) => u;
  const [low, high] = [there(field.low), there(field.high)];
  const box = el("input", {
    id,
    type: "text",
    inputmode: field.kind === "int" ? "numeric" : "decimal",
    autocomplete: "off",
    size: 12,
  });
  const slide = el("input", { type: "range", min: 0, max: 1000, "aria-hidden": "true", tabindex: -1 });
  const follow = () => {
    const x = Number(box.value);
    if (box.value.trim() !== "" && x >= field.low && x <= field.high && high > low)
      slide.value = String((1000 * (there(x) - low)) / (high - low));
  };
  box.value = String(start ?? tidy(field, back((low + high) / 2)));
  follow();
  box.addEventListener("input", follow);
  slide.addEventListener("input", () => {
    box.value = String(tidy(field, back(low + (Number(slide.value) / 1000) * (high - low))));
  });
  const hint = [
    `${number(field.low)} to ${number(field.high)}`,
    field.kind === "int" && "whole",
    field.step && field.step !== 1 && `in steps of ${number(field.step)}`,
    log && "log scale",
  ];
  return {
    node: el("div", { class: "row" }, box, slide),
    control: box,
    hint: hint.filter(Boolean).join(", "),
    read() {
      const text = box.value.trim();
      const x = Number(text);
      return text === "" ? undefined : Number.isFinite(x) ? x : text; // the server says what is wrong with it
    },
  };
}

function tidy(field, x) {
  const step = field.step ?? (field.kind === "int" ? 1 : 0);
  const near = step ? field.low + Math.round((x - field.low) / step) * step : x;
  return Math.min(field.high, Math.max(field.low, Number(near.toPrecision(step ? 12 : 4))));
}

// --- all others ------------------------------------------------------------------------------------

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

function choice(field, start, id) {
  const select = el(
    "select",
    { id },
    field.choices.map((item, k) => el("option", { value: k }, words(item, 100))),
  );
  select.selectedIndex = Math.max(0, field.choices.findIndex((item) => same(item, start)));
  // By position: in JSON of a browser 1 and 1.0 are the same.
  return { node: select, control: select, hint: field.kind === "ordinal" ? "in order" : "", read: () => ({ $choice: select.selectedIndex }) };
}

function list(field, start, id) {
  const box = el("input", { id, type: "text", autocomplete: "off" });
  box.value = JSON.stringify(start ?? []);
  const read = () => {
    try {
      return JSON.parse(box.value);
    } catch {
      return box.value;
    }
  };
  return { node: box, control: box, hint: field.text, read };
}

function fixed(field, start, id) {
  const box = el("input", { id, type: "text", readonly: true });
  box.value = words(start, 200);
  return { node: box, control: box, hint: "always this", read: () => undefined };
}
