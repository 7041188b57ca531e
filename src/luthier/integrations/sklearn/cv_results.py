"""What became of each candidate of a search, as scikit-learn's ``cv_results_`` lays it out.

A candidate's results on each split are in the reports of its trial, so that a resumed search can
show them without computing them again; ``cv_results`` makes the table of all.

A candidate that lost its race wasn't run on all splits: the scores of the others are NaN, its
means are over those that were run, and it ranks behind all that were run on all. There it has the
place it deserves: that of its mean had it met the usual difficulty of a split, which is how far
from their mean the complete candidates score on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.folds import FOLD, fold_scores
from luthier.core.trial import FrozenTrial, Reports, TrialState
from luthier.study.study import Study

__all__ = [
    "FOLDS",
    "MEASURES",
    "Candidate",
    "candidates_of",
    "columns_of",
    "cv_results",
    "estimator_params",
    "folds_from_json",
    "folds_to_json",
]

FOLDS = "folds"
MEASURES = ("fit_time", "score_time", "model_size")

Folds = Mapping[str, Sequence[float | None]]


@final
@dataclass(frozen=True, slots=True)
class Candidate:
    """One configuration and its results.

    Attributes:
        params: What the estimator was given.
        folds: For each column a value per split; None where the split failed or wasn't run.
        error: What went wrong, if anything did.
        feasible: Whether it keeps the constraints, and got all there is where some get less.
        step: The last step it reported.
    """

    params: Mapping[str, Any]
    folds: Folds
    error: str | None = None
    feasible: bool = True
    step: int | None = None

    def run(self, n_splits: int) -> NDArray[np.bool_]:
        """Which splits were run, shape (n_splits,): they have a time."""
        return np.array([v is not None for v in self.folds.get("fit_time", [None] * n_splits)])

    def failed_splits(self, n_splits: int) -> int:
        """How many of its splits failed."""
        scores = [column for name, column in self.folds.items() if name.startswith("test_")]
        scored = n_splits - scores[0].count(None) if scores else 0
        return int(self.run(n_splits).sum()) - scored


def estimator_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """The estimator's own parameters: all but those that only tell a space's branches apart.

    Example:
        >>> estimator_params({"__branch__": 1, "C": 0.5})
        {'C': 0.5}
    """
    return {name: value for name, value in params.items() if not name.startswith("__")}


def candidates_of(study: Study, n_splits: int) -> list[Candidate]:
    """Read the candidates of a study.

    Args:
        study: The study of a search.
        n_splits: How many splits there are.

    Returns:
        All that have results, count, and fit the present space, by trial number.
    """
    space, objective = study.space, study.objective

    def read_one(trial: FrozenTrial) -> Candidate:
        resolved = {name: space[name].resolve(value) for name, value in trial.params.items()}
        noted = trial.user_attrs.get(FOLDS)
        folds = columns_of(trial.reports, n_splits) if noted is None else folds_from_json(noted)
        feasible = trial.state is not TrialState.COMPLETE or not objective.violation(trial.metrics)
        read = Candidate(estimator_params(resolved), folds, trial.error, feasible, trial.last_step)
        if trial.state is TrialState.FAILED and not read.failed_splits(n_splits):
            return replace(read, feasible=False)  # its result was none: a bounded metric is missing
        return read

    return [
        read_one(trial)
        for trial in study.trials
        if (trial.state.is_finished or trial.state is TrialState.PAUSED)
        and trial.invalid is None
        and (fold_scores(trial.reports) or FOLDS in trial.user_attrs)
        and space.fits(trial.params)
    ]


def columns_of(reports: Reports, n_splits: int) -> dict[str, list[float | None]]:
    """Return what a trial has reported of its splits, by column of ``cv_results_``.

    Args:
        reports: Of a trial; a report is of one split.
        n_splits: How many splits there are.

    Example:
        >>> report = {"score": 0.5, "fold": 1, "fold_score": 0.5, "test_score": 0.5}
        >>> columns_of(Reports([(1, report)]), n_splits=3)
        {'test_score': [None, 0.5, None]}
    """
    columns: dict[str, list[float | None]] = {}
    for report in reports.values():
        for name, value in report.items():
            if name in MEASURES or name.startswith(("test_", "train_")):
                columns.setdefault(name, [None] * n_splits)[int(report[FOLD])] = value
    return columns


def folds_to_json(
    splits: Sequence[Mapping[str, float | None]],
) -> dict[str, list[float | str | None]]:
    """Turn the results of a candidate's splits into a JSON value.

    Args:
        splits: For each split its results by column; a failed split lacks its scores.

    Returns:
        For each column a value per split: a number, text if it isn't finite, None if missing.

    Example:
        >>> folds_to_json([{"fit_time": 0.1, "test_score": math.nan}, {"fit_time": 0.2}])
        {'fit_time': [0.1, 0.2], 'test_score': ['nan', None]}
    """
    names = dict.fromkeys(name for split in splits for name in split)
    return {name: [_to_json(split.get(name)) for split in splits] for name in names}


def cv_results(
    candidates: Sequence[Candidate], n_splits: int, error_score: float = math.nan
) -> dict[str, Any]:
    """Make the table.

    Args:
        candidates: At least one, in order.
        n_splits: How many splits each has.
        error_score: Stands for the scores of splits that failed.

    Returns:
        scikit-learn's columns: ``params``, ``param_*``, ``mean_`` and ``std_`` of times and
        scores, ``splitN_`` and ``rank_`` of scores; one entry per candidate.

    Example:
        >>> folds = {"fit_time": [0.1], "score_time": [0.0], "test_score": [0.9]}
        >>> table = cv_results([Candidate({"C": 1}, folds)], n_splits=1)
        >>> table["mean_test_score"], table["rank_test_score"]
        (array([0.9]), array([1], dtype=int32))
    """
    results: dict[str, Any] = {}
    run = np.array([candidate.run(n_splits) for candidate in candidates])
    measured = [n for n in MEASURES if n != "model_size" or any(n in c.folds for c in candidates)]
    for name in measured:
        times = _column(candidates, name, n_splits, 0.0)
        results |= {f"mean_{name}": _means(times, run), f"std_{name}": _stds(times, run)}
    results |= _param_columns([c.params for c in candidates])
    results["params"] = [dict(c.params) for c in candidates]
    feasible = np.array([candidate.feasible for candidate in candidates])
    for name in dict.fromkeys(n for c in candidates for n in c.folds):
        if name.startswith(("test_", "train_")):
            scores = np.where(run, _column(candidates, name, n_splits, error_score), math.nan)
            results |= _score_columns(name, scores, run, feasible)
    return results


def folds_from_json(
    data: Mapping[str, Sequence[float | str | None]],
) -> dict[str, list[float | None]]:
    """Read what ``folds_to_json`` has made."""
    return {
        name: [None if v is None else float(v) for v in column] for name, column in data.items()
    }


def _to_json(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else str(value)


def _column(
    candidates: Sequence[Candidate], name: str, n_splits: int, missing: float
) -> NDArray[np.float64]:
    nothing = [None] * n_splits
    rows = [candidate.folds.get(name, nothing) for candidate in candidates]
    return np.array([[missing if v is None else v for v in row] for row in rows], dtype=np.float64)


def _score_columns(
    name: str, scores: NDArray[np.float64], run: NDArray[np.bool_], feasible: NDArray[np.bool_]
) -> dict[str, Any]:
    columns: dict[str, Any] = {f"split{i}_{name}": column for i, column in enumerate(scores.T)}
    means = _means(scores, run)
    columns |= {f"mean_{name}": means, f"std_{name}": _stds(scores, run)}
    if name.startswith("test_"):
        columns[f"rank_{name}"] = _ranks(means, scores, run, feasible)
    return columns


def _means(values: NDArray[np.float64], run: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The mean of each row over the splits that were run; NaN where none was."""
    return _over_run(np.mean, values, run)


def _stds(values: NDArray[np.float64], run: NDArray[np.bool_]) -> NDArray[np.float64]:
    return _over_run(np.std, values, run)


def _over_run(
    function: Callable[..., Any], values: NDArray[np.float64], run: NDArray[np.bool_]
) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):  # inf - inf
        results: NDArray[np.float64] = np.array(function(values, axis=1), dtype=np.float64)
        for row in np.flatnonzero(~run.all(axis=1)):
            results[row] = function(values[row, run[row]]) if run[row].any() else math.nan
    return results


def _ranks(
    means: NDArray[np.float64],
    scores: NDArray[np.float64],
    run: NDArray[np.bool_],
    feasible: NDArray[np.bool_],
) -> NDArray[np.int32]:
    """1 for the highest mean; equals share the better rank; NaN shares the last one.

    Candidates that break a constraint come after those that keep them, and those that lost their
    race after both.
    """
    complete = run.all(axis=1)
    worth = means.copy()
    if not complete.all():
        usual = scores[complete & np.isfinite(means)]
        difficulty = usual.mean(axis=0) - usual.mean() if len(usual) else np.zeros(scores.shape[1])
        worth[~complete] = _means(scores - difficulty, run)[~complete]
    group = np.where(np.isnan(worth), 3, np.where(complete, np.where(feasible, 0, 1), 2))
    _, places = np.unique(group, return_inverse=True)
    ranks = np.empty(len(means), dtype=np.int32)
    before = 0
    for place in range(places.max() + 1):
        rows = np.flatnonzero(places == place)
        order = np.sort(-worth[rows])  # NaN goes last
        ranks[rows] = before + np.searchsorted(order, -worth[rows], side="left") + 1
        before += len(rows)
    return ranks


def _param_columns(params: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = dict.fromkeys(name for candidate in params for name in candidate)
    return {f"param_{name}": _param_column(params, name) for name in names}


def _param_column(params: Sequence[Mapping[str, Any]], name: str) -> np.ma.MaskedArray[Any, Any]:
    given = {i: candidate[name] for i, candidate in enumerate(params) if name in candidate}
    column = np.ma.MaskedArray(np.empty(len(params), dtype=_dtype(list(given.values()))), mask=True)
    for i, value in given.items():
        column[i] = value
    return column


def _dtype(values: list[Any]) -> np.dtype[Any]:
    """NumPy's own choice for numbers, else object."""
    try:
        array = np.array(values)
    except ValueError:  # sequences of unequal length
        return np.dtype(object)
    return array.dtype if array.ndim == 1 and array.dtype.kind != "U" else np.dtype(object)
