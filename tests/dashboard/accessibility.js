// What assistive technology needs, looked for in the page as it is; returns what is wrong, in words.
() => {
  const wrong = [];
  const shown = (node) => node.checkVisibility() && !node.closest("[aria-hidden=true]");
  const words = (ids) => ids.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
  const nameOf = (node) =>
    node.getAttribute("aria-label")?.trim() ||
    words(node.getAttribute("aria-labelledby") ?? "") ||
    [...(node.labels ?? [])].map((label) => label.textContent).join(" ").trim() ||
    (node.matches("input, select, textarea") ? "" : node.textContent.trim()) ||
    node.title;
  const told = (node) => node.outerHTML.slice(0, 120);

  for (const node of document.querySelectorAll("a[href], button, input, select, textarea, summary, [role=group], dialog, nav, table.rows")) {
    const named = node.matches("table") ? node.caption?.textContent : nameOf(node);
    if (shown(node) && !named) wrong.push(`no name: ${told(node)}`);
  }
  let level = 0;
  for (const node of document.querySelectorAll("h1, h2, h3, h4")) {
    if (!shown(node)) continue;
    const next = Number(node.localName[1]);
    if (next > level + 1) wrong.push(`h${next} after h${level}: ${told(node)}`);
    if (!node.textContent.trim()) wrong.push(`empty heading: ${told(node)}`);
    level = next;
  }
  for (const attribute of ["for", "aria-labelledby", "aria-describedby", "aria-controls"]) {
    for (const node of document.querySelectorAll(`[${attribute}]`)) {
      for (const id of node.getAttribute(attribute).split(/\s+/)) {
        if (!document.getElementById(id)) wrong.push(`${attribute} names nothing: ${told(node)}`);
      }
    }
  }
  const ids = [...document.querySelectorAll("[id]")].filter((node) => !node.closest("svg")).map((node) => node.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`two elements are called ${id}`);
  for (const cell of document.querySelectorAll("th")) if (!cell.scope) wrong.push(`no scope: ${told(cell)}`);
  for (const node of document.querySelectorAll("svg")) {
    if (node.id === "js-plotly-tester") continue; // where plotly.js measures text, off the page
    const known = node.closest("[aria-hidden=true], [role=img], [role=group], button");
    if (!known && shown(node)) wrong.push(`a drawing without words: ${told(node)}`);
  }
  for (const node of document.querySelectorAll("img:not([alt])")) wrong.push(`no alt: ${told(node)}`);
  for (const what of ["header", "main", "nav"]) if (!document.querySelector(what)) wrong.push(`no ${what}`);
  if (document.documentElement.lang !== "en") wrong.push("no language");
  for (const node of document.querySelectorAll("[tabindex]")) if (node.tabIndex > 0) wrong.push(`jumps the queue: ${told(node)}`);
  return wrong;
}
