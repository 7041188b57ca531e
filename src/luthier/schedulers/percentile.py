"""The percentile rule: stop a trial whose best value so far is not among the best q percent.

At step s a running trial is compared with what the completed trials reported at exactly s:

    stop  if  min_{t <= s} y_t  >  percentile_q { y^(i)_s : i completed }

with signs such that lower is better. The trial's own best counts, not its latest value, so one
bad report doesn't end it.
"""

from __future__ import annotations

import math
from array import array
from bisect import insort
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, final
from weakref import WeakKeyDictionary

from luthier.core.history import History
from luthier.core.jobs import Decision
from luthier.core.settings import spec_of
from luthier.core.trial import EMPTY, FrozenTrial
from luthier.errors import ArgumentError
from luthier.schedulers.curve import Curve, check_at_least, is_finite_number
from luthier.schedulers.stopping import StoppingRule

__all__ = ["Percentile"]

_RANKED: WeakKeyDictionary[Hashable, dict[tuple[int, str], tuple[int, array[float]]]] = (
    WeakKeyDictionary()
)


@final
@dataclass(frozen=True, slots=True)
class Percentile(StoppingRule):
    """Stop trials that aren't among the best q percent at the step they have reached.

    Args:
        q: Which share keeps running, in percent, 0 to 100; 50 is the median rule.
        n_startup_trials: No trial is stopped before this many have completed.
        n_warmup_steps: No trial is stopped before this step.
        interval_steps: Decide only every so many steps.
        n_min_trials: Decide only where so many completed trials reported the step.
        metric: The reported metric to look at; the first objective if None.

    A trial that has reported nothing but NaN is stopped; NaN of completed trials is left out.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> Percentile(25.0, n_warmup_steps=3).spec["q"]
        25.0

    References:
        Golovin et al., Google Vizier (KDD 2017), section 3.2.2: the median rule.
    """

    q: float
    n_startup_trials: int = 5
    n_warmup_steps: int = 0
    interval_steps: int = 1
    n_min_trials: int = 1
    metric: str | None = None

    def __post_init__(self) -> None:
        if not is_finite_number(self.q) or not 0 <= self.q <= 100:
            raise ArgumentError(
                f"q must be a percentage from 0 to 100, got {self.q!r}. "
                "The best q percent of the trials keep running.",
                q=self.q,
            )
        check_at_least("n_startup_trials", self.n_startup_trials, 0)
        check_at_least("n_warmup_steps", self.n_warmup_steps, 0)
        check_at_least("interval_steps", self.interval_steps, 1)
        check_at_least("n_min_trials", self.n_min_trials, 1)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("percentile", self)

    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Stop the trial if its best value is worse than the percentile at this step."""
        if not history.completed or len(history.completed) < self.n_startup_trials:
            return Decision.CONTINUE
        curve = Curve.of(history, trial, self.metric)
        if not curve.is_due(step, self.n_warmup_steps, self.interval_steps):
            return Decision.CONTINUE
        best = curve.best
        if math.isnan(best):
            return Decision.STOP
        others = _ranked(history, curve, step)
        if len(others) < self.n_min_trials:
            return Decision.CONTINUE
        return Decision.STOP if best > _percentile(others, self.q) else Decision.CONTINUE


def _ranked(history: History, curve: Curve, step: int) -> Sequence[float]:
    """What the completed trials reported at a step, ascending; costs those that are new."""
    known = _RANKED.get(history.lineage)
    if known is None:
        known = _RANKED[history.lineage] = {}
    n, values = known.get((step, curve.metric), (0, array("d")))
    total = len(history.completed)
    if total < n:  # an earlier history
        n, values = 0, array("d")
    if total > n:
        for trial in history.completed[n:]:
            value = trial.reports.get(step, EMPTY).get(curve.metric, math.nan)
            if value == value:
                insort(values, curve.sign * value)
        known[step, curve.metric] = total, values
    return values


def _percentile(ascending: Sequence[float], q: float) -> float:
    """The q-th percentile, linear between neighbours; infinite values keep their order."""
    place = q / 100 * (len(ascending) - 1)
    below = math.floor(place)
    low, high = ascending[below], ascending[min(below + 1, len(ascending) - 1)]
    if math.isinf(low) or math.isinf(high):
        return low if place - below < 0.5 else high
    return low + (high - low) * (place - below)
