"""A study at a glance, as ``luthier watch`` shows it: plain facts, nothing of how they look.

A glance costs what has changed since the last one, and passes over columns of numbers; it never
goes through all trials.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, Any, final

from luthier.cli.status import known_of, where

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from luthier.core.history import History
    from luthier.core.trial import FrozenTrial
    from luthier.study.study import Study

__all__ = ["Glance", "Worker", "glance", "sparkline"]

_RATE_SECONDS = 300.0
_MOST_ENDS = 50
_MOST_POINTS = 100_000
_BLOCKS = "▁▂▃▄▅▆▇█"
_PLAIN = "_.,-=+*#"


@final
@dataclass(frozen=True, slots=True)
class Worker:
    """A process that runs trials: where it is, which it runs, and what is wrong with it."""

    place: str
    trials: tuple[int, ...]
    known: str


@final
@dataclass(frozen=True, slots=True)
class Glance:
    """What there is to see of a study.

    Attributes:
        name: The study's.
        goals: What it optimises: "minimize loss".
        counts: Trials by state in words, only those that there are.
        finished: How many have ended.
        goal: How many it is to have, or None.
        per_minute: Trials that ended, of the last five minutes.
        best: By objective, its best feasible trial.
        values: The first objective of the completed trials as they ended.
        maximize: Whether more of that is better.
        running: Trials that run, by number.
        ends: The trials that ended last, the latest first.
        workers: Who runs trials.
        now: Seconds since the epoch.
        trouble: What is wrong with the storage, or "".
        fidelity: What steps count.
    """

    name: str
    goals: str
    counts: Mapping[str, int]
    finished: int
    goal: int | None
    per_minute: float
    best: Mapping[str, FrozenTrial]
    values: NDArray[np.float64]
    maximize: bool
    running: Sequence[FrozenTrial]
    ends: Sequence[FrozenTrial]
    workers: Sequence[Worker]
    now: float
    trouble: str = ""
    fidelity: str = "step"

    @property
    def done(self) -> int:
        """How many count towards the goal: paused ones do, for nobody need go on with them."""
        return self.finished + self.counts.get("paused", 0)

    @property
    def seconds_left(self) -> float | None:
        """How long it will take to the goal at this rate; None if unknown, or trials are paused."""
        if self.goal is None or not self.per_minute or self.done >= self.goal:
            return None
        if self.done > self.finished:
            return None
        return 60 * (self.goal - self.done) / self.per_minute


def glance(study: Study) -> Glance:
    """Look at a study: at what has changed since the last look."""
    history, objective, now = study.history, study.objective, time.time()
    goals = [f"{w} {n}" for w, n in zip(objective.directions, objective.names, strict=True)]
    groups = ("complete", "pruned", "failed", "running", "paused", "waiting")
    held = (*_ended(history), history.running, history.paused, history.waiting)
    maximize = objective.directions[0] == "maximize"
    return Glance(
        name=study.study_name,
        goals=", ".join([*goals, *map(str, objective.constraints)]),
        counts={name: len(group) for name, group in zip(groups, held, strict=True) if len(group)},
        finished=history.n_finished,
        goal=history.planned,
        per_minute=_per_minute(history, now - study._driver.record.created, now),
        best=_best(history),
        values=(-1 if maximize else 1) * history.Y[-_MOST_POINTS:, 0],
        maximize=maximize,
        running=history.running,
        ends=_latest(history),
        workers=_workers(study, history.running, now),
        now=now,
        fidelity=objective.fidelity,
    )


def _ended(history: History) -> tuple[Sequence[FrozenTrial], ...]:
    return history.completed, history.pruned, history.failed


def _per_minute(history: History, age: float, now: float) -> float:
    """How many trials ended in the last minutes; of a young study, since its creation."""
    since = now - _RATE_SECONDS
    n: int = sum(
        len(group) - bisect_left(group, since, key=lambda trial: trial.finished or 0.0)
        for group in _ended(history)
    )
    return 60 * n / max(min(age, _RATE_SECONDS), 1.0)


def _best(history: History) -> dict[str, FrozenTrial]:
    import numpy as np

    found = {}
    for column, name in enumerate(history.objective.names):
        values = np.where(history.violations <= 0, history.Y[:, column], np.nan)
        if not np.isnan(values).all():
            found[name] = history.completed[int(np.nanargmin(values))]
    return found


def _latest(history: History) -> list[FrozenTrial]:
    last = [trial for group in _ended(history) for trial in group[-_MOST_ENDS:]]
    return nlargest(_MOST_ENDS, last, key=lambda trial: trial.finished_version or trial.version)


def _workers(study: Study, running: Sequence[FrozenTrial], now: float) -> list[Worker]:
    if not running:
        return []
    beats = study.storage.heartbeats(study._driver.record.id)
    lease = study._driver.lease.terms.seconds
    trials: dict[str, list[int]] = {}
    for trial in running:
        trials.setdefault(trial.worker or "", []).append(trial.number)
    return [
        Worker(where(name), tuple(numbers), known_of(name, beats.get(name), lease, now)[2:])
        for name, numbers in trials.items()
    ]


def sparkline(values: Any, width: int, *, maximize: bool = False, plain: bool = False) -> str:
    """Return numbers as a line of blocks, from left to right in their order.

    Each block shows the best of the numbers in its place. Far worse ones are all alike: the scale
    ends at the ninth tenth of what is shown.

    Args:
        values: Numbers, shape (n,); those that aren't finite are left out.
        width: How many blocks at most, at least 1.
        maximize: Whether the highest number is the best.
        plain: In ASCII.

    Example:
        >>> sparkline([3, 2, 1, 0], 4)
        '█▆▃▁'
    """
    import numpy as np

    levels = _PLAIN if plain else _BLOCKS
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if not len(known) or width < 1:
        return ""
    best = np.max if maximize else np.min
    shown = np.array([best(part) for part in np.array_split(known, min(width, len(known)))])
    worst = np.quantile(shown, 0.1 if maximize else 0.9, method="lower" if maximize else "higher")
    low, high = sorted((float(best(shown)), float(worst)))
    if low == high:
        return levels[0 if not maximize else -1] * len(shown)
    places = np.clip((shown - low) / (high - low), 0, 1) * (len(levels) - 1)
    return "".join(levels[place] for place in np.rint(places).astype(int))
