"""What came of a search's trials: noted with them as JSON, and read back as one table."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from luthier.core.trial import EMPTY, FrozenTrial, TrialState
from luthier.errors import ObjectiveError
from luthier.integrations.sklearn.cv_results import (
    FOLDS,
    Candidate,
    cv_results,
    folds_from_json,
    folds_to_json,
)
from luthier.integrations.sklearn.fitting import Fit, tell_of_failures
from luthier.study.study import Study

__all__ = ["mean_scores", "note", "noted", "result", "seconds", "table"]


def note(
    study: Study, trial: FrozenTrial, fits: Sequence[Fit], iteration: int | None = None
) -> None:
    """Note with a trial what came of it on each split.

    Args:
        study: Its study.
        trial: The trial.
        fits: The results, split by split.
        iteration: Of which round; None where there is only one.
    """
    folds, errors = _keys(iteration)
    attrs: dict[str, Any] = {folds: folds_to_json([fit.scores for fit in fits])}
    if any(fit.error for fit in fits):
        attrs[errors] = [fit.error for fit in fits]
    study._driver.set_attrs(trial.number, attrs)


def noted(trial: FrozenTrial, iteration: int | None = None) -> dict[str, list[float | None]]:
    """What was noted with a trial: for each column a value per split, None where it failed."""
    return folds_from_json(trial.user_attrs.get(_keys(iteration)[0], {}))


def mean_scores(fits: Sequence[Fit]) -> dict[str, float]:
    """The mean of every test score over the splits, by metric; without those that aren't numbers.

    Args:
        fits: The results, split by split.
    """
    names = dict.fromkeys(n for fit in fits for n in fit.scores if n.startswith("test_"))
    rows = [[fit.scores.get(n) for n in names] for fit in fits]
    means = np.array(rows, dtype=np.float64).mean(axis=0)  # None becomes NaN
    named = {n.removeprefix("test_"): float(m) for n, m in zip(names, means, strict=True)}
    return {name: mean for name, mean in named.items() if mean == mean}


def result(
    study: Study, means: Mapping[str, float], error: str | None
) -> tuple[Mapping[str, float], str | None, TrialState]:
    """What a trial ends with.

    Args:
        study: Its study.
        means: Its mean scores; "score" decides.
        error: Of the first fit that failed, if any.

    Returns:
        Its metrics, error and state.
    """
    if error is None:
        try:
            return study.objective.read(means), None, TrialState.COMPLETE
        except ObjectiveError as unusable:
            error = str(unusable)
    return EMPTY, error, TrialState.FAILED


def seconds(fits: Sequence[Fit]) -> float:
    """How long the fits and their scores took."""
    return sum(fit.scores[name] or 0.0 for fit in fits for name in ("fit_time", "score_time"))


def table(
    search: Any,
    rows: Sequence[tuple[FrozenTrial, Mapping[str, Any]]],
    iterations: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Make ``cv_results_``; tell of fits that failed, and of scores that aren't finite.

    Args:
        search: The search.
        rows: For each row a trial and the parameters that its estimator was given.
        iterations: For each row the round, where there are several.

    Raises:
        AllTrialsFailedError: Every fit of a round has failed.
    """
    n_splits = search.n_splits_
    rounds = [None] * len(rows) if iterations is None else list(iterations)
    candidates: list[Candidate] = []
    errors: dict[int | None, list[list[str | None]]] = {}
    for (trial, params), iteration in zip(rows, rounds, strict=True):
        folds = noted(trial, iteration)
        candidates.append(Candidate(params, folds, trial.error))
        lost = [] if folds else [trial.error or "its worker was lost"] * n_splits
        noticed = trial.user_attrs.get(_keys(iteration)[1], lost)
        errors.setdefault(iteration, []).append(noticed)
    for of_round in errors.values():
        failed = [error for row in of_round for error in row if error is not None]
        tell_of_failures(search, failed, len(of_round) * n_splits)
    if not any(name.startswith("test_") for c in candidates for name in c.folds):
        candidates[0].folds["test_score"] = [None] * n_splits  # type: ignore[index]
    score = math.nan if search.error_score == "raise" else float(search.error_score)
    results = cv_results(candidates, n_splits, score)
    for name, column in results.items():
        if name.startswith(("mean_test_", "mean_train_")) and not np.isfinite(column).all():
            warnings.warn(
                f"One or more of the {name.split('_')[1]} scores are non-finite: {column}",
                UserWarning,
                stacklevel=4,
            )
    return results


def _keys(iteration: int | None) -> tuple[str, str]:
    end = "" if iteration is None else f"_{iteration}"
    return f"{FOLDS}{end}", f"errors{end}"
