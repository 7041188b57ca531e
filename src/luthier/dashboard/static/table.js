// A table of trials: sorted, filtered and paged by the server, and usable by keyboard alone.

import { announce, button, el, fill, fresh, icon } from "./dom.js";
import { count } from "./words.js";

const PAGE = 50;

const stamp = (row) => JSON.stringify([row.state, row.step, row.metrics, row.invalid, row.tags]);

/**
 * Build a table.
 *
 * `columns` are [{key, label, sortable, numeric, clip, cell(row)}], the first of which names the row;
 * `load({sort, descending, offset, limit})` gets {rows, matching, total}; rows have a `number`.
 * `open(number)` is called on Enter or a click, `selected(set)` when the selection has changed.
 */
export function table({ caption, columns, sort, descending = false, load, open, selected = null, limit = PAGE }) {
  const id = fresh("table");
  const query = { sort, descending, offset: 0, limit };
  const chosen = new Set();
  let rows = [];
  let matching = 0;
  let known = null; // how the rows stood in the last answer, to mark what is new
  let focus = null; // the number of the row that the keyboard is at
  let turn = 0;

  const head = el("tr");
  const body = el("tbody", { on: { keydown: pressed, click: clicked } });
  const grid = el(
    "table",
    { id, class: "rows", role: "grid", "aria-multiselectable": selected ? "true" : null },
    el("caption", { class: "unseen" }, caption),
    el("thead", {}, head),
    body,
  );
  const says = el("p", { class: "soft small", role: "status" });
  const back = button("", () => page(-1), { kind: "quiet sign", sign: "left", "aria-label": "Previous page" });
  const forth = button("", () => page(1), { kind: "quiet sign", sign: "right", "aria-label": "Next page" });
  const foot = el("div", { class: "table-foot" }, says, el("span", { class: "row" }, back, forth));
  const node = el("div", {}, el("div", { class: "table-box", tabindex: -1 }, grid), foot);

  function drawHead() {
    const box = selected && el("th", { scope: "col" }, el("span", { class: "unseen" }, "Selected"));
    fill(head, box, columns.map(heading));
  }

  function heading(column) {
    const on = query.sort === column.key;
    const props = { scope: "col", class: column.numeric ? "numeric" : null };
    if (on) props["aria-sort"] = query.descending ? "descending" : "ascending";
    if (!column.sortable) return el("th", props, column.label);
    const sign = icon(on && query.descending ? "down" : "up");
    const act = { click: () => sortBy(column.key) };
    const sorter = el("button", { type: "button", class: column.numeric ? "sort turned" : "sort", "data-key": column.key, on: act }, el("bdi", {}, column.label), sign);
    return el("th", props, sorter);
  }

  async function sortBy(key) {
    query.descending = query.sort === key ? !query.descending : false;
    query.sort = key;
    query.offset = 0;
    drawHead();
    [...head.querySelectorAll(".sort")].find((b) => b.dataset.key === key)?.focus();
    await reload();
    announce(`Sorted by ${key}, ${query.descending ? "descending" : "ascending"}`);
  }

  function drawRow(row, k) {
    const fresh = known !== null && known.get(row.number) !== stamp(row) ? " fresh" : "";
    const box = selected && tick(row);
    return el(
      "tr",
      {
        class: (row.best ? "best" : "") + fresh,
        "data-number": row.number,
        "aria-rowindex": query.offset + k + 2,
        "aria-selected": selected ? String(chosen.has(row.number)) : null,
        tabindex: -1,
      },
      box && el("td", {}, box),
      columns.map((column, c) =>
        el(
          c === 0 ? "th" : "td",
          {
            scope: c === 0 ? "row" : null,
            class: [column.numeric && "numeric", column.clip && "clip", column.className].filter(Boolean).join(" ") || null,
          },
          column.cell(row),
        ),
      ),
    );
  }

  function tick(row) {
    const box = el("input", { type: "checkbox", tabindex: -1, "aria-label": `Select trial ${row.number}` });
    box.checked = chosen.has(row.number);
    return box;
  }

  function draw() {
    const held = body.contains(document.activeElement);
    fill(body, rows.map(drawRow));
    grid.setAttribute("aria-rowcount", String(matching + 1));
    known = new Map(rows.map((row) => [row.number, stamp(row)]));
    const end = query.offset + rows.length;
    fill(says, matching ? `${count(query.offset + 1)}–${count(end)} of ${count(matching)}` : "No trials");
    disable(back, query.offset === 0);
    disable(forth, end >= matching);
    const row = find(focus) ?? body.rows[0];
    if (row) {
      row.tabIndex = 0;
      if (held) row.focus({ preventScroll: true });
    }
  }

  function disable(control, off) {
    control.setAttribute("aria-disabled", String(off)); // stays focusable, so the focus isn't lost
  }

  async function reload({ quiet = false } = {}) {
    turn += 1;
    const mine = turn;
    try {
      const answer = await load({ ...query });
      if (mine !== turn) return;
      if (answer.rows.length === 0 && answer.matching > 0 && query.offset > 0) {
        query.offset = Math.floor((answer.matching - 1) / limit) * limit;
        return void (await reload());
      }
      if (!quiet) known = null;
      rows = answer.rows;
      matching = answer.matching;
      draw();
    } catch (error) {
      if (mine === turn) fill(says, error.message);
    }
  }

  async function page(step) {
    const next = query.offset + step * limit;
    if (next < 0 || next >= matching) return;
    query.offset = next;
    focus = null;
    await reload();
    announce(says.textContent);
    node.querySelector(".table-box").scrollTo({ top: 0 });
  }

  const find = (number) => [...body.rows].find((row) => Number(row.dataset.number) === number);

  function goTo(row) {
    if (!row) return;
    for (const other of body.rows) other.tabIndex = -1;
    row.tabIndex = 0;
    focus = Number(row.dataset.number);
    row.focus();
  }

  function choose(number, on = !chosen.has(number)) {
    if (!selected) return;
    if (on) chosen.add(number);
    else chosen.delete(number);
    mark();
    selected(chosen);
  }

  function mark() {
    for (const row of body.rows) {
      const on = chosen.has(Number(row.dataset.number));
      row.setAttribute("aria-selected", String(on));
      const box = row.querySelector("input[type=checkbox]");
      if (box) box.checked = on;
    }
  }

  function pressed(event) {
    const row = event.target.closest("tr");
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const number = Number(row.dataset.number);
    const moves = {
      ArrowDown: () => goTo(row.nextElementSibling),
      ArrowUp: () => goTo(row.previousElementSibling),
      Home: () => goTo(body.rows[0]),
      End: () => goTo(body.rows[body.rows.length - 1]),
      PageDown: () => page(1),
      PageUp: () => page(-1),
      Enter: () => open(number),
      " ": () => choose(number),
    };
    if (moves[event.key]) {
      if (event.target.closest("a, button")) return;
      event.preventDefault();
      moves[event.key]();
    }
  }

  function clicked(event) {
    const row = event.target.closest("tr");
    if (!row) return;
    const number = Number(row.dataset.number);
    if (event.target.closest("input[type=checkbox]") || (selected && event.shiftKey)) choose(number);
    else if (!event.target.closest("a, button") && !String(window.getSelection())) open(number);
  }

  drawHead();
  return {
    node,
    reload,
    query,
    chosen,
    /** From the first page on, as after a change of filters. */
    restart() {
      query.offset = 0;
      return reload();
    },
    /** Show other columns. */
    setColumns(next) {
      columns = next;
      drawHead();
      draw();
    },
    /** Select exactly these. */
    select(numbers) {
      chosen.clear();
      for (const number of numbers) chosen.add(number);
      mark();
    },
  };
}
