// Charts: plotly's JSON from the server, drawn when looked at, in the page's theme.

import { get } from "./api.js";
import { el, fill, fresh } from "./dom.js";
import { throttled } from "./live.js";
import { onTheme, theme } from "./theme.js";
import { THEMES } from "./themes.js";

const CONFIG = {
  displaylogo: false,
  displayModeBar: "hover",
  showSendToCloud: false, // nothing leaves this server
  doubleClickDelay: 400,
};
let plotly = null;

/** Load plotly.js, once. */
export function loadPlotly() {
  plotly ??= new Promise((resolve, reject) => {
    const script = el("script", { src: "static/plotly.js", async: true });
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", () => {
      plotly = null;
      script.remove();
      reject(new Error("The charts' script didn't arrive."));
    });
    document.head.append(script);
  });
  return plotly;
}

const seen = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) entry.target.dispatchEvent(new CustomEvent(entry.isIntersecting ? "seen" : "unseen"));
  },
  { rootMargin: "120px" },
);

// plotly.js sets the style of some shapes as an attribute, which the policy forbids; as a property
// of the same element it may be set.
SVGElement.prototype.setAttribute = function setAttribute(name, value) {
  if (name === "style") this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
};

/** The pixels that a figure keeps for a title and a note: here they are HTML. */
const heading = (layout) => (layout.title ? 34 + (layout.meta?.note ? 22 : 0) : 0);

/** The layout as this page shows it, in the page's theme. */
function dressed(layout, extra) {
  const { title, height, ...rest } = layout;
  const margin = { ...rest.margin, t: Math.max(14, (rest.margin?.t ?? 48) - heading(layout)) };
  return { uirevision: "keep", ...rest, ...extra, margin, autosize: true, template: THEMES[theme()] };
}

const MOST = 2; // figures that are being made at once: browsers have six connections, for all there is
const waiting = [];
let made = 0;

/** Ask for a figure when fewer than MOST are being made. */
async function inLine(ask) {
  if (made >= MOST) await new Promise((go) => waiting.push(go));
  else made += 1;
  try {
    return await ask();
  } finally {
    if (waiting.length) waiting.shift()();
    else made -= 1;
  }
}

let line = Promise.resolve();

/** Draw one chart after the other, so that each is seen before the next takes its time. */
function inTurn(draw) {
  const drawn = line.then(draw);
  const pause = () => new Promise((resolve) => setTimeout(resolve));
  line = drawn.then(pause, pause);
  return drawn;
}

/**
 * A card with a chart. `address()` says where its data are; without one the card is given figures
 * by `show`. `ready(plot, figure)` is called after each drawing, with plotly's element.
 */
export function figure({ title, address = null, size = "", width = "", tools = null, ready = null, layout = {} }) {
  const id = fresh("figure");
  const note = el("span", { class: "soft tiny" });
  const plot = el("div", { class: "plot", role: "group", "aria-labelledby": id });
  const says = el("p", { class: "figure-note", hidden: true });
  const box = el("div", { class: `figure waiting ${size}` }, plot, says);
  const node = el(
    "section",
    { class: `card ${width}`, "aria-labelledby": id },
    el("header", {}, el("h2", { id }, title), el("span", { class: "row" }, note, tools)),
    el("div", { class: "body flush" }, box),
  );
  let visible = address === null;
  let stale = true;
  let wanted = 0; // the study's version: the server may answer with an older figure for a while
  let last = null;
  let closed = false;
  let later = 0;
  const leaving = new AbortController();

  async function draw() {
    const Plotly = await loadPlotly();
    if (closed || !last) return;
    if (last.layout.height && !size) box.style.setProperty("height", `${last.layout.height - heading(last.layout)}px`);
    plot.style.setProperty("min-width", `${last.layout.meta?.width ?? 0}px`);
    await inTurn(() => !closed && Plotly.react(plot, last.data, dressed(last.layout, layout), CONFIG));
    if (closed) return;
    box.classList.remove("waiting");
    says.hidden = true;
    ready?.(plot, last);
  }

  function tell(text) {
    box.classList.remove("waiting");
    says.hidden = false;
    fill(says, text);
  }

  const load = throttled(async () => {
    if (closed || !visible || !stale) return;
    stale = false;
    try {
      const answer = await inLine(() => !closed && get(address(), leaving.signal));
      if (closed) return;
      last = answer.figure;
      if (answer.version < wanted) later = setTimeout(again, 1500);
      fill(note, last.layout.meta?.note ?? "");
      await draw();
    } catch (error) {
      if (!closed && !last) tell(error.message);
    }
  }, 700);

  function again() {
    stale = true;
    if (visible) load();
  }

  box.addEventListener("seen", () => {
    visible = true;
    if (address && stale) load();
  });
  box.addEventListener("unseen", () => {
    visible = false;
  });
  seen.observe(box);
  const grown = new ResizeObserver(() => plot.classList.contains("js-plotly-plot") && window.Plotly.Plots.resize(plot));
  grown.observe(box);
  const unthemed = onTheme(() => last && draw());
  return {
    node,
    plot,
    /** There is something new: load when looked at. */
    refresh(version = 0) {
      wanted = version;
      again();
    },
    /** Show this figure, or why there is none. */
    async show(given, why = "") {
      last = given;
      if (!given) return tell(why);
      fill(note, given.layout.meta?.note ?? "");
      return draw();
    },
    close() {
      closed = true;
      leaving.abort();
      clearTimeout(later);
      unthemed();
      grown.disconnect();
      seen.unobserve(box);
      if (window.Plotly) window.Plotly.purge(plot);
    },
  };
}
