"""The ladder of successive halving: at which steps trials are compared, and who is the better.

With eta = 3, from 1 to 81 steps, the rungs are at 1, 3, 9, 27 and 81: each gives three times the
training of the one below, to a third of the trials. The last is the end: who gets there has
finished.

Trials are ranked by one metric, or by all objectives: then by non-dominated rank, and by crowding
distance within a rank. Trials that break constraints come after all that keep them, NaN last.
Equal ones are ranked by their numbers, so an order never depends on who arrived first.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.core.rungs import Rung
from luthier.core.settings import Number, Rule
from luthier.core.trial import FrozenTrial
from luthier.errors import ArgumentError
from luthier.numerics.pareto import crowding_distance, non_dominated_ranks

__all__ = [
    "LADDER_RULES",
    "best_first",
    "is_below",
    "ladder",
    "landed",
    "rung_metrics",
    "standing",
    "without",
]

LADDER_RULES: Final[Mapping[str, Rule]] = {
    "min_resource": Number(1, whole=True),
    "max_resource": Number(1, whole=True),
    "eta": Number(2, whole=True),
}
"""What all settings of a ladder must be, for ``settle``."""


def ladder(min_resource: int, max_resource: int, eta: int) -> tuple[int, ...]:
    """Return the rungs from the lowest to the end, each eta times the one below.

    Counted from the end, so that the last step up is a whole one, as in the papers.

    Args:
        min_resource: The first step at which trials may be compared, at least 1.
        max_resource: The step at which a trial has finished.
        eta: How many trials compete for a place on the next rung, at least 2.

    Raises:
        ArgumentError: The end is below the beginning.

    Example:
        >>> ladder(1, 81, 3), ladder(2, 50, 3), ladder(5, 5, 3)
        ((1, 3, 9, 27, 81), (5, 16, 50), (5,))
    """
    if max_resource < min_resource:
        raise ArgumentError(
            "max_resource must be at least min_resource, got "
            f"min_resource={min_resource!r}, max_resource={max_resource!r}. "
            "Both are steps as the objective reports them.",
            min_resource=min_resource,
            max_resource=max_resource,
        )
    rungs, power = [max_resource], eta
    while max_resource // power >= min_resource:
        rungs.append(max_resource // power)
        power *= eta
    return tuple(reversed(rungs))


def landed(rungs: Sequence[int], before: int | None, step: int) -> int | None:
    """Return the place of the highest rung that a report is the first to reach, or None.

    Args:
        rungs: Their steps, ascending.
        before: The highest of the other steps reported; None if this is the first.
        step: The step just reported.
    """
    place = bisect_right(rungs, step) - 1
    return place if place >= 0 and (before is None or before < rungs[place]) else None


def is_below(trial: FrozenTrial, step: int) -> bool:
    """Whether a paused trial hasn't been at a rung, by its budget or by a report beyond that."""
    return (trial.budget or 0) < step and (trial.last_step or 0) < step


def rung_metrics(metric: str | None) -> tuple[str, ...] | None:
    """The metrics that ``History.rung`` is to look at; None for the objectives."""
    return None if metric is None else (metric,)


def best_first(rung: Rung) -> NDArray[np.int64]:
    """Return the numbers of a rung's trials, the best one first, shape (n,)."""
    unknown = np.asarray(np.isnan(rung.values).any(axis=1))
    keys: tuple[NDArray[Any], ...] = (rung.numbers, rung.values[:, 0])
    if rung.values.shape[1] > 1:
        known = rung.values[~unknown]
        ranks, spread = np.full((2, len(unknown)), np.inf)
        ranks[~unknown] = fronts = non_dominated_ranks(known)
        spread[~unknown] = -crowding_distance(known, fronts)
        keys = (rung.numbers, spread, ranks)
    if rung.violations.any():
        keys = (*keys, rung.violations)
    return rung.numbers[np.lexsort((*keys, unknown) if unknown.any() else keys)]


def standing(history: History, step: int, number: int, metric: str | None) -> tuple[int, int]:
    """Return how many trials come before one in ``best_first`` of its rung, and how many are there.

    Args:
        history: What has happened.
        step: The rung's step.
        number: The trial's number.
        metric: What to compare by; the objectives if None.
    """
    names = history.objective.names if metric is None else (metric,)
    if len(names) == 1:
        return history.standing(step, names[0], number)
    order = best_first(history.rung(step, names))
    return int(np.flatnonzero(order == number)[0]), len(order)


def without(numbers: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers that aren't among others, in their order, shape (k,)."""
    marked = np.zeros(max(numbers.max(initial=0), others.max(initial=0)) + 1, dtype=bool)
    marked[others] = True
    return numbers[~marked[numbers]]
