"""Stop when a search can't gain what its scores could show.

A score from cross-validation has a standard error: another sample of the same data would change it
by about that. Once whatever may still be found is better by less, going on follows noise. A
Gaussian process over the trials so far bounds what may be found, with probability 1 - delta:

    regret   <=  ``luthier.analysis.regret``                   with probability 1 - delta
    error^2   =  (1/k + 1/(k - 1)) var of the k fold scores    of the best trial

References:
    Makarova, Shen, Perrone, Klein, Faddoul, Krause, Seeger, Archambeau, Automatic termination for
    hyperparameter optimization (AutoML 2022), arXiv 2104.08166, section 3.
    Nadeau, Bengio, Inference for the generalization error (2003): the standard error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from luthier.core.folds import fold_scores
from luthier.core.history import History
from luthier.core.trial import FrozenTrial
from luthier.errors import ArgumentError
from luthier.study.stopping import is_number, is_whole

__all__ = ["RegretBelowError"]


@final
@dataclass(frozen=True, slots=True)
class RegretBelowError:
    """Stop when what may still be gained is below the standard error of the best trial's score.

    For searches of one objective whose trials report their folds, as those of ``SearchCV`` do; for
    others give the error. Each look fits a Gaussian process: some ten milliseconds a trial.

    Args:
        error: Standard error of a trial's value; None takes it from the best trial's folds, and
            never stops where there are none.
        trials: How many trials must have finished before it looks, at least 2.
        delta: With which probability the bound may fail, between 0 and 1.

    Example:
        >>> RegretBelowError(trials=30)
        RegretBelowError(error=None, trials=30, delta=0.1)
    """

    error: float | None = None
    trials: int = 20
    delta: float = 0.1

    def __post_init__(self) -> None:
        if self.error is not None and not (is_number(self.error) and 0 < self.error < math.inf):
            raise ArgumentError(
                f"RegretBelowError: error must be a number above 0 or None, got {self.error!r}."
            )
        if not is_whole(self.trials) or self.trials < 2:
            raise ArgumentError(
                f"RegretBelowError: trials must be an integer of at least 2, got {self.trials!r}."
            )
        if not is_number(self.delta) or not 0 < self.delta < 1:
            raise ArgumentError(
                f"RegretBelowError: delta must lie between 0 and 1, got {self.delta!r}."
            )

    def reason(self, history: History, elapsed: float) -> str | None:
        """See StopRule."""
        from luthier.analysis.regret import regret_bound

        best = history.best(1)
        error = self.error or (_standard_error(history.completed[best[0]]) if best else None)
        if not best or error is None:
            return None
        regret = regret_bound(history, delta=self.delta, fewest=self.trials)
        if regret is None or regret >= error:
            return None
        return f"at most {regret:.2g} may still be gained, less than the standard error {error:.2g}"


def _standard_error(trial: FrozenTrial) -> float | None:
    """That of the trial's mean score over its folds; None if it hasn't two."""
    scores = list(fold_scores(trial.reports).values())
    k = len(scores)
    if k < 2:
        return None
    return math.sqrt((1 / k + 1 / (k - 1)) * float(np.var(scores, ddof=1)))
