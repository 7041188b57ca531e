"""The page in a real browser: nothing is asked for, nothing goes wrong, hostile names are text."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from luthier import Categorical, Float, Space
from luthier.core.trial import TrialState
from luthier.plots import THEMES
from luthier.report import Report, tell
from luthier.testing.rehearsal import Rehearsal

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.xdist_group("browser")
HARM = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>\u202e' + "x" * 10_000


def hostile() -> Report:
    space = Space({HARM: Float(0, 1), "y": Float(0, 1), "c": Categorical([HARM, "</td>"])})
    play, rng = Rehearsal(space), np.random.default_rng(0)
    for k in range(60):
        trial = play.add({HARM: rng.random(), "y": rng.random(), "c": HARM if k % 2 else "</td>"})
        for step in range(1, 4):
            trial = play.report(trial, step, {"value": rng.random()})
        if trial.params[HARM] > 0.8:
            play.end(trial, TrialState.FAILED)
        else:
            play.end(trial, value=trial.params[HARM] + 0.1 * trial.params["y"])
    return tell(play.history, HARM, {"sampler": {"name": HARM}}, {"note": HARM, "tags": [HARM]})


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("needs Debian's Chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    path = hostile().save(tmp_path_factory.mktemp("report") / "report.html")
    with sync_api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = chromium.new_page(color_scheme="light", viewport={"width": 1000, "height": 700})
        page.said, page.asked = [], []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("dialog", lambda dialog: (page.said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(path.as_uri())
        n = page.locator(".luthier-figure").count()
        drawn = f"document.querySelectorAll('.js-plotly-plot .main-svg').length >= {n}"
        page.wait_for_function(drawn, timeout=120_000)
        yield page
        chromium.close()


def test_hostile_names_are_text_and_nothing_is_loaded(tab: Any) -> None:
    assert tab.said == []
    assert [url for url in tab.asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert tab.locator("img, iframe, [onerror]").count() == 0
    assert "<img src=x onerror=" in tab.locator("h1").inner_text()
    assert tab.title().endswith("what the study found")


def test_headings_tables_and_figures_have_their_roles(tab: Any) -> None:
    levels = tab.eval_on_selector_all("h1, h2, h3", "all => all.map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for table in tab.locator("table").all():
        assert table.locator("th[scope]").count() > 0
    named = "all => all.every(f => document.getElementById(f.getAttribute('aria-labelledby')))"
    assert tab.eval_on_selector_all("figure, section", named)


@pytest.mark.parametrize("width", [1000, 400])
def test_nothing_sticks_out_of_the_window(tab: Any, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 700})
    tab.wait_for_function(f"innerWidth === {width}")
    tab.wait_for_function(f"document.documentElement.scrollWidth <= {width}", timeout=10_000)


def test_it_follows_the_readers_taste_and_is_light_on_paper(tab: Any) -> None:
    background = "getComputedStyle(document.querySelector('.card')).backgroundColor"
    paper = "document.querySelector('.js-plotly-plot')._fullLayout.paper_bgcolor"
    assert tab.evaluate(background) == "rgb(255, 255, 255)"
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_function(f"{paper} === '{THEMES['dark'].paper}'")
    assert tab.evaluate(background) != "rgb(255, 255, 255)"
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.wait_for_function(f"{paper} === '{THEMES['light'].paper}'")
    assert tab.evaluate(background) == "rgb(255, 255, 255)"
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    tab.wait_for_function(f"{paper} === '{THEMES['dark'].paper}'")
    assert tab.said == []
