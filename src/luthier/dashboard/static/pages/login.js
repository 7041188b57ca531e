// The token, asked for once; the server answers with a cookie that scripts can't read.

import { post } from "../api.js";
import { el, fill } from "../dom.js";

export function loginPage({ main, trail, start }) {
  trail([["Sign in"]]);
  const field = el("input", { id: "token", type: "password", autocomplete: "current-password", required: true, "aria-describedby": "token-error" });
  const error = el("p", { id: "token-error", class: "error-text", role: "alert" });
  const submit = el("button", { type: "submit", class: "button primary" }, "Sign in");
  async function sent(event) {
    event.preventDefault();
    submit.disabled = true;
    fill(error);
    try {
      await post("api/login", { token: field.value.trim() });
      await start();
    } catch (problem) {
      fill(error, problem.status === 401 ? "That isn't the token. Nothing else was checked." : problem.message);
      field.setAttribute("aria-invalid", "true");
      field.select();
    } finally {
      submit.disabled = false;
    }
  }
  fill(
    main,
    el(
      "form",
      { class: "login", on: { submit: sent } },
      el("h1", {}, "Sign in"),
      el("p", { class: "soft small" }, "This server asks for a token. It was shown where ", el("code", {}, "luthier dashboard"), " was started, and is in its token file."),
      el("div", { class: "field" }, el("label", { for: "token" }, "Token"), field, error),
      submit,
    ),
  );
  field.focus();
  return {};
}
