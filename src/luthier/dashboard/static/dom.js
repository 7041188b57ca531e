// Elements from words. Text is only ever set as text, so no name or value can become markup.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element: el("a", {class: "x", href: "#", on: {click: f}}, "text", child). */
export function el(tag, props = {}, ...children) {
  return dress(document.createElement(tag), props, children);
}

/** Make an SVG element in the same way. */
export function svg(tag, props = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), props, children);
}

function dress(node, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  fill(node, ...children);
  return node;
}

/** Replace what a node holds. */
export function fill(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

/** A name that somebody else chose: kept apart from the direction of the text around it. */
export function name(text, props = {}) {
  const whole = String(text);
  const shown = whole.length > 160 ? whole.slice(0, 157) + "…" : whole;
  return el("bdi", { ...props, title: whole.length > 40 ? whole.slice(0, 1000) : null }, shown || "(empty)");
}

let count = 0;

/** An id that no other element has. */
export function fresh(word = "id") {
  count += 1;
  return `${word}-${count}`;
}

/** Say something to screen readers without moving the focus. */
export function announce(text) {
  const place = document.getElementById("announcer");
  if (place && place.textContent !== text) place.textContent = text;
}

const PATHS = {
  complete: "M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3z",
  pruned: "M2.5 4h11L8 13z",
  failed: "M4 4l8 8M12 4l-8 8",
  running: "M5 3.5v9l7.5-4.5z",
  waiting: "M8 3.8a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 0 0 0-8.4z",
  paused: "M5 3.5v9M11 3.5v9",
  stopped: "M4 4h8v8H4z",
  light: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M3.2 12.8l1.1-1.1M11.7 4.3l1.1-1.1",
  dark: "M13 9.6A5.5 5.5 0 0 1 6.4 3a5.5 5.5 0 1 0 6.6 6.6z",
  close: "M4 4l8 8M12 4l-8 8",
  up: "M3.5 10 8 5.5 12.5 10",
  down: "M3.5 6 8 10.5 12.5 6",
  left: "M10 3.5 5.5 8l4.5 4.5",
  right: "M6 3.5 10.5 8 6 12.5",
  star: "M8 2l1.8 3.8 4.2.6-3 2.9.7 4.1L8 11.4l-3.7 2 .7-4.1-3-2.9 4.2-.6z",
  plus: "M8 3v10M3 8h10",
  search: "M7 2.8a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 0 0 0-8.4zM10.2 10.2 13.5 13.5",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
};
const SOLID = new Set(["complete", "pruned", "running", "stopped", "star"]);

/** A drawn sign of 16 x 16; what it means must be said beside it. */
export function icon(what) {
  return svg(
    "svg",
    { class: `icon icon-${what}`, viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" },
    svg("path", { d: PATHS[what], class: SOLID.has(what) ? "solid" : "stroke" }),
  );
}

/** The state of a trial or a study: a sign and a word. */
export function state(word) {
  const plain = String(word).toLowerCase();
  return el("span", { class: `state state-${plain}` }, PATHS[plain] ? icon(plain) : null, plain);
}

/** A button; `kind` is "", "primary", "danger" or "quiet". */
export function button(text, action, { kind = "", sign = null, ...props } = {}) {
  return el(
    "button",
    { type: "button", class: `button ${kind}`, on: { click: action }, ...props },
    sign ? icon(sign) : null,
    text,
  );
}
