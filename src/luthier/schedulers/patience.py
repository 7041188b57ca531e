"""The patience rule: stop a trial whose metric has stopped improving.

With signs such that lower is better, and its reports sorted by step:

    stop  if  min(values before)  -  min(last p values)  <=  min_delta

which is early stopping as deep-learning frameworks know it. It looks at the trial alone, so it
works from the first trial on. Around another rule it gives trials time to recover: the other
rule is asked only where patience has run out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from luthier.core.history import History
from luthier.core.jobs import NEW, Decision, Job
from luthier.core.protocols import Scheduler
from luthier.core.trial import FrozenTrial
from luthier.errors import ArgumentError
from luthier.schedulers.curve import Curve, best_of, check_at_least, is_finite_number

__all__ = ["Patience"]


@final
@dataclass(frozen=True, slots=True)
class Patience:
    """Stop trials that haven't improved for some reports.

    Args:
        patience: How many reports in a row may bring no improvement, at least 1.
        min_delta: What counts as an improvement: more than this. A negative value forgives
            that much of a loss.
        wrapped: A scheduler that decides where patience has run out; stop if None.
        metric: The reported metric to look at; the first objective if None.

    NaN is no improvement.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> Patience(5, min_delta=0.001).spec["patience"]
        5
    """

    patience: int
    min_delta: float = 0.0
    wrapped: Scheduler | None = None
    metric: str | None = None

    def __post_init__(self) -> None:
        check_at_least("patience", self.patience, 1)
        if not is_finite_number(self.min_delta):
            raise ArgumentError(
                f"min_delta must be a finite number, got {self.min_delta!r}.",
                min_delta=self.min_delta,
            )

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values, the wrapped scheduler's among them."""
        return {
            "name": "patience",
            "patience": self.patience,
            "min_delta": self.min_delta,
            "wrapped": None if self.wrapped is None else dict(self.wrapped.spec),
            "metric": self.metric,
        }

    def budget(self, history: History, number: int) -> int | None:
        """No limit, or what the wrapped scheduler says."""
        return None if self.wrapped is None else self.wrapped.budget(history, number)

    def next(self, history: History, rng: np.random.Generator) -> Job | None:
        """Start a new trial, or what the wrapped scheduler says."""
        return NEW if self.wrapped is None else self.wrapped.next(history, rng)

    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Stop the trial, or ask the wrapped scheduler, if it hasn't improved for long enough."""
        values = Curve.of(history, trial, self.metric).values
        if step not in values or len(values) <= self.patience:
            return Decision.CONTINUE
        ordered = [values[s] for s in sorted(values)]
        before, recent = best_of(ordered[: -self.patience]), best_of(ordered[-self.patience :])
        if before - recent > self.min_delta or (math.isnan(before) and not math.isnan(recent)):
            return Decision.CONTINUE
        return Decision.STOP if self.wrapped is None else self.wrapped.decide(history, trial, step)
