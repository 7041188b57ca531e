"""Duplicates: configurations that were tried more than once, and what that says of the noise.

Trials with a value at one configuration show what chance alone does to it. With values y_gi of
repeat i in group g the noise is the pooled standard deviation

    s  =  sqrt( sum_gi (y_gi - mean_g)^2 / sum_g (n_g - 1) )
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import final

import numpy as np

from luthier.analysis.outcomes import outcomes_of, place_of_metric
from luthier.analysis.wording import Worded, counted, duration, number, percent
from luthier.core.history import History
from luthier.core.trial import FrozenTrial
from luthier.space import Space

__all__ = ["Duplicates", "Group", "duplicates", "key_of"]


@final
@dataclass(frozen=True, slots=True)
class Group:
    """Finished trials of one configuration.

    Attributes:
        numbers: Their numbers, in the order in which they finished; two at least.
        values: Their values of the objective, NaN where they have none.
    """

    numbers: tuple[int, ...]
    values: tuple[float, ...]


@final
@dataclass(frozen=True, slots=True)
class Duplicates(Worded):
    """Which configurations were tried again.

    Attributes:
        metric: The objective whose values are compared.
        n: How many trials have finished.
        groups: Configurations with several trials, the most frequent one first.
        repeats: How many trials repeat an earlier one.
        cost: Seconds of work that went into these.
        noise: The pooled standard deviation of repeated values; NaN if nothing with a value was
            repeated.
    """

    metric: str
    n: int
    groups: tuple[Group, ...]
    repeats: int
    cost: float
    noise: float

    def __str__(self) -> str:
        if not self.n:
            return "No trial has finished."
        if not self.repeats:
            return f"All {self.n} finished trials differ in their parameters."
        said = (
            f"{counted(self.repeats, 'trial')} of {self.n} ({percent(self.repeats / self.n)}) "
            f"{'repeats' if self.repeats == 1 else 'repeat'} the parameters of an earlier one"
        )
        said += f", at {duration(self.cost)} of work." if self.cost else "."
        if self.noise == 0:
            return (
                f"{said} They gave the same {self.metric} each time, so they taught nothing: is "
                "the space too coarse, or used up?"
            )
        if self.noise > 0:
            return f"{said} They show the noise of {self.metric}: {number(self.noise)}."
        return said


def duplicates(history: History, space: Space, *, metric: str | None = None) -> Duplicates:
    """Find trials that repeat others.

    Args:
        history: The study; any. Only finished trials are compared; those of a population that go
            on from another trial's checkpoint are left out.
        space: Its space, which says when two configurations are the same.
        metric: Which objective; the first if None.

    Raises:
        ArgumentError: An unknown metric.

    Example:
        >>> from luthier import Int, create_study
        >>> space = Space(n=Int(1, 3))
        >>> sampler = "random:allow_duplicates=true"
        >>> study = create_study(space=space, sampler=sampler, seed=0)
        >>> study.optimize(lambda trial: trial.suggest_int("n", 1, 3) ** 2, n_trials=10)
        >>> found = duplicates(study.history, study.space)
        >>> found.repeats, found.noise
        (7, 0.0)
    """
    objective = place_of_metric(history, metric, "duplicates")
    found = outcomes_of(history, space)
    places: dict[Hashable, list[int]] = {}
    for i, trial in enumerate(found.trials):
        if trial.origin.parent is None:
            places.setdefault(key_of(trial, space), []).append(i)
    several = [some for some in places.values() if len(some) > 1]
    y = found.signs[objective] * found.Y[:, objective]
    groups = [
        Group(tuple(found.trials[i].number for i in some), tuple(y[some].tolist()))
        for some in several
    ]
    groups.sort(key=lambda group: (-len(group.numbers), group.numbers))
    again = [i for some in several for i in some[1:]]
    return Duplicates(
        history.objective.names[objective],
        len(found),
        tuple(groups),
        len(again),
        sum(found.trials[i].cost or 0.0 for i in again),
        _noise(groups),
    )


def key_of(trial: FrozenTrial, space: Space) -> Hashable:
    """Return what two trials have in common if they tried the same."""
    params = trial.params
    if space and space.fits(params):
        return space.key(params)
    return tuple(sorted((name, repr(value)) for name, value in params.items()))


def _noise(groups: list[Group]) -> float:
    square, freedom = 0.0, 0
    for group in groups:
        values = np.array([v for v in group.values if math.isfinite(v)])
        if len(values) > 1:
            square += float(np.sum((values - values.mean()) ** 2)) * (np.ptp(values) > 0)
            freedom += len(values) - 1
    return math.sqrt(square / freedom) if freedom else math.nan
