"""What is answered about one study: a trial, its output, a figure, all of it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from luthier import __version__
from luthier.core.output import output_files
from luthier.dashboard.rows import trial_page
from luthier.dashboard.view import View
from luthier.errors import ArgumentError, StudyError
from luthier.plots import FIGURES, Figure
from luthier.service.problems import RefusedError
from luthier.study.export import csv_lines, json_lines

__all__ = ["csv_of", "figure_of", "json_of", "log_of", "trial_of"]

_SLOW: Final = frozenset(
    {"importance", "interactions", "dependence", "contour", "feasibility", "hypervolume"}
)
"""Figures that a model is fitted for, or that compute for long."""


def trial_of(view: View, number: int) -> dict[str, Any]:
    """Return all that is known of one trial.

    Raises:
        TrialNotFoundError: There is no such trial.
    """
    row = view.row(number, cut=False)
    events = view.study.storage.events(view.id, number=number)
    folder = view.study.storage.logs(view.id)
    with view.lock:
        page = trial_page(view.trials[number], view.trials, events, folder)
    return {"version": view.version, **row, **page}


def log_of(view: View, number: int, attempt: int | None) -> dict[str, Any]:
    """Return what a trial printed in one of its runs, in the last if None.

    Raises:
        TrialNotFoundError: There is no such trial.
        RefusedError: 404: nothing is kept of that run.
    """
    view.study._driver.trial(number)
    folder = view.study.storage.logs(view.id)
    kept = {} if folder is None else output_files(folder, number)
    attempt = max(kept, default=0) if attempt is None else attempt
    if attempt not in kept:
        raise RefusedError(404, f"Nothing that trial {number} printed in that run is kept.")
    return {"attempt": attempt, "text": kept[attempt].read_bytes().decode("utf-8", "replace")}


def figure_of(view: View, name: str, options: str) -> dict[str, Any]:
    """Return a figure of a study.

    Args:
        view: The study.
        name: One of ``plots.FIGURES``.
        options: Arguments of the function that draws it, as a JSON object.

    Raises:
        RefusedError: 404: no such figure; 422: other options than it has.
        StudyError: It would show nothing; the message says why.
        ArgumentError: Options that don't fit it.
    """
    kind = FIGURES.get(name)
    if kind is None:
        raise RefusedError(404, f"There is no figure {name[:60]!r}.")
    given = _options(kind.draw, options)
    with view.drawing(slow=name in _SLOW) as history:
        if (why := kind.why_not(history, history.space)) is not None:
            raise StudyError(why)
        try:
            figure: Figure = kind.draw(history, history.space, **given)
        except (TypeError, ValueError, KeyError, IndexError) as error:
            if not given or isinstance(error, ArgumentError):
                raise
            raise ArgumentError(f"These options don't fit the figure: {given!r:.200}.") from None
    return {"figure": figure.to_dict(), "title": figure.title, "note": figure.note}


def _options(draw: Callable[..., Figure], text: str) -> dict[str, Any]:
    try:
        options = json.loads(text)
    except ValueError:
        raise RefusedError(422, "A figure's options must be JSON.") from None
    known = list(inspect.signature(draw).parameters)[2:]
    if not isinstance(options, dict) or any(name not in known for name in options):
        raise RefusedError(
            422, f"A figure's options must be an object with some of: {', '.join(known)}."
        )
    if isinstance(options.get("most"), int):
        options["most"] = min(max(options["most"], 1), 10_000)
    return options


def csv_of(view: View) -> Iterator[str]:
    """The trials of a study as lines of a table, harmless to spreadsheets."""
    with view.lock:
        return csv_lines(list(view.trials), view.study.objective, defused=True)


def json_of(view: View) -> Iterator[str]:
    """All of a study as lines of JSON."""
    return json_lines(view.study, __version__)
