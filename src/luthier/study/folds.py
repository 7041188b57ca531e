"""Folds: an objective that is a mean over folds, run and reported one fold at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, final

import numpy as np

from luthier.core.folds import FOLD, FOLD_SCORE, fold_order, fold_scores, incumbent_scores
from luthier.errors import TrialPruned

if TYPE_CHECKING:
    from luthier.study.trial import Trial

__all__ = ["Folds"]


@final
class Folds:
    """The folds that a trial has still to run, and the scores of those it has run.

    Those on which the incumbent did worst come first, if the study's scheduler races trials; else
    from the first to the last. A trial that was paused goes on where it was. What is reported as
    the objective is the mean so far; against an incumbent, that one's mean and the mean difference
    from it on these folds, so that it doesn't matter which folds were run.

    Args:
        trial: The running trial.
        n: How many folds there are.
        alike: Whether folds are the same in all trials. If not, they are run in order, and what is
            reported is the mean so far.

    Example:
        >>> import luthier
        >>> def objective(trial):
        ...     x, folds = trial.suggest_float("x", 0, 1), Folds(trial, 5)
        ...     for fold in folds:
        ...         folds.report(x + fold / 100)
        ...     return folds.mean
        >>> study = luthier.create_study(scheduler="race", seed=0)
        >>> study.optimize(objective, n_trials=10)
        >>> sum(len(trial.reports) for trial in study.trials) < 50
        True
    """

    def __init__(self, trial: Trial, n: int, *, alike: bool = True) -> None:
        self._trial = trial
        self._n = n
        self._incumbent = incumbent_scores(trial.origin) if alike else None
        if self._incumbent is not None and len(self._incumbent) != n:
            self._incumbent = None
        self._order = fold_order(self._incumbent, n, trial.direction)
        self._scores = fold_scores(trial.reports)

    def __iter__(self) -> Iterator[int]:
        while self.left:
            yield self.left[0]

    @property
    def left(self) -> list[int]:
        """The folds that are still to be run, in order."""
        return [fold for fold in self._order if fold not in self._scores]

    @property
    def scores(self) -> dict[int, float]:
        """The scores so far by fold, in the order in which they were run."""
        return dict(self._scores)

    @property
    def mean(self) -> float:
        """The mean of the scores so far; NaN before the first."""
        return self._mean(sorted(self._scores)) if self._scores else float("nan")

    def report(self, score: float, **metrics: float) -> None:
        """Report the score of the next fold.

        Args:
            score: Of ``left[0]``. NaN is allowed.
            **metrics: What else is to be recorded of it.

        Raises:
            TrialPruned: The trial is to end, or pause, here: let it pass.
        """
        fold = self.left[0]
        self._scores[fold] = score
        report: dict[str, Any] = {self._trial.objective_name: self._estimate()}
        report |= {FOLD: fold, FOLD_SCORE: score, **metrics}
        self._trial.report(report, step=len(self._scores))
        if self.left and self._trial.should_prune():
            raise TrialPruned(f"after {len(self._scores)} of {self._n} folds")

    def _estimate(self) -> float:
        """What the mean over all folds will be, as if the incumbent's errors were known."""
        theirs = self._incumbent
        if theirs is None or not self.left:
            return self.mean
        apart = [score - theirs[fold] for fold, score in self._scores.items()]
        return float(np.mean(theirs) + np.mean(apart))

    def _mean(self, folds: list[int]) -> float:
        return float(np.mean([self._scores[fold] for fold in folds]))
