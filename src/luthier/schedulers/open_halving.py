"""Successive halving for trials that nobody has told when they end.

A trial isn't given a budget: it reports for as long as it likes, and whenever it is the first time
beyond a rung, it goes on if it is among the best 1/eta of those that have been there so far,

    rung k is at step  r eta^(s + k),  k = 0, 1, 2, ...     without an end

Where r isn't given either, it is a hundredth of the length of the first trial that completes; no
trial is stopped before that, and those up to it are no competitors. A report that jumps over
several rungs counts on the higher ones only if it was good enough for the lower ones; for that,
trials are taken as if they had come by there in the order of their numbers.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from sys import maxsize
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.core.jobs import Decision
from luthier.core.settings import Number, Rule, settle, spec_of
from luthier.core.trial import EMPTY, FrozenTrial
from luthier.schedulers.stopping import StoppingRule

__all__ = ["Climb", "OpenHalving", "first_complete", "settle_open"]

_RULES: Final[Mapping[str, Rule]] = {
    "min_resource": Number(1, whole=True),
    "max_resource": Number(1, whole=True),
    "eta": Number(2, whole=True),
    "skip": Number(0, whole=True),
    "bootstrap": Number(0, whole=True),
}
Competes = Callable[[NDArray[np.int64]], NDArray[np.bool_]]
Standing = tuple[NDArray[np.int64], NDArray[np.float64]]


@final
@dataclass(frozen=True, slots=True)
class OpenHalving(StoppingRule):
    """Let only the best quarter of the trials go on at each rung, wherever trials may end.

    The choice where the last step isn't known beforehand; ``Asha`` is where it is, and needs no
    more trials to know the good ones.

    Args:
        min_resource: The step that the lowest rung is counted from; None for a hundredth of the
            last step of the first trial that completes, at least 1.
        eta: One in so many trials goes on from a rung; of fewer, the best.
        skip: So many rungs are left out at the bottom.
        bootstrap: So many trials must have ended at a rung before any goes on from there.
        metric: The reported metric to compare by; the first objective if None.

    Who reports NaN at a rung is stopped, and not counted.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> OpenHalving(eta=3).spec["min_resource"] is None
        True

    References:
        Li et al., A System for Massively Parallel Hyperparameter Tuning (MLSys 2020), algorithm 2,
        with the rules of Optuna 5.0's SuccessiveHalvingPruner.
    """

    min_resource: int | None = None
    eta: int = 4
    skip: int = 0
    bootstrap: int = 0
    metric: str | None = None

    def __post_init__(self) -> None:
        settle_open(self)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("open_halving", self)

    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Stop the trial if this report is its first at a rung and not among the best there."""
        least, since = self.min_resource, 0
        if least is None:
            complete = first_complete(history)
            if complete is None:
                return Decision.CONTINUE
            least, since = max((complete.last_step or 0) // 100, 1), complete.number + 1
        climb = Climb(history, self.metric, least * self.eta**self.skip, self.eta, self.bootstrap)
        return climb.decide(trial, step, lambda numbers: numbers >= since)

    def unwatched(self, trial: FrozenTrial, step: int) -> range:
        """The steps up to the next rung, where that is known."""
        if self.min_resource is None:
            return range(0)
        rung = self.min_resource * self.eta**self.skip
        while rung <= step:
            rung *= self.eta
        return range(step + 1, min(rung, maxsize))


def settle_open(scheduler: Any) -> None:
    """Check the settings of open rungs; those that are None are found out later.

    Args:
        scheduler: A frozen dataclass.

    Raises:
        ArgumentError: One is out of range.
    """
    names = [field.name for field in fields(scheduler) if field.name in _RULES]
    settle(scheduler, {n: _RULES[n] for n in names if getattr(scheduler, n) is not None})


def first_complete(history: History) -> FrozenTrial | None:
    """The first completed trial that has reported anything."""
    return next((trial for trial in history.completed if trial.reports), None)


@final
@dataclass(frozen=True, slots=True)
class Climb:
    """The trials of a history on open rungs.

    Attributes:
        history: What has happened.
        metric: What they are compared by; the first objective if None.
        lowest: The step of the lowest rung.
        eta: One in so many goes on.
        bootstrap: So many must have ended at a rung before one goes on.
    """

    history: History
    metric: str | None
    lowest: int
    eta: int
    bootstrap: int

    def decide(self, trial: FrozenTrial, step: int, competes: Competes) -> Decision:
        """Decide about a trial that has just reported a step.

        Args:
            trial: The trial.
            step: The step.
            competes: Whom to compare it with, by their numbers.
        """
        before = trial.reports.last_before(step)
        metric = self.history.objective.names[0] if self.metric is None else self.metric
        if metric not in trial.reports.get(step, EMPTY) or (before or 0) >= step:
            return Decision.CONTINUE
        for rung, (numbers, values) in self._rungs(metric, step, trial.number, competes):
            if before is None or before < rung:
                own = values[numbers == trial.number][0]
                known = values[~np.isnan(values)]
                if np.isnan(own) or not self._goes_on(int((known < own).sum()), len(known)):
                    return Decision.STOP
        return Decision.CONTINUE

    def _rungs(
        self, metric: str, step: int, number: int, competes: Competes
    ) -> Iterator[tuple[int, Standing]]:
        """Yield the rungs up to a step, with who competes on them: numbers and values."""
        below: Standing | None = None
        rung = self.lowest
        while rung <= step:
            found = self.history.rung(rung, (metric,))
            order = np.argsort(found.numbers)
            numbers, values = found.numbers[order], found.values[order, 0]
            kept = competes(numbers) | (numbers == number)
            if below is not None:
                kept &= ~self._ended_below(below, (numbers, values)) | (numbers == number)
            below = numbers[kept], values[kept]
            yield rung, below
            rung *= self.eta

    def _ended_below(self, below: Standing, here: Standing) -> NDArray[np.bool_]:
        """Who ended lower: gone before, or here by what wasn't good enough below, shape (n,)."""
        numbers, values = below
        went = np.append(self._went_on(values), False)
        places = np.searchsorted(numbers, here[0])
        found = np.append(numbers, -1)[places] == here[0]
        same = np.append(values, np.nan)[places] == here[1]
        return np.asarray(~found | (same & ~went[places]))

    def _went_on(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Who was good enough when it came, had they come in this order, shape (n,)."""
        seen: list[float] = []
        went = np.zeros(len(values), dtype=bool)
        for place, value in enumerate(values.tolist()):
            if value == value:
                insort(seen, value)
                went[place] = self._goes_on(bisect_left(seen, value), len(seen))
        return went

    def _goes_on(self, better: int, total: int) -> bool:
        return total > self.bootstrap and better < max(total // self.eta, 1)
