"""The curve of a running trial: one metric by step, with signs such that lower is better.

All stopping rules look at a trial through this view. NaN marks a report that can't be compared;
a trial that didn't report the metric has an empty curve.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from luthier.core.history import History
from luthier.core.trial import EMPTY, FrozenTrial, Reports
from luthier.errors import ArgumentError

__all__ = ["Curve", "best_of", "check_at_least", "is_finite_number"]


@final
@dataclass(frozen=True, slots=True)
class Curve:
    """What a trial has reported of one metric.

    Attributes:
        metric: The metric's name.
        sign: 1 where the metric is minimised, -1 where it is maximised.
        reports: All that the trial has reported.
    """

    metric: str
    sign: float
    reports: Reports

    @classmethod
    def of(cls, history: History, trial: FrozenTrial, metric: str | None) -> Curve:
        """Read a trial's curve of a metric; of the first objective if None."""
        name = history.objective.names[0] if metric is None else metric
        minimised = history.objective.direction_of(name) == "minimize"
        return cls(name, 1.0 if minimised else -1.0, trial.reports)

    @property
    def values(self) -> dict[int, float]:
        """``sign`` times what was reported, by step, in order of arrival; made anew each time."""
        return {s: self.sign * value for s, value in self.reports.series(self.metric).items()}

    @property
    def best(self) -> float:
        """The lowest value so far, NaN if there is none to compare."""
        return self.reports.lowest(self.metric, self.sign)

    def is_due(self, step: int, warmup: int, interval: int) -> bool:
        """Whether a rule that looks every ``interval`` steps after ``warmup`` looks at this step.

        Where steps are skipped, it looks at the first report of each interval.
        """
        if step < warmup or self.metric not in self.reports.get(step, EMPTY):
            return False
        if interval == 1:
            return True
        opened = (step - warmup) // interval * interval + warmup
        return all(earlier < opened for earlier in self.values if earlier != step)


def best_of(values: Iterable[float]) -> float:
    """The lowest of some values, without NaN; NaN if nothing remains."""
    return min((v for v in values if v == v), default=math.nan)


def check_at_least(name: str, value: object, least: int) -> None:
    """Refuse a setting that isn't a whole number of at least ``least``.

    Raises:
        ArgumentError: It isn't.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ArgumentError(
            f"{name} must be a whole number of at least {least}, got {value!r}.", **{name: value}
        )


def is_finite_number(value: object) -> bool:
    """Whether a setting is a number, neither infinite nor NaN."""
    return isinstance(value, int | float) and math.isfinite(value)
