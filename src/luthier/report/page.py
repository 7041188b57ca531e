"""The report as one page: no network, findings first, light and dark, fit for paper.

Everything that isn't written here is escaped: names and values are anybody's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape, unescape
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from luthier.plots import FIGURES, THEMES, Figure
from luthier.plots.page import drawing, element
from luthier.plots.theme import FONT
from luthier.report.finding import Finding, plain

if TYPE_CHECKING:
    from luthier.report.report import Report

__all__ = ["inside", "whole"]

_STRENGTHS: Final = {"sure": "well founded", "likely": "likely", "unsure": "uncertain"}
_LONG: Final = ' class="long"'
_PARTS: Final = {
    "found": "What was found",
    "next": "What to do next",
    "figures": "Figures",
    "trials": "The best trials",
    "run": "How it was run",
}


def whole(report: Report) -> str:
    """Return a page that needs nothing else."""
    name = escape(plain(report.name, 120))
    made = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(report.made))
    body = "\n".join(_sections(report))
    links = "".join(
        f'<li><a href="#{part}">{title}</a></li>'
        for part, title in _PARTS.items()
        if f'id="{part}"' in body
    )
    scripts = f"{drawing()}\n<script>{_static('report.js')}</script>" if report.figures else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="Luthier">
<title>{name}: what the study found</title>
<style>{_style()}</style>
</head>
<body>
<a class="skip" href="#found">To the findings</a>
<header>
<p class="kicker">Report of a study</p>
<h1>{name}</h1>
<p class="faint">{escape(report.summary)}</p>
<nav aria-label="Parts of the report"><ul>{links}</ul></nav>
{_tiles(report)}
</header>
<main>
{body}
</main>
<footer>Made by Luthier on {made}. This file is complete: it loads nothing.</footer>
{scripts}
</body>
</html>
"""


def inside(report: Report) -> str:
    """Return the report for the inside of a page, such as the output of a notebook's cell."""
    title = f"<h1>{escape(plain(report.name, 120))}</h1><p>{escape(report.summary)}</p>"
    scripts = drawing() if report.figures else ""
    return "\n".join([title, *_sections(report), scripts])


def _sections(report: Report) -> Iterator[str]:
    cards = "".join(map(_card, report.findings))
    yield _section("found", f'<div class="findings">{cards}</div>')
    if report.next_steps:
        steps = "".join(f"<li>{escape(step)}</li>" for step in report.next_steps)
        yield _section("next", f'<ol class="steps card">{steps}</ol>')
    if report.figures:
        missing = "<noscript><p>The figures are drawn by a script.</p></noscript>"
        drawn = "\n".join(_figure(name, figure) for name, figure in report.figures.items())
        yield _section("figures", missing + drawn)
    if report.rows:
        caption = f"{len(report.rows)} of them, the best first"
        best = _table(caption, report.columns, report.rows, "best")
        yield _section("trials", best)
    run = "".join(
        f'<tr><th scope="row">{escape(what)}</th><td>{escape(said)}</td></tr>'
        for what, said in report.run.items()
    )
    told = f'<div class="card scroll"><table class="run"><tbody>{run}</tbody></table></div>'
    if report.parameters:
        columns = ("parameter", "kind", "values", "scale", "when")
        told += _table("The space", columns, report.parameters, "space")
    yield _section("run", f'<div class="stack">{told}</div>')


def _section(part: str, inner: str) -> str:
    title = f'<h2 id="{part}-title">{_PARTS[part]}</h2>'
    return f'<section id="{part}" aria-labelledby="{part}-title">{title}{inner}</section>'


def _tiles(report: Report) -> str:
    tiles = "".join(
        f'<div class="card"><dt>{escape(what)}</dt>'
        f"<dd{_LONG if len(value) > 12 else ''}>{escape(value)}"
        f"{f'<small>{escape(more)}</small>' if more else ''}</dd></div>"
        for what, value, more in report.tiles
    )
    return f'<dl class="tiles">{tiles}</dl>'


def _card(found: Finding) -> str:
    strength = _STRENGTHS[found.strength]
    return (
        f'<article class="finding card {found.strength}"><header><h3>{escape(found.title)}</h3>'
        f'<span class="badge">{strength}</span></header><p>{escape(found.text)}</p></article>'
    )


def _figure(name: str, figure: Figure) -> str:
    kind = FIGURES[name]
    legend = figure.layout.get("showlegend", len(figure.data) > 1)
    margin = {"t": 36 if legend else 20, **figure.layout.get("margin", {})}
    bare = replace(figure, title="", note="", layout={**figure.layout, "margin": margin})
    told = unescape(" · ".join(filter(None, (figure.title, figure.note))))
    return (
        f'<figure id="figure-{name}" aria-labelledby="figure-{name}-title">'
        f'<h3 id="figure-{name}-title">{escape(kind.title)}</h3>'
        f"<figcaption>{escape(told)}</figcaption>{element(bare.to_json())}</figure>"
    )


def _table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]], kind: str) -> str:
    numeric = [all(_is_number(row[k]) for row in rows) for k in range(len(columns))]
    marks = [' class="n"' if is_number else "" for is_number in numeric]
    head = "".join(
        f'<th scope="col"{mark}>{escape(name)}</th>'
        for name, mark in zip(columns, marks, strict=True)
    )
    body = "".join(f"<tr>{_row(row, marks)}</tr>" for row in rows)
    label = escape(caption)
    return (
        f'<div class="card scroll" tabindex="0" role="region" aria-label="{label}">'
        f'<table class="{kind}"><caption>{label}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(row: Sequence[str], marks: Sequence[str]) -> str:
    first = f'<th scope="row"{marks[0]}>{escape(row[0])}</th>'
    rest = zip(row[1:], marks[1:], strict=True)
    return first + "".join(f"<td{mark}>{escape(text)}</td>" for text, mark in rest)


def _is_number(text: str) -> bool:
    try:
        float(text or 0)
    except ValueError:
        return False
    return True


def _static(name: str) -> str:
    return (files("luthier.report") / "static" / name).read_text(encoding="utf-8")


def _style() -> str:
    style = _static("report.css").replace("%font%", FONT)
    for name, theme in THEMES.items():
        for part in ("paper", "ink", "faint", "grid"):
            style = style.replace(f"%{name}-{part}%", getattr(theme, part))
    return style
