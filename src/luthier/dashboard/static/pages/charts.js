// Every figure that has something to show, drawn when it is looked at.

import { of } from "../api.js";
import { el, fill, fresh } from "../dom.js";
import { figure } from "../figures.js";

const WIDE = new Set(["history", "slice", "parallel", "dependence", "contour", "curves", "lineage", "schedules", "pareto", "hypervolume", "timeline"]);

/** Figures that can be asked for certain parameters, and how many of them. */
const PARAMS = { slice: 1, dependence: 1, contour: 2, rank: 2, feasibility: 2 };

export function chartsTab({ place, study }) {
  const { info, title } = study;
  const cards = [];
  const makes = info.figures.filter((f) => !f.why_not);
  const others = info.figures.filter((f) => f.why_not);

  function card(kind) {
    const options = {};
    const address = () => {
      const asked = Object.keys(options).length ? `?options=${encodeURIComponent(JSON.stringify(options))}` : "";
      return of(title, "figures", kind.name) + asked;
    };
    const made = figure({ title: kind.title, address, width: WIDE.has(kind.name) ? "" : "wide-6", tools: tools(kind, options, () => made.refresh()) });
    made.node.id = `chart-${kind.name}`;
    cards.push(made);
    return made.node;
  }

  function tools(kind, options, redraw) {
    const parts = [];
    const metrics = info.objective.names;
    const most = PARAMS[kind.name] ?? 0;
    const names = info.space.params.filter((p) => p.kind !== "constant").map((p) => p.name);
    if (metrics.length > 1 && !["pareto", "hypervolume", "timeline", "feasibility"].includes(kind.name)) {
      parts.push(
        select(`Metric of ${kind.title}`, metrics, 0, (k) => {
          options.metric = metrics[k];
          redraw();
        }),
      );
    }
    if (most > 0 && names.length > most) {
      const all = most === 1 ? ["all"] : ["automatic"];
      const picks = Array.from({ length: most }, () => 0);
      for (let place = 0; place < most; place += 1) {
        parts.push(
          select(most === 1 ? `Parameter of ${kind.title}` : `Parameter ${place + 1} of ${kind.title}`, [...all, ...names], 0, (k) => {
            picks[place] = k;
            if (picks.every((p) => p > 0)) options.params = picks.map((p) => names[p - 1]);
            else delete options.params;
            if (picks.every((p) => p > 0) || picks.every((p) => p === 0)) redraw();
          }),
        );
      }
    }
    return parts.length ? parts : null;
  }

  fill(
    place,
    makes.length === 0 && el("div", { class: "empty" }, el("h2", {}, "Nothing to draw yet"), el("p", { class: "soft" }, "Charts appear when trials have finished.")),
    el("div", { class: "grid" }, makes.map(card)),
    others.length > 0 && el("details", { class: "others" }, el("summary", {}, `${others.length} more charts don't fit this study`), el("ul", {}, others.map((f) => el("li", {}, f.title, ": ", el("span", { class: "soft" }, f.why_not))))),
  );
  return {
    news({ version }) {
      for (const made of cards) made.refresh(version);
    },
    close() {
      for (const made of cards) made.close();
    },
  };
}

function select(label, items, at, change) {
  const id = fresh("select");
  const node = el("select", { id, "aria-label": label, class: "slim", on: { change: () => change(node.selectedIndex) } }, items.map((item) => el("option", {}, String(item).slice(0, 60))));
  node.selectedIndex = at;
  return node;
}
