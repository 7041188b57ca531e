"""Stop rules: when a study has had enough.

A rule looks at the history and the seconds spent and gives a reason to stop, or None. Give
``optimize`` a list of rules and the first to fire ends it; ``AllOf`` waits for several.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Protocol, TypeGuard, final

import numpy as np

from luthier.core.history import History
from luthier.core.objective import Objective
from luthier.errors import ArgumentError

__all__ = [
    "AllOf",
    "MaxCost",
    "MaxSeconds",
    "MaxTrials",
    "Saturation",
    "StopRule",
    "TargetValue",
]


class StopRule(Protocol):
    """Gives a reason to stop, or None."""

    def reason(self, history: History, elapsed: float) -> str | None:
        """Look at the history, and the seconds since ``optimize`` was called."""
        ...


@final
@dataclass(frozen=True, slots=True)
class MaxTrials:
    """Stop when the study has this many trials, finished or running, over all its runs.

    Drivers that start trials at the same moment may overshoot; ``total_trials`` never does.

    Example:
        >>> MaxTrials(50).trials
        50
    """

    trials: int

    def __post_init__(self) -> None:
        _at_least("MaxTrials", "trials", self.trials, 1, whole=True)

    def reason(self, history: History, elapsed: float) -> str | None:
        """See StopRule."""
        n = history.n_finished + len(history.running)
        return f"{n} trials have been started" if n >= self.trials else None


@final
@dataclass(frozen=True, slots=True)
class MaxSeconds:
    """Stop when ``optimize`` has run for this many seconds."""

    seconds: float

    def __post_init__(self) -> None:
        _at_least("MaxSeconds", "seconds", self.seconds, 0)

    def reason(self, history: History, elapsed: float) -> str | None:
        """See StopRule."""
        return f"{self.seconds:g} seconds are over" if elapsed >= self.seconds else None


@final
@dataclass(frozen=True, slots=True)
class MaxCost:
    """Stop when the trials of the study have taken this many seconds of work in all.

    Work counts when a trial ends or is paused.
    """

    seconds: float

    def __post_init__(self) -> None:
        _at_least("MaxCost", "seconds", self.seconds, 0)

    def reason(self, history: History, elapsed: float) -> str | None:
        """See StopRule."""
        spent = history.cost
        return f"{spent:.3g} seconds of work are spent" if spent >= self.seconds else None


@final
@dataclass(frozen=True, slots=True)
class TargetValue:
    """Stop when the (first) objective has reached a value in a feasible trial."""

    value: float

    def __post_init__(self) -> None:
        _at_least("TargetValue", "value", self.value, -math.inf)

    def reason(self, history: History, elapsed: float) -> str | None:
        """See StopRule."""
        best = _best_so_far(history)
        target = _minimised(history.objective, self.value)
        if len(best) and best[-1] <= target:
            return f"the target value {self.value:g} is reached"
        return None


@final
@dataclass(frozen=True, slots=True)
class Saturation:
    """Stop when the best value hasn't improved by more than ``eps`` in ``trials`` trials.

    Looks at the first objective of feasible completed trials; pruned ones are no improvement.

    Example:
        >>> Saturation(trials=20, eps=0.001)
        Saturation(trials=20, eps=0.001)
    """

    trials: int
    eps: float = 0.0

    def __post_init__(self) -> None:
        _at_least("Saturation", "trials", self.trials, 1, whole=True)
        _at_least("Saturation", "eps", self.eps, 0)

    def reason(self, history: History, elapsed: float) -> str | None:
        """See StopRule."""
        best = _best_so_far(history, pruned=True)
        if len(best) <= self.trials or not math.isfinite(best[-self.trials - 1]):
            return None
        if best[-self.trials - 1] - best[-1] > self.eps:
            return None
        return f"no improvement above {self.eps:g} in {self.trials} trials"


@final
@dataclass(frozen=True, slots=True)
class AllOf:
    """Stop when all of several rules would."""

    rules: tuple[StopRule, ...]

    def __init__(self, *rules: StopRule) -> None:
        if not rules:
            raise ArgumentError("AllOf needs at least one rule, got none.")
        for rule in rules:
            if not is_rule(rule):
                raise ArgumentError(f"AllOf takes rules such as MaxTrials(50), got {rule!r}.")
        object.__setattr__(self, "rules", rules)

    def reason(self, history: History, elapsed: float) -> str | None:
        """See StopRule."""
        reasons = [rule.reason(history, elapsed) for rule in self.rules]
        known = [r for r in reasons if r is not None]
        return " and ".join(known) if len(known) == len(reasons) else None


def _best_so_far(
    history: History, pruned: bool = False
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The running best of the first objective, minimised; infeasible trials count as inf.

    Args:
        history: What has happened.
        pruned: Whether pruned trials count too, as inf.
    """
    if not len(history.completed):
        return np.empty(0)
    values = np.where(history.violations > 0, np.inf, history.Y[:, 0])
    if pruned and len(history.pruned):
        values = np.concatenate([values, np.full(len(history.pruned), np.inf)])
        groups = (history.completed, history.pruned)
        values = values[np.argsort(np.concatenate([history.ended(g) for g in groups]))]
    return np.minimum.accumulate(values)


def _minimised(objective: Objective, value: float) -> float:
    return -value if objective.directions[0] == "maximize" else value


def is_rule(given: object) -> bool:
    """Whether something is a stop rule: an object, not a class, with a ``reason``."""
    return callable(getattr(given, "reason", None)) and not isinstance(given, type)


def is_number(value: object) -> TypeGuard[float]:
    """Whether something is a number, of Python or NumPy, and no bool."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_whole(value: object) -> TypeGuard[int]:
    """Whether something is an integer, of Python or NumPy, and no bool."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def _at_least(rule: str, field: str, value: object, low: float, whole: bool = False) -> None:
    if not is_number(value) or not value >= low or (whole and not is_whole(value)):
        kind = "an integer" if whole else "a number"
        raise ArgumentError(f"{rule}: {field} must be {kind} of at least {low:g}, got {value!r}.")
