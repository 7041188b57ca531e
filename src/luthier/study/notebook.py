"""What a notebook shows: a study at a glance, and how far it has got while it runs."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Final

from luthier.core.history import History
from luthier.space.markup import cell

__all__ = ["cell_progress", "in_notebook", "study_html"]

_SECONDS: Final = 0.25  # between two updates of a cell


def study_html(name: str, words: str, history: History) -> str:
    """Return a study as a notebook shows it: a line of words, and its trials as a figure.

    Args:
        name: The study's name.
        words: How it stands.
        history: Its history.
    """
    line = f"<p><b>{cell(name)}</b>: {cell(words)}</p>"
    if not history.n_finished:
        return line
    from luthier.plots import draw_history

    return line + draw_history(history, history.space)._repr_html_()


def in_notebook() -> bool:
    """Whether this code runs in a kernel, whose output is a page."""
    shell = sys.modules.get("IPython")
    running = None if shell is None else shell.get_ipython()
    return getattr(running, "kernel", None) is not None


@contextmanager
def cell_progress(
    name: str, goal: int | None, look: Callable[[], tuple[int, str]]
) -> Iterator[Callable[[], None]]:
    """Show progress below a notebook's cell, in one place; yield what updates it.

    Args:
        name: The study's name.
        goal: How many trials there are to be, if known.
        look: Returns how many are done, and how the study stands, in words.
    """
    display = importlib.import_module("IPython.display")
    began = last = time.monotonic()
    before = look()[0]

    def markup() -> str:
        done, words = look()
        rate = (done - before) / max(time.monotonic() - began, 1e-9)
        left = (
            f" · about {(goal - done) / rate:.0f} s left" if goal and rate and goal > done else ""
        )
        of = "" if goal is None else f" of {goal}"
        ends = "" if goal is None else f' max="{goal}" value="{done}"'
        return (
            f"<div><b>{cell(name)}</b> "
            f'<progress aria-label="trials"{ends} style="width:16em"></progress> '
            f"{done}{of} trials{escape(left)}<br>{cell(words)}</div>"
        )

    handle = display.display(display.HTML(markup()), display_id=True)

    def update() -> None:
        nonlocal last
        if time.monotonic() - last >= _SECONDS:
            last = time.monotonic()
            handle.update(display.HTML(markup()))

    try:
        yield update
    finally:
        handle.update(display.HTML(markup()))
