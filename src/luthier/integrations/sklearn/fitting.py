"""One fit: a candidate on one split. All searches here come down to this.

Rows, parameters and scores are handled as scikit-learn's own searches handle them, by its public
functions alone. A fit that fails leaves its error instead of scores, and a metric that fails leaves
out its score alone; or both are raised.
"""

from __future__ import annotations

import pickle
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from numbers import Number
from typing import Any, Final, final

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.utils import _safe_indexing, get_tags

from luthier.errors import AllTrialsFailedError
from luthier.integrations.sklearn.callbacks import Telling
from luthier.study.trial import describe

__all__ = [
    "MULTIMETRIC",
    "Fit",
    "Fitting",
    "Split",
    "configured",
    "first_error",
    "fit",
    "metric_names",
    "n_rows",
    "tell_of_failures",
]

MULTIMETRIC: Final = (list, tuple, set, dict)  # what names several metrics
Split = tuple[Any, Any]  # indices of training and of test rows


@final
@dataclass(frozen=True, slots=True)
class Fit:
    """What came of one candidate on one split.

    Attributes:
        scores: Times, and scores by column of ``cv_results_``; None where a metric failed.
            "model_size" where it is asked for.
        error: Why the fit failed, or None.
    """

    scores: dict[str, float | None]
    error: str | None = None


@final
@dataclass(frozen=True, slots=True)
class Fitting:
    """What every candidate of a search is put to.

    Attributes:
        estimator: What the candidates are made from.
        X: Data, n_samples long; square where the estimator works on pairs of samples.
        y: Targets, n_samples long, or None.
        scorer: From (estimator, X, y) to a number, or to numbers by name.
        metrics: The names of the numbers as far as they are known; see ``metric_names``.
        fit_params: For the estimator's ``fit``; what is n_samples long is split like the data.
        score_params: For the scorer, likewise.
        train_scores: Whether training scores are computed too.
        raises: Whether errors are raised instead of noted.
        whole: Whether the fit has failed where one of its metrics has.
        sized: Whether to add "model_size", the bytes of the fitted model's pickle.

    Example:
        >>> from sklearn.dummy import DummyClassifier
        >>> from sklearn.metrics import get_scorer
        >>> fitting = Fitting(DummyClassifier(), [[0]] * 4, [0, 0, 0, 1], get_scorer("accuracy"))
        >>> fitting.of({"strategy": "most_frequent"}, ([0, 1], [2, 3])).scores["test_score"]
        0.5
    """

    estimator: Any
    X: Any
    y: Any
    scorer: Any
    metrics: tuple[str, ...] = ("score",)
    fit_params: Mapping[str, Any] | None = None
    score_params: Mapping[str, Any] | None = None
    train_scores: bool = False
    raises: bool = False
    whole: bool = False
    sized: bool = False

    def of(self, params: Mapping[str, Any], split: Split, task: Telling | None = None) -> Fit:
        """The same as ``of_model``, for the estimator with other parameters; they are cloned."""
        return self.of_model(configured(self.estimator, params), split, task)

    def of_model(self, model: Any, split: Split, task: Telling | None = None) -> Fit:
        """Fit a candidate to a split's training rows and score it on its test rows.

        Args:
            model: The candidate, of which nobody else makes use: it is changed.
            split: Training and test indices.
            task: Whose callbacks hear of the fit.

        Returns:
            Its scores, or its error.

        Raises:
            ValueError: The scorer returned something else than numbers, and the fit isn't whole.
            Exception: Whatever the fit or the scorer raised, where errors are to be raised.
        """
        train, test = split
        pairwise = get_tags(model).input_tags.pairwise
        fit_part = self._part(train, train, pairwise)
        test_part = self._part(test, train, pairwise)
        fit_params = self._params(self.fit_params, train)
        told = nullcontext() if task is None else task.fit(model, *fit_part, fit_params)
        began, fitted = time.perf_counter(), None
        try:
            with told:
                fit(model, *fit_part, fit_params)
            fitted = time.perf_counter()
            found = {"test": self._score(model, test_part, test)}
            measured = {"fit_time": fitted - began, "score_time": time.perf_counter() - fitted}
            if self.train_scores:
                found["train"] = self._score(model, fit_part, train)
        except Exception as error:
            if self.raises or (fitted is not None and not self.whole):
                raise
            measured = {"fit_time": time.perf_counter() - began, "score_time": 0.0}
            return Fit({**measured, **self._no_scores()}, describe(error))
        if self.sized:
            measured["model_size"] = float(len(pickle.dumps(model)))
        return Fit({**measured, **_columns(found)})

    def _part(self, rows: Any, train: Any, pairwise: bool) -> tuple[Any, Any]:
        y = None if self.y is None else _safe_indexing(self.y, rows)
        if not pairwise:
            return _safe_indexing(self.X, rows), y
        shape = getattr(self.X, "shape", None)
        if shape is None:
            raise ValueError("A precomputed kernel must be an array or a sparse matrix.")
        if shape[0] != shape[1]:
            raise ValueError(f"A precomputed kernel must be a square matrix, its shape is {shape}.")
        return self.X[np.ix_(rows, train)], y

    def _params(self, params: Mapping[str, Any] | None, rows: Any) -> dict[str, Any]:
        n = n_rows(self.X)
        return {
            name: _safe_indexing(value, rows) if n_rows(value) == n else value
            for name, value in (params or {}).items()
        }

    def _score(self, model: Any, part: tuple[Any, Any], rows: Any) -> dict[str, float | None]:
        try:
            X, y = part
            found = self.scorer(model, *_given(X, y), **self._params(self.score_params, rows))
        except Exception as error:
            if self.raises or self.whole:
                raise
            _tell_of_scorer(describe(error))
            return dict.fromkeys(self.metrics)
        named = found if isinstance(found, dict) else {"score": found}
        return {name: self._number(name, value) for name, value in named.items()}

    def _number(self, name: str, value: Any) -> float | None:
        if isinstance(value, str) and not (self.raises or self.whole):
            # of several metrics one that failed leaves its traceback
            _tell_of_scorer(value)
            return None
        value = value.item() if getattr(value, "size", None) == 1 else value
        if not isinstance(value, Number):
            raise ValueError(
                f"scoring must return a number, got {value!r} ({type(value).__name__}) of {name!r}."
            )
        return float(value)  # type: ignore[arg-type]

    def _no_scores(self) -> dict[str, float | None]:
        kinds = ("test", "train") if self.train_scores else ("test",)
        return _columns({kind: dict.fromkeys(self.metrics) for kind in kinds})


def configured(estimator: Any, params: Mapping[str, Any]) -> Any:
    """Return a copy of an estimator with other parameters; they are cloned."""
    return clone(estimator).set_params(**clone(dict(params), safe=False))


def fit(model: Any, X: Any, y: Any, params: Mapping[str, Any]) -> Any:
    """Fit a model; one without targets gets none."""
    return model.fit(*_given(X, y), **params)


def first_error(fits: Sequence[Fit]) -> str | None:
    """Why the first of those that failed has; None if none has."""
    return next((fit.error for fit in fits if fit.error is not None), None)


def tell_of_failures(search: Any, errors: Sequence[str | None], total: int) -> None:
    """Warn of fits that have failed.

    Args:
        search: Whose they were.
        errors: Of those that failed.
        total: How many fits there were.

    Raises:
        AllTrialsFailedError: All have failed.
    """
    if not errors:
        return
    name, first = type(search).__name__, errors[0] or "unknown"
    if len(errors) == total:
        raise AllTrialsFailedError(
            f"{name}: all {total} fits failed. The first error: {first} -- Correct the data or "
            "the parameters, or pass error_score='raise' to see where it happens."
        )
    warnings.warn(
        f"{name}: {len(errors)} of {total} fits failed. The first error: {first} -- Their scores "
        f"are error_score={search.error_score}.",
        FitFailedWarning,
        stacklevel=5,
    )


def _given(X: Any, y: Any) -> tuple[Any, ...]:
    return (X,) if y is None else (X, y)


def _columns(found: Mapping[str, Mapping[str, float | None]]) -> dict[str, float | None]:
    """Scores by column, those of one metric side by side."""
    return {f"{kind}_{name}": found[kind][name] for name in found["test"] for kind in found}


def _tell_of_scorer(error: str) -> None:
    warnings.warn(
        f"Scoring failed: {error} -- This score is error_score.", UserWarning, stacklevel=2
    )


def metric_names(scoring: Any) -> tuple[str, ...]:
    """The names of the metrics that a search's ``scoring`` stands for.

    What a function returns is known when it has: of one there are none.

    Example:
        >>> metric_names(None), metric_names(["f1", "accuracy"]), metric_names(print)
        (('score',), ('f1', 'accuracy'), ())
    """
    if isinstance(scoring, MULTIMETRIC):
        return tuple(sorted(scoring) if isinstance(scoring, set) else scoring)
    return () if callable(scoring) else ("score",)


def n_rows(value: Any) -> int | None:
    """How many rows something has; None if it has none."""
    if isinstance(value, (str, bytes, Mapping)):
        return None
    if hasattr(value, "shape"):
        return value.shape[0] if value.shape else None
    return len(value) if hasattr(value, "__len__") else None
