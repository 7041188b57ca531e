"""Rungs: what trials had reached at a step, whatever has become of them since.

Schedulers compare trials at equal steps. A trial reaches the rung of step r with its first report
at r or later; what it says there is its result on that rung. ``ReportLog`` is the ledger's list of
all reports in order of arrival, where what a trial has reported between two looks is one entry.
Rungs are caches beside it that grow with it, so that asking about one costs only what has been
reported since the last time.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from luthier.core.objective import Objective
from luthier.core.trial import EMPTY, Metrics, Reports

__all__ = ["ReportLog", "Rung"]

_Key = tuple[bool, float, float, int]
"""Sorts the trials of a rung by one metric: NaN, violation, value, number."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Rung:
    """The trials that have reached a step, in any order: invalidated ones are left out.

    Attributes:
        step: The step.
        numbers: Their numbers, shape (n,).
        values: What they reported there, lower is better, shape (n, m); NaN where a metric lacks.
        violations: How much they broke the constraints by that report, shape (n,); 0 where the
            report doesn't hold what the constraints need.
    """

    step: int
    numbers: NDArray[np.int64]
    values: NDArray[np.float64]
    violations: NDArray[np.float64]

    def within(self, numbers: range) -> Rung:
        """Return the rung of only the trials with these numbers."""
        kept = (self.numbers >= numbers.start) & (self.numbers < numbers.stop)
        return Rung(self.step, self.numbers[kept], self.values[kept], self.violations[kept])


@final
class ReportLog:
    """All reports of a study's trials, in order of arrival; it only grows.

    Args:
        objective: What the study optimises.

    Example:
        >>> log = ReportLog(Objective())
        >>> log.extend(0, Reports([(1, {"value": 0.5}), (2, {"value": 0.25})]))
        >>> log.rung(2, ("value",), len(log)).values
        array([[0.25]])
    """

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._numbers: list[int] = []  # whose each entry is
        self._tops: list[int] = []  # the highest step that trial had reported by then
        self._reports: dict[int, Reports] = {}
        self._rungs: dict[tuple[int, tuple[str, ...]], _Growing] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def extend(self, number: int, reports: Reports) -> None:
        """Append, as one entry, what a trial has newly reported: these are all its reports."""
        self._numbers.append(number)
        self._tops.append(reports.last_step or 0)
        self._reports[number] = reports

    def arrivals(self, step: int, start: int) -> Iterator[tuple[int, int, Reports]]:
        """Yield the place, the trial and its reports for each entry at or beyond a step.

        Args:
            step: The step.
            start: From which entry on.
        """
        for place, top in enumerate(self._tops[start:], start):
            if top >= step:
                number = self._numbers[place]
                yield place, number, self._reports[number]

    def rung(self, step: int, metrics: Sequence[str], n: int) -> Rung:
        """Return a rung as it was after the first n entries.

        Args:
            step: Its step.
            metrics: The metrics of interest.
            n: How many entries count.
        """
        return self._grown(step, tuple(metrics)).upto(n)

    def standing(self, step: int, metric: str, number: int, n: int) -> tuple[int, int]:
        """Return how many trials beat one on a rung after the first n entries, of how many.

        Costs the logarithm of their number, for the latest n: the order is kept.
        """
        return self._grown(step, (metric,)).standing(number, n)

    def _grown(self, step: int, metrics: tuple[str, ...]) -> _Growing:
        key = (step, metrics)
        if key not in self._rungs:
            self._rungs[key] = _Growing(self._objective, step, metrics)
        self._rungs[key].read(self)
        return self._rungs[key]


@final
class _Growing:
    """One rung, read from the log as far as that went when it was last asked for."""

    def __init__(self, objective: Objective, step: int, metrics: tuple[str, ...]) -> None:
        self._objective = objective
        self._step = step
        self._metrics = metrics
        self._signs = [1.0 if objective.direction_of(m) == "minimize" else -1.0 for m in metrics]
        self._needed = {c.metric for c in objective.constraints}
        self._read = 0
        self._arrived: dict[int, _Key] = {}  # by number
        self._keys: list[_Key] = []  # the same in order of arrival
        self._ranked: list[_Key] = []
        self._places: list[int] = []
        self._numbers = np.empty(16, dtype=np.int64)
        self._rows = np.empty((16, 1 + len(metrics)))

    def read(self, log: ReportLog) -> None:
        for place, number, reports in log.arrivals(self._step, self._read):
            if number not in self._arrived:
                self._append(place, number, reports.first_from(self._step) or EMPTY)
        self._read = len(log)

    def upto(self, n: int) -> Rung:
        count = bisect_left(self._places, n)
        rows = self._rows[:count]
        return Rung(self._step, self._numbers[:count], rows[:, 1:], rows[:, 0])

    def standing(self, number: int, n: int) -> tuple[int, int]:
        count = bisect_left(self._places, n)
        ranked = self._ranked
        if count < len(self._keys):  # an earlier snapshot
            ranked = sorted(self._keys[:count])
        for key in self._keys[len(ranked) : count]:
            insort(ranked, key)
        return bisect_left(ranked, self._arrived[number]), count

    def _append(self, place: int, number: int, metrics: Metrics) -> None:
        count = len(self._places)
        if count == len(self._rows):
            self._numbers = np.concatenate([self._numbers, self._numbers])
            self._rows = np.concatenate([self._rows, self._rows])
        known = self._needed and self._needed <= metrics.keys()
        violation = self._objective.violation(metrics) if known else 0.0
        found = zip(self._signs, self._metrics, strict=True)
        values = [s * metrics.get(m, math.nan) for s, m in found]
        self._numbers[count] = number
        self._rows[count] = violation, *values
        unknown = values[0] != values[0]
        self._arrived[number] = key = unknown, violation, 0.0 if unknown else values[0], number
        self._keys.append(key)
        self._places.append(place)
