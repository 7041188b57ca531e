"""The median rule: stop a trial whose best value so far is worse than the others' median.

It is the percentile rule at 50, under the name that everybody knows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, final

from luthier.core.history import History
from luthier.core.jobs import Decision
from luthier.core.settings import spec_of
from luthier.core.trial import FrozenTrial
from luthier.schedulers.percentile import Percentile
from luthier.schedulers.stopping import StoppingRule

__all__ = ["Median"]


@final
@dataclass(frozen=True, slots=True)
class Median(StoppingRule):
    """Stop trials that are worse than the median of the completed ones at the same step.

    A robust first choice when trials report their progress: it needs no knowledge of the
    metric's scale and no budget.

    Args:
        n_startup_trials: No trial is stopped before this many have completed.
        n_warmup_steps: No trial is stopped before this step.
        interval_steps: Decide only every so many steps.
        n_min_trials: Decide only where so many completed trials reported the step.
        metric: The reported metric to look at; the first objective if None.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> Median(n_warmup_steps=10).spec["name"]
        'median'

    References:
        Golovin et al., Google Vizier (KDD 2017), section 3.2.2.
    """

    n_startup_trials: int = 5
    n_warmup_steps: int = 0
    interval_steps: int = 1
    n_min_trials: int = 1
    metric: str | None = None
    _rule: Percentile = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rule = Percentile(
            50.0,
            self.n_startup_trials,
            self.n_warmup_steps,
            self.interval_steps,
            self.n_min_trials,
            self.metric,
        )
        object.__setattr__(self, "_rule", rule)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("median", self)

    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Stop the trial if its best value is worse than the median at this step."""
        return self._rule.decide(history, trial, step)
