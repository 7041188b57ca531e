// Runs before anything is painted, so that dark pages don't flash.
(function () {
  "use strict";
  var word = null;
  try {
    word = window.localStorage.getItem("luthier-theme");
  } catch (error) {
    word = null;
  }
  var dark = word === "dark" || (word !== "light" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
