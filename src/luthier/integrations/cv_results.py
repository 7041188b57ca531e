"""What became of each candidate of a search, as scikit-learn's ``cv_results_`` lays it out.

A candidate's results on each split are noted with its trial as JSON, so that a resumed search can
show them without computing them again; ``cv_results`` makes the table of all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.trial import FrozenTrial
from luthier.study.study import Study

__all__ = [
    "FOLDS",
    "Candidate",
    "candidates_of",
    "cv_results",
    "estimator_params",
    "folds_to_json",
    "mean_scores",
]

FOLDS = "folds"

Folds = Mapping[str, Sequence[float | None]]


@final
@dataclass(frozen=True, slots=True)
class Candidate:
    """One configuration and its results.

    Attributes:
        params: What the estimator was given.
        folds: For each column a value per split; None where the split failed.
        error: What went wrong, if anything did.
    """

    params: Mapping[str, Any]
    folds: Folds
    error: str | None = None

    def failed_splits(self, n_splits: int) -> int:
        """How many of its splits failed."""
        scores = [column for name, column in self.folds.items() if name.startswith("test_")]
        return scores[0].count(None) if scores else n_splits


def estimator_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """The estimator's own parameters: all but those that only tell a space's branches apart.

    Example:
        >>> estimator_params({"__branch__": 1, "C": 0.5})
        {'C': 0.5}
    """
    return {name: value for name, value in params.items() if not name.startswith("__")}


def candidates_of(study: Study) -> list[Candidate]:
    """Read the candidates of a study.

    Args:
        study: The study of a search.

    Returns:
        All that have results, count, and fit the present space, by trial number.
    """
    space = study.space

    def read(trial: FrozenTrial) -> Candidate:
        resolved = {name: space[name].resolve(value) for name, value in trial.params.items()}
        folds = _folds_from_json(trial.user_attrs[FOLDS])
        return Candidate(estimator_params(resolved), folds, trial.error)

    return [
        read(trial)
        for trial in study.trials
        if trial.state.is_finished
        and trial.invalid is None
        and FOLDS in trial.user_attrs
        and space.fits(trial.params)
    ]


def folds_to_json(splits: Sequence[Mapping[str, float]]) -> dict[str, list[float | str | None]]:
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


def mean_scores(splits: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of every test score over the splits, by metric.

    Example:
        >>> mean_scores([{"fit_time": 0.1, "test_f1": 0.5}, {"fit_time": 0.1, "test_f1": 1.0}])
        {'f1': 0.75}
    """
    names = [name for name in splits[0] if name.startswith("test_")]
    return {n.removeprefix("test_"): float(np.mean([split[n] for split in splits])) for n in names}


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
    for name in ("fit_time", "score_time"):
        times = _column(candidates, name, n_splits, 0.0)
        results |= {f"mean_{name}": times.mean(axis=1), f"std_{name}": times.std(axis=1)}
    results |= _param_columns([c.params for c in candidates])
    results["params"] = [dict(c.params) for c in candidates]
    for name in dict.fromkeys(n for c in candidates for n in c.folds):
        if name.startswith(("test_", "train_")):
            results |= _score_columns(name, _column(candidates, name, n_splits, error_score))
    return results


def _folds_from_json(data: Mapping[str, Sequence[float | str | None]]) -> Folds:
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


def _score_columns(name: str, scores: NDArray[np.float64]) -> dict[str, Any]:
    columns: dict[str, Any] = {f"split{i}_{name}": column for i, column in enumerate(scores.T)}
    with np.errstate(invalid="ignore"):  # inf - inf
        means = scores.mean(axis=1)
        columns |= {f"mean_{name}": means, f"std_{name}": scores.std(axis=1)}
    if name.startswith("test_"):
        columns[f"rank_{name}"] = _ranks(means)
    return columns


def _ranks(means: NDArray[np.float64]) -> NDArray[np.int32]:
    """1 for the highest; equals share the better rank; NaN shares the last one."""
    order = np.sort(-means)  # NaN goes last
    ranks = np.searchsorted(order, -means, side="left") + 1
    return ranks.astype(np.int32)


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
