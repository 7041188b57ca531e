"""Folds as steps of a trial: what is reported of them, and what is noted of the incumbent.

After each fold a trial reports the mean so far, and with it which fold that was and its score. A
trial that is to be raced knows from its first step on whom against: the incumbent of the history
that it was proposed from, whose scores are in its origin. So all that is decided about it follows
from its own record, whatever else runs beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from luthier.core.history import History
from luthier.core.objective import Direction
from luthier.core.trial import Origin, Reports

__all__ = [
    "FOLD",
    "FOLD_SCORE",
    "fold_order",
    "fold_scores",
    "incumbent_of",
    "incumbent_scores",
]

FOLD: Final = "fold"
FOLD_SCORE: Final = "fold_score"
_INCUMBENT: Final = "incumbent"


def fold_scores(reports: Reports) -> dict[int, float]:
    """Return the score of each fold that was reported, in the order in which they were run.

    Example:
        >>> fold_scores(Reports([(1, {"value": 0.5, "fold": 3, "fold_score": 0.5})]))
        {3: 0.5}
    """
    named = (report for report in reports.values() if FOLD in report and FOLD_SCORE in report)
    return {int(report[FOLD]): report[FOLD_SCORE] for report in named if report[FOLD] >= 0}


def incumbent_of(history: History) -> dict[str, Any]:
    """Return what a new trial should know of the best one, as part of its origin's data.

    Empty as long as no trial that keeps the constraints has completed with a score of each fold.
    """
    best = history.best(1)
    if not best or history.violations[best[0]] > 0:
        return {}
    trial = history.completed[best[0]]
    scores = fold_scores(trial.reports)
    if not scores or sorted(scores) != list(range(len(scores))):
        return {}
    return {_INCUMBENT: {"trial": trial.number, "scores": [scores[j] for j in sorted(scores)]}}


def incumbent_scores(origin: Origin) -> list[float] | None:
    """Return the score of each fold of the trial's incumbent; None if there was none."""
    noted = origin.data.get(_INCUMBENT)
    return list(map(float, noted["scores"])) if isinstance(noted, Mapping) else None


def fold_order(scores: Sequence[float] | None, n: int, direction: Direction) -> list[int]:
    """Return the order in which to run folds: those first on which the incumbent did worst.

    There a weaker trial falls behind soonest. Without an incumbent, or with one that had other
    folds, from the first to the last.

    Args:
        scores: The incumbent's, by fold.
        n: How many folds there are.
        direction: Whether scores are minimised or maximised.

    Example:
        >>> fold_order([0.9, 0.7, 0.8], 3, "maximize")
        [1, 2, 0]
    """
    if scores is None or len(scores) != n:
        return list(range(n))
    sign = 1.0 if direction == "maximize" else -1.0
    return sorted(range(n), key=lambda fold: sign * scores[fold])
