// Questions, forms and short messages above the page.

import { announce, button, el, fill, fresh } from "./dom.js";

/**
 * Show a dialog with a form; resolves to true when it was sent, to false when it was left.
 * `send` does the work: while it fails, the dialog stays open and says why.
 */
export function ask({ title, body, action = "Save", kind = "primary", send, slim = false, extra = null }) {
  return new Promise((resolve) => {
    const heading = fresh("dialog");
    const trouble = el("p", { class: "error-text", role: "alert" });
    const submit = el("button", { type: "submit", class: `button ${kind}` }, action);
    const close = () => box.close();
    const form = el(
      "form",
      { method: "dialog", novalidate: true, on: { submit: sent } },
      el(
        "div",
        { class: "dialog-head" },
        el("h2", { id: heading }, title),
        button("", close, { kind: "quiet sign", sign: "close", "aria-label": "Close" }),
      ),
      el("div", { class: "dialog-body" }, body, trouble),
      el("div", { class: "dialog-foot" }, extra, button("Cancel", close, { kind: "quiet" }), submit),
    );
    const box = el("dialog", { class: slim ? "slim" : "", "aria-labelledby": heading }, form);
    let done = false;
    async function sent(event) {
      event.preventDefault();
      if (submit.disabled) return;
      submit.disabled = true;
      fill(trouble);
      try {
        await send();
        done = true;
        box.close();
      } catch (error) {
        fill(trouble, error.message);
      } finally {
        submit.disabled = false;
      }
    }
    const before = document.activeElement;
    box.addEventListener("close", () => {
      box.remove();
      if (before?.isConnected) before.focus();
      resolve(done);
    });
    document.body.append(box);
    box.showModal();
    box.querySelector(".dialog-body :is(input, select, textarea)")?.focus();
  });
}

/** Ask whether something should really be done. */
export function confirm({ title, text, action, send, kind = "danger" }) {
  return ask({ title, body: el("p", {}, text), action, send, kind, slim: true });
}

/** Show something to read. */
export function show(title, body) {
  const heading = fresh("dialog");
  const box = el("dialog", { class: "slim", "aria-labelledby": heading });
  const before = document.activeElement;
  fill(
    box,
    el(
      "form",
      { method: "dialog" },
      el(
        "div",
        { class: "dialog-head" },
        el("h2", { id: heading }, title),
        button("", () => box.close(), { kind: "quiet sign", sign: "close", "aria-label": "Close" }),
      ),
      el("div", { class: "dialog-body" }, body),
    ),
  );
  box.addEventListener("close", () => {
    box.remove();
    if (before?.isConnected) before.focus();
  });
  document.body.append(box);
  box.showModal();
}

/** Say what happened, for a few seconds from when it can be seen: a page may be busy, or behind another. */
export function toast(text, { bad = false } = {}) {
  const place = document.getElementById("toasts");
  const note = el("p", { class: bad ? "toast bad" : "toast" }, text);
  place.append(note);
  announce(text);
  requestAnimationFrame(() => setTimeout(() => note.remove(), bad ? 9000 : 4500));
}

/** Do something and say how it went. */
export async function attempt(work, said) {
  try {
    await work();
    if (said) toast(said);
    return true;
  } catch (error) {
    toast(error.message, { bad: true });
    return false;
  }
}
