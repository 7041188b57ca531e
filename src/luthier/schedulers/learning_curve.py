"""The learning-curve rule: stop a trial that will hardly end among the best.

Where the trial is heading is a forecast from its reports so far and from the curves of completed
trials (``luthier.numerics.learning_curve``), with signs such that lower is better:

    stop  if  P( y_horizon < percentile_q { last y^(i) : i completed } )  <  threshold
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.core.jobs import Decision
from luthier.core.settings import Number, Rule, settle, spec_of
from luthier.core.trial import FrozenTrial
from luthier.errors import ArgumentError
from luthier.numerics.learning_curve import forecast
from luthier.schedulers.curve import Curve
from luthier.schedulers.stopping import StoppingRule

__all__ = ["LearningCurve"]

Array = NDArray[np.float64]
_RULES: Final[dict[str, Rule]] = {
    "q": Number(0.0, 100.0, open=""),
    "threshold": Number(0.0, 1.0, open="both"),
    "n_startup_trials": Number(1, whole=True),
    "n_min_points": Number(1, whole=True),
    "n_warmup_steps": Number(0, whole=True),
    "interval_steps": Number(1, whole=True),
}
_MOST_CURVES: Final = 48
_MOST_STEPS: Final = 32


@final
@dataclass(frozen=True, slots=True)
class LearningCurve(StoppingRule):
    """Stop trials whose learning curve is unlikely to end among the best q percent.

    For trials of many steps whose curves flatten out. Unlike the median rule it looks ahead: a
    trial that is behind, but falls fast, goes on; one that is level with the others, but has
    flattened, ends. Two completed trials are enough for it to begin.

    Args:
        q: Among which share of the completed trials a trial should have a chance to end, in
            percent, 0 to 100; at 0 it should have a chance to be the best.
        threshold: How small a chance stops it, a probability above 0 and below 1.
        max_step: The last step of a full trial; None takes the last one that any completed trial
            has reported.
        n_startup_trials: No trial is stopped before this many have completed.
        n_min_points: No trial is stopped before it has reported so many values.
        n_warmup_steps: No trial is stopped before this step.
        interval_steps: Decide only every so many steps.
        metric: The reported metric to look at; the first objective if None.

    A trial that has reported nothing but NaN is stopped; NaN of other trials is left out. What a
    decision costs doesn't grow with the study: it looks at the latest 48 completed trials, and at
    32 steps spread evenly on a logarithmic scale.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> LearningCurve(threshold=0.1, max_step=50).spec["name"]
        'learning_curve'

    References:
        Domhan et al., IJCAI 2015: stop where the chance to beat the best is below 5%.
    """

    q: float = 0.0
    threshold: float = 0.05
    max_step: int | None = None
    n_startup_trials: int = 2
    n_min_points: int = 3
    n_warmup_steps: int = 0
    interval_steps: int = 1
    metric: str | None = None

    def __post_init__(self) -> None:
        settle(self, _RULES)
        whole = isinstance(self.max_step, int) and not isinstance(self.max_step, bool)
        if self.max_step is not None and not (whole and self.max_step >= 1):
            raise ArgumentError(
                "LearningCurve: max_step must be a whole number of at least 1, or None to learn it "
                f"from the completed trials, got {self.max_step!r}.",
                max_step=self.max_step,
            )

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("learning_curve", self)

    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Stop the trial if it has too small a chance to end among the best."""
        curve = Curve.of(history, trial, self.metric)
        if len(history.completed) < self.n_startup_trials or len(curve.values) < self.n_min_points:
            return Decision.CONTINUE
        if not curve.is_due(step, self.n_warmup_steps, self.interval_steps):
            return Decision.CONTINUE
        if np.isnan(curve.best):
            return Decision.STOP
        last = _last_reports(history, curve)
        horizon = float(self.max_step or last[:, 0].max(initial=0))
        finals = last[~np.isnan(last[:, 1]), 1]
        if step >= horizon or not len(finals):
            return Decision.CONTINUE
        aim = float(np.percentile(finals, self.q, method="lower"))
        hopeless = _chance(history, curve, horizon, aim) < self.threshold
        return Decision.STOP if hopeless else Decision.CONTINUE


def _last_reports(history: History, curve: Curve) -> Array:
    """The last step of each completed trial and its value there, shape (n, 2)."""

    def row(trial: FrozenTrial) -> tuple[float, float]:
        series = trial.reports.series(curve.metric)
        end = max(series, default=0)
        return end, curve.sign * series.get(end, np.nan)

    return history.table(("last report", curve.metric), history.completed, row, 2)


def _chance(history: History, curve: Curve, horizon: float, aim: float) -> float:
    """The probability that a curve is below the aim at the horizon."""
    others = history.completed[-_MOST_CURVES:]
    theirs = [Curve.of(history, trial, curve.metric).values for trial in others]
    steps = _spread({*curve.values, *theirs[-1], int(horizon)}, horizon)
    rows = [[values.get(step, np.nan) for step in steps] for values in (*theirs, curve.values)]
    return float(forecast(np.array(rows), steps, at=[horizon]).below(aim)[-1, 0])


def _spread(steps: Iterable[int], horizon: float) -> list[int]:
    """At most so many of the steps up to a horizon, evenly spread on a logarithmic scale."""
    every = np.array(sorted(step for step in steps if step <= horizon))
    logs = np.log1p(every)
    wanted = np.linspace(logs[0], logs[-1], _MOST_STEPS)
    nearest = np.abs(logs[:, None] - wanted).argmin(axis=0)
    return [int(step) for step in every[np.unique(nearest)]]
