"""A figure as JSON, as a page, as plotly's, as a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from luthier.errors import ArgumentError, MissingExtraError
from luthier.plots.figure import Figure, rounded
from luthier.plots.theme import THEMES

LINE = Figure(
    "line",
    "A <line>",
    [{"type": "scatter", "x": np.array([0.0, np.nan]), "y": [1, float("inf")]}],
    {"xaxis": {"type": "linear"}},
    note="of two",
)


def test_json_has_what_a_page_needs() -> None:
    data = json.loads(LINE.to_json())
    assert data["data"] == [{"type": "scatter", "x": [0.0, None], "y": [1, None]}]
    assert data["layout"]["meta"] == {"name": "line", "note": "of two"}
    assert "template" not in data["layout"]


@pytest.mark.parametrize("theme", THEMES)
def test_a_theme_is_a_template(theme: str) -> None:
    assert json.loads(LINE.to_json(theme))["layout"]["template"] == THEMES[theme].template  # type: ignore[arg-type]
    assert LINE.to_plotly(theme).layout.template.layout.paper_bgcolor == THEMES[theme].paper  # type: ignore[arg-type]


def test_an_unknown_theme_is_an_error() -> None:
    for show in (LINE.to_json, LINE.to_plotly, LINE.to_html):
        with pytest.raises(ArgumentError, match="'light', 'dark' or 'auto', got 'pink'"):
            show(theme="pink")  # type: ignore[operator]


def test_a_page_needs_no_network_and_ends_where_it_should() -> None:
    html = LINE.to_html()
    assert "http" not in html.split("<script>")[0]
    assert html.count("</script>") == 2
    assert "<title>A &lt;line&gt;</title>" in html
    assert "src=" not in html
    assert len(html) < 800_000


def test_a_page_may_load_the_script_from_elsewhere() -> None:
    html = LINE.to_html(script='plotly.js?"><script>')
    assert '<script src="plotly.js?&quot;&gt;&lt;script&gt;"></script>' in html
    assert len(html) < 20_000


def test_files(tmp_path: Path) -> None:
    assert LINE.save(tmp_path / "a.html").read_text("utf-8") == LINE.to_html()
    assert json.loads(LINE.save(tmp_path / "a.json", theme="dark").read_text("utf-8"))
    with pytest.raises(ArgumentError, match=r"must end in .html.* got 'a.txt'"):
        LINE.save(tmp_path / "a.txt")


def test_without_plotly_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "plotly.graph_objects", None)
    with pytest.raises(MissingExtraError, match=r"luthier\[plot\]"):
        LINE.to_plotly()


def test_it_opens_in_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    LINE.show()
    path = Path(opened[0].removeprefix("file://"))
    assert path.read_text("utf-8") == LINE.to_html()


def test_numbers_have_the_digits_of_a_screen() -> None:
    assert rounded([1 / 3, float("-inf")]) == [0.3333333, None]
    assert rounded(np.arange(2)) == [0, 1]


def test_it_is_known_by_its_name() -> None:
    assert repr(LINE) == "<Figure 'line': A <line>>"
