"""Racing over folds: a trial is dropped once the folds it has run speak against it.

Each trial is raced against the best one of the history that it was proposed from, on the folds on
which that one was worst first. Three rules say when it has lost:

    forgiving   its mean so far is worse than the incumbent's worst fold
    paired      it can't be expected to gain on the incumbent what would be worth the other folds
    aggressive  it is behind the incumbent on the folds that both ran

The paired rule weighs chance. After k of n folds a trial is behind by m on average, and these
differences have standard deviation s. How far it will be behind on all n folds is then normal:

    mean m,  variance s^2 (1/k - 1/n)

since only the folds to come are unknown (the variance of a mean of k out of n, drawn without
replacement). It is dropped when the expected gain over the incumbent, the mean of what is below
zero, is less than ``margin`` standard errors s / sqrt(n) of a mean over all folds. Who is ahead is
never dropped. A few differences don't tell their own spread: the incumbent's spread over the folds
counts as two more.

Where scores have a bound (accuracy: 1), a trial may have lost for certain: when not even the best
possible score on all folds to come would put its mean ahead. Then every rule drops it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.folds import FOLD_SCORE, fold_scores, incumbent_scores
from luthier.core.history import History
from luthier.core.jobs import Decision
from luthier.core.settings import Choice, Number, Rule, settle, spec_of
from luthier.core.trial import EMPTY, FrozenTrial
from luthier.schedulers.stopping import StoppingRule

__all__ = ["Race"]

_RULES: Final[Mapping[str, Rule]] = {
    "rule": Choice(("paired", "forgiving", "aggressive")),
    "margin": Number(0.0),
}
_BOUND: Final = Number(-math.inf, open="both")
_EQUAL: Final = 1e-9  # of the larger score: what rounding makes of equal means
_PRIOR: Final = 2


@final
@dataclass(frozen=True, slots=True)
class Race(StoppingRule):
    """Drop a trial when it has lost against the best one so far, on some of the folds.

    For objectives that are means over folds and report each one, by ``luthier.study.folds.Folds``
    or by themselves: ``trial.report({"value": mean, "fold": 3, "fold_score": 0.9}, step=1)``. The
    folds must be the same in all trials, but for the forgiving rule.

    Args:
        rule: "paired", "forgiving" or "aggressive"; see above.
        margin: For "paired": what gain is given up, in standard errors of the mean over all folds.
            At 0.2 ten folds cost about three, and a thousandth is rarely lost.
        bound: The best score that a fold can have, such as 1 of accuracy or 0 of an error that is
            minimised. None is unknown. One that is exceeded isn't believed.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> Race("forgiving").spec
        {'name': 'race', 'rule': 'forgiving', 'margin': 0.2, 'bound': None}

    References:
        Bergman, Purucker and Hutter, Don't Waste Your Time: Early Stopping Cross-Validation
        (AutoML 2024), arXiv:2405.03389: forgiving and aggressive. Maron and Moore, Hoeffding races
        (NIPS 1993): racing, in pairs too. Cochran, Sampling Techniques (1977), section 2.6:
        drawing without replacement.
    """

    rule: str = "paired"
    margin: float = 0.2
    bound: float | None = None

    def __post_init__(self) -> None:
        settle(self, _RULES if self.bound is None else {**_RULES, "bound": _BOUND})

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("race", self)

    @property
    def is_race(self) -> bool:
        """True: trials must know their incumbent."""
        return True

    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Stop the trial if it has lost."""
        theirs, ours = incumbent_scores(trial.origin), fold_scores(trial.reports)
        if theirs is None or FOLD_SCORE not in trial.reports.get(step, EMPTY):
            return Decision.CONTINUE
        if len(ours) >= len(theirs) or max(ours) >= len(theirs):  # over, or not the same folds
            return Decision.CONTINUE
        sign = 1.0 if history.objective.directions[0] == "minimize" else -1.0
        ran = sign * np.array([(score, theirs[fold]) for fold, score in ours.items()])
        if not np.isfinite(ran).all() or not np.isfinite(theirs).all():
            return Decision.CONTINUE
        every = sign * np.array(theirs)
        lost = self._has_lost(ran[:, 0], ran[:, 1], every)
        if not lost and self.bound is not None:
            lost = _for_certain(ran[:, 0], every, sign * self.bound)
        return Decision.STOP if lost else Decision.CONTINUE

    def _has_lost(
        self, ours: NDArray[np.float64], theirs: NDArray[np.float64], every: NDArray[np.float64]
    ) -> bool:
        """Whether a trial has lost by its scores beside the incumbent's, lower being better.

        Args:
            ours: Its scores, shape (k,).
            theirs: The incumbent's on the same folds, shape (k,).
            every: The incumbent's on all folds, shape (n,).
        """
        rounding = _EQUAL * float(np.abs(every).max()) + sys.float_info.min
        if self.rule == "forgiving":
            return bool(ours.mean() > every.max() + rounding)
        behind = ours - theirs
        if self.rule == "aggressive":
            return bool(behind.mean() > rounding)
        if behind.mean() < -rounding:
            return False
        spread = _spread(behind, every) + rounding
        error = spread * math.sqrt(1 / len(behind) - 1 / len(every))
        gain = _expected_gain(float(behind.mean()), error)
        return gain < self.margin * spread / math.sqrt(len(every))


def _for_certain(ours: NDArray[np.float64], every: NDArray[np.float64], least: float) -> bool:
    """Whether a trial's mean can't be below the incumbent's, whatever its other folds come to."""
    if min(ours.min(), every.min()) < least:
        return False
    reached = ours.sum() + (len(every) - len(ours)) * least
    return bool(reached >= every.sum() - _EQUAL * np.abs(every).sum())


def _spread(behind: NDArray[np.float64], every: NDArray[np.float64]) -> float:
    """The standard deviation of differences, to which the incumbent's own counts as two more."""
    squares = float(((behind - behind.mean()) ** 2).sum())
    known = float(every.var(ddof=1)) if len(every) > 1 else 0.0
    return math.sqrt((squares + _PRIOR * known) / (len(behind) - 1 + _PRIOR))


def _expected_gain(mean: float, deviation: float) -> float:
    """The mean of what is below 0 of a normal distribution."""
    z = -mean / deviation
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return deviation * (z * math.erfc(-z / math.sqrt(2)) / 2 + density)
