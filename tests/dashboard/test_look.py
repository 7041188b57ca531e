"""The look: contrasts of the colours, and that pages and charts share them."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from luthier.plots.theme import MARKS, THEMES

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "src/luthier/dashboard/static"
TOKENS = (STATIC / "tokens.css").read_text(encoding="utf-8")


def tokens(theme: str) -> dict[str, str]:
    """Colours by name; what a theme doesn't change it has from the first one."""
    blocks = re.findall(r"^:root(.*?) \{(.*?)^\}", TOKENS, re.MULTILINE | re.DOTALL)
    wanted = [text for chosen, text in blocks if not chosen or theme in chosen]
    return {
        name: value
        for text in wanted
        for name, value in re.findall(r"--([\w-]+): (#[0-9a-f]{6});", text)
    }


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


TEXT = [
    (ink, ground)
    for ink in ("ink", "ink-soft", "accent", "good", "warn", "bad")
    for ground in ("bg", "surface", "sunk", "hover", "raised")
]
TEXT += [
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("ink", "accent-soft"),
    ("ink-soft", "accent-soft"),
    ("ink", "mark"),
]
TEXT += [(word, f"{word}-soft") for word in ("good", "warn", "bad")]
SIGNS = [
    (sign, ground)
    for sign in ("edge", "complete", "pruned", "failed", "running", "star")
    for ground in ("surface", "raised")
]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_can_be_read(theme: str, ink: str, ground: str) -> None:
    colours = tokens(theme)
    assert contrast(colours[ink], colours[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("sign", "ground"), SIGNS)
def test_signs_and_edges_can_be_seen(theme: str, sign: str, ground: str) -> None:
    colours = tokens(theme)
    assert contrast(colours[sign], colours[ground]) >= 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_have_the_colours_of_the_charts(theme: str) -> None:
    colours, chart = tokens(theme), THEMES[theme]
    assert colours["surface"] == chart.paper
    assert colours["ink"] == chart.ink
    assert colours["ink-soft"] == chart.faint
    assert colours["grid"] == chart.grid
    assert colours["raised"] == chart.hover


def test_states_have_the_colours_of_the_charts() -> None:
    colours = tokens("light")
    for name in ("complete", "pruned", "failed", "running"):
        assert colours[name] == MARKS[name].colour
    assert colours["star"] == MARKS["best"].colour


def test_the_charts_themes_are_those_of_the_package() -> None:
    written = runpy.run_path(str(ROOT / "tools/dashboard_themes.py"))
    held = (STATIC / "themes.js").read_text(encoding="utf-8")
    assert held == written["text"](), "run tools/dashboard_themes.py"


def test_every_colour_is_a_token() -> None:
    for name in ("layout.css", "parts.css", "plotly.css"):
        loose = re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(", (STATIC / name).read_text("utf-8"))
        assert loose == [], name


def test_every_token_is_used() -> None:
    files = [
        path.read_text("utf-8") for path in STATIC.rglob("*") if path.suffix in (".css", ".js")
    ]
    known = set(re.findall(r"--([\w-]+):", TOKENS))
    used = {name for text in files for name in re.findall(r"var\(--([\w-]+)", text)}
    assert used - known == set()
    assert known - used <= {"grid"}  # the charts' own


def test_pages_hold_no_markup_styles_or_scripts_of_their_own() -> None:
    page = (STATIC / "index.html").read_text("utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bstyle=|\bon\w+=|https?://", page)
    for path in STATIC.rglob("*.js"):
        text = path.read_text("utf-8")
        found = re.findall(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function", text
        )
        assert found == [], path.name
        elsewhere = re.findall(r"https?://[^\s\"']+", text)
        assert [url for url in elsewhere if url != "http://www.w3.org/2000/svg"] == [], path.name


def test_every_module_is_asked_for_at_once() -> None:
    page = (STATIC / "index.html").read_text("utf-8")
    modules = {path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.js")}
    asked = set(re.findall(r'rel="modulepreload" href="static/([\w/.-]+)"', page))
    assert asked == modules - {"app.js", "first.js"}
