"""Results: what figures read from a history, as arrays, and the choice of what is shown of much.

name       meaning                                                  shape
numbers    trials' numbers                                          (n,)
values     a metric of theirs, in the user's own sign               (n,)
losses     the same with the sign that makes lower better           (n,)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.core.trial import FrozenTrial
from luthier.errors import ArgumentError

__all__ = ["MOST", "Results", "metric_of", "ranks", "results", "sign_of", "thinned"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]
MOST: Final = 2_000
"""So many trials are shown as points of their own."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """The completed trials of a history by number, with one metric of theirs.

    Attributes:
        trials: The trials.
        metric: The metric's name.
        numbers: Their numbers, shape (n,).
        values: The metric, NaN where a trial has none, shape (n,).
        sign: 1 where lower is better, else -1.
        feasible: Whether they keep all constraints, shape (n,).
    """

    trials: Sequence[FrozenTrial]
    metric: str
    numbers: NDArray[np.int64]
    values: Array
    sign: float
    feasible: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.trials)

    @property
    def losses(self) -> Array:
        """The metric such that lower is better, shape (n,)."""
        return self.sign * self.values

    def best(self) -> int | None:
        """The place of the best trial: feasible, else the first of all; None if there is none."""
        known = np.isfinite(self.values)
        ok = known & self.feasible if (known & self.feasible).any() else known
        if not ok.any():
            return None
        return int(np.where(ok, self.losses, np.inf).argmin())

    def at(self, places: Places) -> Results:
        """Only some of the trials."""
        trials = [self.trials[k] for k in places.tolist()]
        parts = self.numbers[places], self.values[places]
        return Results(trials, self.metric, *parts, self.sign, self.feasible[places])

    def shown(self, most: int = MOST) -> Results:
        """At most so many trials: the best ones, the ends, and evenly chosen others."""
        n = len(self)
        if n <= most:
            return self
        order = np.argsort(np.where(np.isnan(self.losses), np.inf, self.losses), kind="stable")
        return self.at(thinned(n, most, order[: most // 4]))


def results(history: History, metric: str | None = None) -> Results:
    """Read the completed trials of a history.

    Args:
        history: The history.
        metric: An objective, or another metric that trials recorded; None: the first objective.

    Raises:
        ArgumentError: No such metric.
    """
    name, column = metric_of(history, metric)
    trials = history.completed
    if column is None:
        values = history.table(("metric", name), trials, lambda t: (t.metrics.get(name, np.nan),))
        losses = values[:, 0] * sign_of(history, name)
    else:
        losses = history.Y[:, column]
    numbers = history.table(("number",), trials, lambda t: (t.number,))[:, 0].astype(np.int64)
    order = np.argsort(numbers, kind="stable")
    sign = sign_of(history, name)
    listed = list(trials)
    return Results(
        [listed[k] for k in order.tolist()],
        name,
        numbers[order],
        losses[order] * sign,
        sign,
        history.violations[order] <= 0,
    )


def metric_of(history: History, metric: str | None) -> tuple[str, int | None]:
    """Return a metric's name, and which objective it is, or None.

    Raises:
        ArgumentError: Neither an objective nor a metric of the first completed trials.
    """
    names = history.objective.names
    if metric is None:
        return names[0], 0
    if metric in names:
        return metric, names.index(metric)
    known = {name for trial in history.completed[:50] for name in trial.metric_names}
    if metric not in known:
        raise ArgumentError(
            f"The study has no metric {metric!r}. It has: {', '.join(sorted({*names, *known}))}.",
            metric=metric,
        )
    return metric, None


def sign_of(history: History, metric: str) -> float:
    """1 where a metric is minimised, else -1."""
    return 1.0 if history.objective.direction_of(metric) == "minimize" else -1.0


def thinned(n: int, most: int, always: Places | Sequence[int] = ()) -> Places:
    """Choose places of at most about ``most`` of n things: some always, and others evenly.

    Args:
        n: How many there are.
        most: How many may be shown.
        always: Places that are shown in any case.

    Returns:
        Places in order.

    Example:
        >>> thinned(10, 4, [3]).tolist()
        [0, 3, 4, 9]
    """
    if n <= most:
        return np.arange(n)
    always = np.asarray(always, dtype=np.intp)
    rest = max(most - len(np.unique(always)), 2)
    even = np.linspace(0, n - 1, rest).astype(np.intp)
    return np.union1d(always, even)


def ranks(losses: Array) -> Array:
    """Return how good each is: 1 the best, 0 the worst; equals share the mean; NaN stays.

    Example:
        >>> ranks(np.array([3.0, 1.0, 2.0])).tolist()
        [0.0, 1.0, 0.5]
    """
    known = np.flatnonzero(~np.isnan(losses))
    found = np.full(len(losses), np.nan)
    if not len(known):
        return found
    distinct, place, counts = np.unique(losses[known], return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    middle = below + (counts - 1) / 2
    found[known] = 1.0 - middle[place] / max(len(known) - 1, 1)
    if len(distinct) == 1:
        found[known] = 1.0
    return found
