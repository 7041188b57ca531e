"""The report as Markdown: all but the figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from luthier.report.finding import plain

if TYPE_CHECKING:
    from luthier.report.report import Report

__all__ = ["written"]

_SPECIAL: Final = re.compile(r"([\\`*_\[\]#|~$])")
_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def written(report: Report) -> str:
    """Return a report as Markdown."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# Study {_text(plain(report.name, 120))}"
    yield f"\n{_text(report.summary)}\n\n## What was found\n"
    for found in report.findings:
        yield f"- **{_text(found.title)}** ({found.strength}). {_text(found.text)}"
    if report.next_steps:
        yield "\n## What to do next\n"
        yield from (f"{k}. {_text(step)}" for k, step in enumerate(report.next_steps, 1))
    if report.rows:
        yield "\n## The best trials\n"
        yield from _table(report.columns, report.rows)
    yield "\n## How it was run\n"
    yield from (f"- {_text(what)}: {_text(said)}" for what, said in report.run.items())
    if report.parameters:
        yield "\n## Its space\n"
        yield from _table(("parameter", "kind", "values", "scale", "when"), report.parameters)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(map(_text, columns))} |"
    yield "|" + "---|" * len(columns)
    yield from (f"| {' | '.join(map(_text, row))} |" for row in rows)


def _text(text: str) -> str:
    """A text that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", text).translate(_ENTITIES)
