// The start: which page the address names, and what all pages share.
// The address is behind the "#": #/, #/study/NAME/TAB/..., #/compare/A/B; names are encoded.

import { ahead, get, of, onRefused, post } from "./api.js";
import { attempt } from "./dialog.js";
import { announce, el, fill, icon, name } from "./dom.js";
import { loadPlotly } from "./figures.js";
import { applyTheme, onTheme, switchTheme, theme } from "./theme.js";
import { comparePage } from "./pages/compare.js";
import { loginPage } from "./pages/login.js";
import { studiesPage } from "./pages/studies.js";
import { studyPage } from "./pages/study.js";

const main = document.getElementById("main");
const about = { version: "", login: false, read_only: false, storage: null };
let current = null;
let visits = 0;

const LINKS = {
  live: ["Live", "Connected: changes appear by themselves"],
  lost: ["Connection lost, trying again", "The server doesn't answer; what is shown may be old"],
  away: ["Paused", "Paused while the page is hidden"],
  none: ["", ""],
};

/** Show how the stream of news stands. */
function link(state) {
  const node = document.getElementById("link");
  if (node.dataset.link === state) return;
  const before = node.dataset.link;
  node.dataset.link = state;
  node.title = LINKS[state][1];
  fill(node, el("span", {}, LINKS[state][0]));
  node.hidden = state === "none";
  if (state === "lost") announce("Connection lost, trying again");
  if (state === "live" && before === "lost") announce("Connected again");
}

/** Where in the dashboard one is: [[text, address], ...]. */
function trail(steps) {
  fill(
    document.getElementById("trail"),
    steps.map(([text, href], k) => el("li", { "aria-current": k === steps.length - 1 ? "page" : null }, href ? el("a", { href }, name(text)) : name(text))),
  );
  const last = steps.at(-1)?.[0];
  document.title = last ? `${last.slice(0, 80)} – Luthier` : "Luthier";
}

function route() {
  const parts = window.location.hash.replace(/^#\/?/, "").split("/").filter(Boolean);
  try {
    return parts.map(decodeURIComponent);
  } catch {
    return [];
  }
}

const PAGES = { study: studyPage, compare: comparePage };

function go() {
  if (about.login) return open(loginPage, []);
  const [kind, ...rest] = route();
  visits += 1;
  if (current?.go?.(kind, rest)) return undefined; // the same page, another part of it
  return open(PAGES[kind] ?? studiesPage, rest);
}

function open(make, rest) {
  current?.close?.();
  fill(main);
  link("none");
  window.scrollTo(0, 0);
  current = make({ main, about, link, trail, rest, start });
  if (visits > 1) main.focus({ preventScroll: true });
  return undefined;
}

/** Learn what this server is, log in if the address brings a token, and show the page. */
async function start() {
  const token = /^#token=(.*)$/.exec(window.location.hash)?.[1];
  if (token) {
    window.history.replaceState(null, "", "#/");
    await attempt(() => post("api/login", { token: decodeURIComponent(token) }));
  }
  try {
    Object.assign(about, await get("api/about"));
  } catch (error) {
    fill(main, el("p", { class: "banner bad", role: "alert" }, error.message, el("button", { type: "button", class: "button", on: { click: start } }, "Try again")));
    return;
  }
  document.getElementById("leave").hidden = about.login || !about.session;
  go();
}

function themeButton() {
  const node = document.getElementById("theme");
  const show = () => {
    node.setAttribute("aria-pressed", String(theme() === "dark"));
    fill(node, icon(theme() === "dark" ? "light" : "dark"));
    node.title = theme() === "dark" ? "Switch to light" : "Switch to dark";
  };
  node.addEventListener("click", switchTheme);
  onTheme(show);
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address behind "#" is ours
  main.focus();
});
document.getElementById("leave").addEventListener("click", async () => {
  await attempt(() => post("api/logout"));
  start();
});
onRefused(() => {
  if (about.login) return;
  about.login = true;
  go();
});
window.addEventListener("hashchange", go);
const [kind, study, tab] = route();
if (!kind?.startsWith("token=")) ahead("api/about");
if (kind === "study" && study) {
  ahead(of(study));
  if (!tab) ahead(of(study, "figures", "history"));
}
themeButton();
applyTheme();
loadPlotly().catch(() => {}); // charts say so when they are drawn
start();
