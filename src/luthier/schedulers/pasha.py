"""PASHA: ASHA whose ladder grows only while more training still changes who is best.

It begins with two rungs. A further one is added whenever the trials on the top two are ranked
differently there: the ranking isn't settled, so training longer may pay. Trials that are as good
as equal may change places: two values count as equal within epsilon, the spread of values that
trials show from one rung to the next while their ranks go back and forth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.core.jobs import NEW, Decision, Job
from luthier.core.settings import Number, Rule, settle, spec_of
from luthier.core.trial import FrozenTrial
from luthier.schedulers.asha import promotion
from luthier.schedulers.ladder import LADDER_RULES, best_first, ladder
from luthier.schedulers.stopping import paused_at_budget

__all__ = ["Pasha"]

_RULES: Final[Mapping[str, Rule]] = {**LADDER_RULES, "tolerance": Number(0.0, 1.0, open="")}


@final
@dataclass(frozen=True, slots=True)
class Pasha:
    """Train no longer than it takes to know which trials are the best.

    For when the order of the trials settles long before they have been trained to the end. When
    all the trials planned have been started, the best one is trained to the end.

    Args:
        max_resource: The step at which a trial has finished, if it comes to that.
        min_resource: The step of the lowest rung.
        eta: One in so many trials goes on from a rung to the next.
        tolerance: Which share of the range of values on the top rung counts as no difference.
        metric: The reported metric to compare by; the first objective if None.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> Pasha(81).rungs
        (1, 3, 9, 27, 81)

    References:
        Bohdal et al., PASHA: Efficient HPO and NAS with Progressive Resource Allocation
        (ICLR 2023), algorithm 1; they estimate the tolerance from crossing curves.
    """

    max_resource: int
    min_resource: int = 1
    eta: int = 3
    tolerance: float = 0.025
    metric: str | None = None
    rungs: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        settle(self, _RULES)
        object.__setattr__(self, "rungs", ladder(self.min_resource, self.max_resource, self.eta))

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("pasha", self)

    def budget(self, history: History, number: int) -> int | None:
        """The lowest rung."""
        return self.rungs[0]

    def next(self, history: History, rng: np.random.Generator) -> Job | None:
        """Resume the best trial of the highest rung that deserves it, else start a new one."""
        rungs = self.present(history)
        return promotion(history, rungs, self.eta, self.metric, self.max_resource) or NEW

    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Pause the trial where its budget ends."""
        return paused_at_budget(trial, step, self.rungs[0], self.max_resource)

    def present(self, history: History) -> tuple[int, ...]:
        """The rungs that are in use as yet."""
        top = 2
        while top < len(self.rungs) and not self._settled(history, self.rungs[top - 2 : top]):
            top += 1
        return self.rungs[:top]

    def _settled(self, history: History, two: tuple[int, ...]) -> bool:
        """Whether trials are ranked alike on two rungs; yes, while the upper one is empty."""
        metric = history.objective.names[0] if self.metric is None else self.metric
        lower, upper = (history.rung(step, (metric,)) for step in two)
        allowed = upper.violations <= 0
        numbers, found = upper.numbers[allowed], upper.values[allowed, 0]
        values = dict(zip(numbers.tolist(), found.tolist(), strict=True))
        before = [number for number in best_first(lower).tolist() if number in values]
        return not _contradicted(np.array([values[number] for number in before]), self.tolerance)


def _contradicted(values: NDArray[np.float64], tolerance: float) -> bool:
    """Whether values, lower is better, are clearly out of the order they stand in."""
    finite = values[np.isfinite(values)]
    if len(finite) < 2:
        return False
    margin = tolerance * (finite.max() - finite.min())
    worst_so_far = np.maximum.accumulate(finite)
    return bool((worst_so_far[:-1] - finite[1:] > margin).any())
