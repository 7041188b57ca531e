"""Rounds of boosting as steps of a trial: what the callbacks for LightGBM and XGBoost share.

A step is the number of rounds that a model has had. The validation score of a round is reported,
the scheduler says whether the run ends there, and a run that only pauses may leave its model as a
checkpoint, in the library's own text format, for the next run to go on with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from luthier.core.settings import Number
from luthier.errors import ArgumentError, TrialPruned
from luthier.study.trial import Restored, Trial

__all__ = ["Reporting", "Rounds", "missing_score"]

BEST: Final = "best_iteration"
BEST_VALUE: Final = "best_value"


@final
class Rounds:
    """The rounds of one trial.

    Args:
        trial: The trial.
        every: Report every so many rounds, at the trial's budget, and the last one.
        checkpoint: Whether a run leaves its model when it pauses, and goes on with one it finds.

    Attributes:
        direction: Of the study's first objective.
        saved: The model that an earlier run has left, or None.
        done: How many rounds it has had.
        best: The best round so far, counted from 1, and its score; None before any.

    Raises:
        ArgumentError: ``every`` isn't a whole number of at least 1.

    Example:
        >>> import luthier
        >>> rounds = Rounds(luthier.create_study().ask())
        >>> for number, loss in enumerate([0.5, 0.3, 0.4], 1):
        ...     rounds.heard(number, loss)
        >>> rounds.best
        (2, 0.3)
    """

    def __init__(self, trial: Trial, every: int = 1, checkpoint: bool = False) -> None:
        if Number(1, whole=True).read(every) is None:
            raise ArgumentError(
                f"Pruning: every must be a whole number of at least 1, got {every!r}.", every=every
            )
        objective = trial._ticket.objective
        self.direction = objective.directions[0]
        self.checkpoint = checkpoint
        self.saved: Restored | None = trial.load_checkpoint() if checkpoint else None
        self.done = 0 if self.saved is None else self.saved.step
        self.best: tuple[int, float] | None = None
        self._unreported: tuple[int, float] | None = None
        self._trial = trial
        self._every = every
        if self.saved is not None and BEST in trial.user_attrs:
            self.best = trial.user_attrs[BEST], trial.user_attrs[BEST_VALUE]

    def heard(self, number: int, score: float, save: Callable[[], bytes] = bytes) -> None:
        """Take in the score of a round.

        Args:
            number: The round, counted from 1 over all runs of the trial.
            score: The validation score.
            save: Gives the model as it is now.

        Raises:
            TrialPruned: The run is to end here.
        """
        if self.best is None or self._is_better(score, self.best[1]):
            self.best = number, score
        self._unreported = None
        if number % self._every and number != self._trial.budget:
            self._unreported = number, score
            return
        self._trial.report(score, number)
        if self._trial.should_prune():
            self.finish()
            if self.checkpoint:
                self._trial.save_checkpoint(save(), number)
            raise TrialPruned

    def finish(self) -> float:
        """Report the last round, note the best one with the trial, and return its score.

        Raises:
            ArgumentError: There was none.
        """
        if self.best is None:
            raise ArgumentError(
                "Pruning: no round was scored. Pass validation data and the callback to training."
            )
        if self._unreported is not None:
            number, score = self._unreported
            self._trial.report(score, number)
        self._trial.set_user_attr(BEST, self.best[0])
        self._trial.set_user_attr(BEST_VALUE, self.best[1])
        return self.best[1]

    def _is_better(self, score: float, than: float) -> bool:
        return score > than if self.direction == "maximize" else score < than


class Reporting:
    """What the callbacks of both libraries offer; abstract."""

    _rounds: Rounds

    @property
    def best_iteration(self) -> int | None:
        """The best round so far, counted from 1 over all runs of the trial."""
        return None if self._rounds.best is None else self._rounds.best[0]

    def rounds(self, total: int) -> int:
        """How many rounds are left of so many in all."""
        return total - self._rounds.done

    def finish(self) -> float:
        """Note the best round with the trial as ``best_iteration``, and return its score.

        Raises:
            ArgumentError: No round was scored.
        """
        return self._rounds.finish()


def missing_score(metric: str | None, dataset: str | None, known: list[str]) -> ArgumentError:
    """The error for a score that training doesn't compute."""
    wanted = " of ".join(filter(None, [metric or "a metric", dataset]))
    return ArgumentError(
        f"Pruning: {wanted} must be among what is evaluated in every round, got "
        f"{', '.join(known) or 'nothing'}. Pass validation data, or correct metric and dataset.",
        metric=metric,
        dataset=dataset,
    )
