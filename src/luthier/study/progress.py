"""Live progress: a bar on a terminal, a cell of a notebook, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from luthier.core.events import Event, TrialFailed, TrialFinished, TrialPaused
from luthier.core.history import History
from luthier.space.visible import visible
from luthier.study.driver import Driver
from luthier.study.narration import incumbent
from luthier.study.notebook import cell_progress, in_notebook
from luthier.study.tradeoffs import least_infeasible

__all__ = ["progress", "summary"]

_LINE_SECONDS = 5.0


@contextmanager
def progress(
    driver: Driver, n_trials: int | None, total_trials: int | None, out: TextIO | None = None
) -> Iterator[None]:
    """Show the progress of a study while the block runs.

    Args:
        driver: The study's driver.
        n_trials: How many more trials are wanted, if known.
        total_trials: How many in all, if known.
        out: Where to, stderr if None.
    """
    stream = sys.stderr if out is None else out
    before = _done(driver.ledger.snapshot())
    goal = before + n_trials if n_trials is not None else total_trials
    watch: Any
    if out is None and in_notebook():
        watch = cell_progress(driver.record.name, goal, lambda: _standing(driver))
    else:
        watch = _bar(driver, goal, stream) if stream.isatty() else _lines(driver, goal, stream)
    with watch as update:

        def listen(event: Event) -> None:
            if isinstance(event, (TrialFinished, TrialFailed, TrialPaused)):
                update()

        driver.listeners.append(listen)
        try:
            yield
        finally:
            driver.listeners.remove(listen)


def summary(history: History) -> str:
    """How the study stands, in a few words: state counts and the best so far."""
    counts = {
        "complete": len(history.completed),
        "pruned": len(history.pruned),
        "failed": len(history.failed),
        "running": len(history.running),
        "paused": len(history.paused),
        "waiting": len(history.waiting),
    }
    text = ", ".join(f"{n} {name}" for name, n in counts.items() if n) or "no trials"
    if (best := incumbent(history)) is not None:
        value = f"{best.metric_names[0]}={best.metric_values[0]:.6g}"
        return f"{text}; best {value} (trial {best.number})"
    if (least := least_infeasible(history)) is not None:
        return f"{text}; none feasible, trial {least.number} the least infeasible"
    return text


@contextmanager
def _bar(driver: Driver, goal: int | None, stream: TextIO) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.fields[study]}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=Console(file=stream)) as bar:
        history = driver.ledger.snapshot()
        task = bar.add_task(
            summary(history),
            total=goal,
            completed=_done(history),
            study=visible(driver.record.name),
        )

        def update() -> None:
            now = driver.ledger.snapshot()
            bar.update(task, completed=_done(now), description=summary(now))

        yield update


@contextmanager
def _lines(driver: Driver, goal: int | None, stream: TextIO) -> Iterator[Any]:
    name = visible(driver.record.name)
    began = last = time.monotonic()
    n_before = _done(driver.ledger.snapshot())

    def line() -> None:
        history = driver.ledger.snapshot()
        done = _done(history)
        of = f"/{goal}" if goal is not None else ""
        rate = (done - n_before) / max(time.monotonic() - began, 1e-9)
        eta = f", about {(goal - done) / rate:.0f} s left" if goal and rate and goal > done else ""
        print(f"{name}: {done}{of} trials, {summary(history)}{eta}", file=stream)

    def update() -> None:
        nonlocal last
        if time.monotonic() - last >= _LINE_SECONDS:
            last = time.monotonic()
            line()

    yield update
    line()


def _standing(driver: Driver) -> tuple[int, str]:
    history = driver.ledger.snapshot()
    return _done(history), summary(history)


def _done(history: History) -> int:
    """How many trials aren't worked on any more, at least for now."""
    return history.n_finished + len(history.paused)
