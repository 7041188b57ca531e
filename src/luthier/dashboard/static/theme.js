// Light or dark: as the system says, or as the user chose last.

const KEY = "luthier-theme";
const listeners = new Set();
const system = window.matchMedia("(prefers-color-scheme: dark)");

/** "light" or "dark", as shown now. */
export function theme() {
  return chosen() ?? (system.matches ? "dark" : "light");
}

function chosen() {
  try {
    const word = window.localStorage.getItem(KEY);
    return word === "light" || word === "dark" ? word : null;
  } catch {
    return document.documentElement.dataset.theme ?? null; // storage is forbidden: this page only
  }
}

/** Put the theme on the page and tell who drew by it. */
export function applyTheme() {
  document.documentElement.dataset.theme = theme();
  for (const listener of listeners) listener(theme());
}

/** Change to the other one, and remember. */
export function switchTheme() {
  const next = theme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try {
    window.localStorage.setItem(KEY, next);
  } catch {
    // Not remembered, but shown.
  }
  applyTheme();
}

/** Call with "light" or "dark" at each change; returns a function that ends it. */
export function onTheme(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

system.addEventListener("change", applyTheme);
