"""The Wilcoxon rule: stop a trial that is worse than the best one, step for step.

For objectives that average over instances, such as folds, data sets or seeds, each reported at a
step of its own. The differences d_s to the best completed trial at the steps that both have
reported are ranked by size, and W sums the ranks of those that are worse. If W is improbably large
under the hypothesis that worse and better are equally likely,

    stop  if  P(W' >= W) < p      and the trial's mean isn't better than that of the best
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from luthier.core.history import History
from luthier.core.jobs import Decision
from luthier.core.settings import Number, Rule, settle, spec_of
from luthier.core.trial import FrozenTrial
from luthier.schedulers.curve import Curve
from luthier.schedulers.stopping import StoppingRule

__all__ = ["Wilcoxon"]

_RULES: Final[Mapping[str, Rule]] = {
    "p_threshold": Number(0, 1, open=""),
    "n_startup_steps": Number(0, whole=True),
}


@final
@dataclass(frozen=True, slots=True)
class Wilcoxon(StoppingRule):
    """Stop trials that a signed-rank test finds worse than the best trial.

    The objective should report the instances in an order of its own for each trial, and return the
    mean of what it has when it is stopped.

    Args:
        p_threshold: The probability of error below which a trial is stopped, from 0 to 1.
        n_startup_steps: No trial is stopped before so many steps can be compared, two at least.
        metric: The reported metric to look at; the first objective if None.

    A trial that has reported NaN or infinities isn't stopped, and nothing is compared with one.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> Wilcoxon(0.05).spec["p_threshold"]
        0.05

    References:
        Wilcoxon, Individual Comparisons by Ranking Methods (Biometrics Bulletin, 1945). Zero
        differences are ranked, and split between both sides (``zsplit`` of SciPy). The safeguard
        by means is that of Optuna 5.0's WilcoxonPruner.
    """

    p_threshold: float = 0.1
    n_startup_steps: int = 2
    metric: str | None = None

    def __post_init__(self) -> None:
        settle(self, _RULES)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("wilcoxon", self)

    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Stop the trial if it is worse than the best one, and not by chance."""
        best = history.best(1)
        if not best:
            return Decision.CONTINUE
        own = Curve.of(history, trial, self.metric).values
        others = Curve.of(history, history.completed[best[0]], self.metric).values
        common = sorted(own.keys() & others.keys())
        known = np.isfinite([*own.values(), *others.values()]).all()
        if not known or len(common) < max(2, self.n_startup_steps):
            return Decision.CONTINUE
        better_mean = np.mean([*own.values()]) <= np.mean([*others.values()])
        differences = np.array([own[s] - others[s] for s in common])
        is_worse = not better_mean and _p_of_worse(differences) < self.p_threshold
        return Decision.STOP if is_worse else Decision.CONTINUE


def _p_of_worse(differences: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """How probable differences at least so much to the worse are if there is none."""
    from scipy.stats import wilcoxon

    return float(wilcoxon(differences, alternative="greater", zero_method="zsplit").pvalue)
