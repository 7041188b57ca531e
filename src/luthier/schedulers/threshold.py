"""The threshold rule: stop a trial whose latest value leaves the range where results can matter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

from luthier.core.history import History
from luthier.core.jobs import Decision
from luthier.core.settings import spec_of
from luthier.core.trial import FrozenTrial
from luthier.errors import ArgumentError
from luthier.schedulers.curve import Curve, check_at_least, is_finite_number
from luthier.schedulers.stopping import StoppingRule

__all__ = ["Threshold"]


@final
@dataclass(frozen=True, slots=True)
class Threshold(StoppingRule):
    """Stop trials that report a value below ``lower``, above ``upper``, or NaN.

    Good against runs that diverge or never learn. The bounds are in the user's own values,
    whatever the direction.

    Args:
        lower: The lowest value that may go on; None for no bound.
        upper: The highest value that may go on; None for no bound.
        n_warmup_steps: No trial is stopped before this step.
        interval_steps: Decide only every so many steps.
        metric: The reported metric to look at; the first objective if None.

    Raises:
        ArgumentError: No bound is given, they cross, or a setting is out of range.

    Example:
        >>> Threshold(upper=10.0).spec["upper"]
        10.0
    """

    lower: float | None = None
    upper: float | None = None
    n_warmup_steps: int = 0
    interval_steps: int = 1
    metric: str | None = None

    def __post_init__(self) -> None:
        for name, bound in (("lower", self.lower), ("upper", self.upper)):
            if bound is not None and not is_finite_number(bound):
                raise ArgumentError(
                    f"{name} must be a finite number or None for no bound, got {bound!r}.",
                    **{name: bound},
                )
        if self.lower is None and self.upper is None:
            raise ArgumentError("Threshold needs lower, upper or both; neither was given.")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ArgumentError(
                f"lower must not be above upper, got lower={self.lower!r}, upper={self.upper!r}.",
                lower=self.lower,
                upper=self.upper,
            )
        check_at_least("n_warmup_steps", self.n_warmup_steps, 0)
        check_at_least("interval_steps", self.interval_steps, 1)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("threshold", self)

    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Stop the trial if its value at this step is out of bounds or NaN."""
        curve = Curve.of(history, trial, self.metric)
        if not curve.is_due(step, self.n_warmup_steps, self.interval_steps):
            return Decision.CONTINUE
        value = trial.reports[step][curve.metric]
        above_lower = self.lower is None or value >= self.lower
        below_upper = self.upper is None or value <= self.upper
        within = above_lower and below_upper and not math.isnan(value)
        return Decision.CONTINUE if within else Decision.STOP
