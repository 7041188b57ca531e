"""All figures on one page, drawn by a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from luthier.core.history import History
from luthier.plots import FIGURES, THEMES
from luthier.plots.page import page

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's Chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def test_all_figures_are_drawn_without_a_word_on_the_console(
    browser: Any, histories: dict[str, History], tmp_path: Path
) -> None:
    figures = [
        kind.draw(history, history.space)
        for of in ("mixed", "several", "hostile")
        for kind in FIGURES.values()
        if kind.applies(history := histories[of], history.space)
    ]
    path = tmp_path / "all.html"
    text = page("All", [figure.to_json() for figure in figures], "inline", "auto")
    path.write_text(text, encoding="utf-8")
    said: list[str] = []
    asked: list[str] = []
    context = browser.new_context(color_scheme="light", viewport={"width": 900, "height": 600})
    tab = context.new_page()
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(path.as_uri())
    drawn = f"document.querySelectorAll('.js-plotly-plot .main-svg').length >= {len(figures)}"
    tab.wait_for_function(drawn, timeout=120_000)
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert tab.locator(".luthier-figure").count() == len(figures)
    assert tab.locator("img, iframe").count() == 0
    assert "<script>alert(1)" in tab.locator("body").inner_text()  # as text

    def paper() -> str:
        return str(
            tab.evaluate("document.querySelector('.js-plotly-plot')._fullLayout.paper_bgcolor")
        )

    assert paper() == THEMES["light"].paper
    tab.emulate_media(color_scheme="dark")
    last = "[...document.querySelectorAll('.js-plotly-plot')].at(-1)._fullLayout.paper_bgcolor"
    tab.wait_for_function(f"{last} === '{THEMES['dark'].paper}'")
    assert said == []
