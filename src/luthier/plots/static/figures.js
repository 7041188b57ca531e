// Draws figures: elements of class "luthier-figure" that hold their JSON in a <script>.
// A plain script, so that pages, reports and notebooks share it; needs window.Plotly and the
// templates of the themes. Text comes in escaped for plotly, and is never put in as markup here.
(function (root) {
  "use strict";
  const config = { responsive: true, displaylogo: false, displayModeBar: "hover", showSendToCloud: false };
  const drawn = new Set();

  function preferred() {
    const html = document.documentElement, body = document.body;
    const told = html.dataset.theme;
    if (told === "light" || told === "dark") return told;
    if (body && body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "true" ? "light" : "dark";
    if (body && body.classList.contains("vscode-dark")) return "dark";
    if (body && body.classList.contains("vscode-light")) return "light";
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  function draw(element, figure, templates) {
    const layout = Object.assign({}, figure.layout, { template: templates[preferred()] });
    element.luthierTemplates = templates;
    element.style.minWidth = `${figure.layout.meta.width || 0}px`; // what is around it scrolls
    drawn.add(element);
    return root.Plotly.newPlot(element, figure.data, layout, config);
  }

  function recolour() {
    for (const element of drawn) {
      if (!element.isConnected) { drawn.delete(element); continue; }
      const layout = Object.assign({}, element.layout, { template: element.luthierTemplates[preferred()] });
      root.Plotly.react(element, element.data, layout, config);
    }
  }

  function drawAll(templates) {
    for (const element of document.querySelectorAll(".luthier-figure:not([data-drawn])")) {
      const source = element.querySelector("script[type='application/json']");
      if (!source) continue;
      const figure = JSON.parse(source.textContent);
      element.dataset.drawn = "";
      element.replaceChildren();
      draw(element, figure, templates);
    }
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  const watch = new MutationObserver(recolour);
  watch.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  if (document.body) {
    watch.observe(document.body, { attributes: true, attributeFilter: ["class", "data-jp-theme-light"] });
  }
  root.luthierFigures = { draw, drawAll, recolour, preferred };
})(window);
