// What the server is asked, and what goes wrong with it. The contract: docs/adr/0033-dashboard.md.

/** A request that failed, in words for the user; `errors` says what is wrong by parameter. */
export class Problem extends Error {
  constructor(status, text, errors = {}) {
    super(text);
    this.status = status;
    this.errors = errors;
  }
}

let refused = () => {};

/** Call when a request is answered with 401: the user must log in. */
export function onRefused(action) {
  refused = action;
}

const DOTS = /^~*\.\.?$/; // browsers take "." and ".." out of an address, however they are written

/** The address of something of a study, whose name is encoded. */
export function of(study, ...parts) {
  return ["api/studies", (DOTS.test(study) ? "~" : "") + encodeURIComponent(study), ...parts].join("/");
}

async function send(path, options) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The server can't be reached. It may have been stopped.");
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const told = await answer.json().catch(() => ({}));
  if (answer.status === 401 && path !== "api/login") refused();
  throw new Problem(answer.status, told.detail ?? `The server answered ${answer.status}.`, told.errors);
}

const early = new Map();

/** Begin to GET what will be asked for in a moment, while scripts are still being read. */
export function ahead(path) {
  const answer = send(path, {});
  answer.catch(() => early.delete(path)); // who asks then asks again
  early.set(path, answer);
}

/** GET as JSON. */
export function get(path, signal) {
  const begun = early.get(path);
  early.delete(path);
  return begun ?? send(path, { signal });
}

/** POST JSON, and get JSON. */
export function post(path, body = {}, signal) {
  return send(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
}
