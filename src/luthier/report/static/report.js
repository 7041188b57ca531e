// On paper a report is light, and its figures are as wide as the page.
(function () {
  "use strict";
  const html = document.documentElement;
  const figures = () => document.querySelectorAll(".luthier-figure.js-plotly-plot");

  addEventListener("beforeprint", () => {
    html.dataset.theme = "light";
    luthierFigures.recolour();
    for (const figure of figures()) Plotly.relayout(figure, { width: 640, autosize: false });
  });
  addEventListener("afterprint", () => {
    delete html.dataset.theme;
    for (const figure of figures()) Plotly.relayout(figure, { width: null, autosize: true });
  });
})();
