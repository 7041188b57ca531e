"""One fit: what reaches the model and the scorer, and what comes of errors."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator
from sklearn.metrics import check_scoring, get_scorer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from luthier.integrations.sklearn.fitting import Fitting, metric_names, n_rows

X, y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])
SPLIT = (np.array([0, 1, 2, 3]), np.array([4, 5]))


class Noting(BaseEstimator):  # type: ignore[misc]
    """Scores 1, and keeps what it was given."""

    given: dict[str, Any]

    def __init__(self, error: str | None = None) -> None:
        self.error = error

    def fit(self, X: Any, y: Any = None, **params: Any) -> Noting:
        if self.error:
            raise RuntimeError(self.error)
        Noting.given = {"X": X, "y": y, **params}
        return self

    def score(self, X: Any, y: Any = None) -> float:
        return 1.0


def scorer(model: Any, X: Any, y: Any = None, **params: Any) -> float:
    return float(len(X))


def test_a_fit_gets_its_rows() -> None:
    weights, limits = np.arange(6), [1, 2]
    fitting = Fitting(Noting(), X, y, scorer, fit_params={"w": weights, "limits": limits})
    fit = fitting.of({}, SPLIT)
    assert fit.scores["test_score"] == 2
    assert Noting.given["X"].tolist() == X[:4].tolist()
    assert Noting.given["w"].tolist() == [0, 1, 2, 3]
    assert Noting.given["limits"] is limits


@pytest.mark.parametrize("data", [X.tolist(), pd.DataFrame(X), csr_array(X)])
def test_any_data_is_split(data: Any) -> None:
    fit = Fitting(KNeighborsClassifier(1), data, y.tolist(), get_scorer("accuracy")).of({}, SPLIT)
    assert fit.error is None
    assert 0 <= (fit.scores["test_score"] or 0) <= 1


def test_kernels_are_split_both_ways() -> None:
    model = SVC(kernel="precomputed")
    fit = Fitting(model, X @ X.T, y, get_scorer("accuracy"), train_scores=True).of({}, SPLIT)
    assert list(fit.scores) == ["fit_time", "score_time", "test_score", "train_score"]
    with pytest.raises(ValueError, match="must be a square matrix, its shape is"):
        Fitting(model, X, y, scorer).of({}, SPLIT)
    with pytest.raises(ValueError, match="must be an array or a sparse matrix"):
        Fitting(model, X.tolist(), y, scorer).of({}, SPLIT)


def test_a_fit_that_fails() -> None:
    fitting = Fitting(Noting(), X, y, scorer, metrics=("a", "b"), train_scores=True)
    fit = fitting.of({"error": "no"}, SPLIT)
    assert fit.error is not None
    assert fit.error.startswith("RuntimeError: no")
    assert [name for name, score in fit.scores.items() if score is None] == [
        *("test_a", "train_a", "test_b", "train_b")
    ]
    with pytest.raises(RuntimeError, match="^no$"):
        Fitting(Noting(), X, y, scorer, raises=True).of({"error": "no"}, SPLIT)


def broken(*_: Any) -> float:
    raise RuntimeError("no score")


def test_a_scorer_that_fails() -> None:
    with pytest.warns(UserWarning, match="Scoring failed: RuntimeError: no score"):
        fit = Fitting(Noting(), X, y, broken).of({}, SPLIT)
    assert (fit.error, fit.scores["test_score"]) == (None, None)
    several = check_scoring(KNeighborsClassifier(), {"a": "accuracy", "b": broken}, raise_exc=False)
    with pytest.warns(UserWarning, match="no score"):
        fit = Fitting(KNeighborsClassifier(1), X, y, several).of({}, SPLIT)
    assert fit.scores["test_a"] is not None
    assert fit.scores["test_b"] is None


def test_a_score_must_be_a_number() -> None:
    with pytest.raises(ValueError, match=r"scoring must return a number, got \[1\] \(list\)"):
        Fitting(Noting(), X, y, lambda *_: [1]).of({}, SPLIT)


@pytest.mark.parametrize(
    ("value", "rows"),
    [(X, 6), (csr_array(X), 6), ([1, 2], 2), ("text", None), ({"a": 1}, None), (3, None)],
)
def test_how_many_rows_there_are(value: Any, rows: int | None) -> None:
    assert n_rows(value) == rows


def test_a_single_number_has_no_rows() -> None:
    assert n_rows(np.float64(3)) is None


def test_a_whole_fit_fails_with_its_scorer() -> None:
    several = check_scoring(KNeighborsClassifier(), {"a": "accuracy", "b": broken})
    for scoring in (broken, several, lambda *_: [1]):
        fit = Fitting(KNeighborsClassifier(1), X, y, scoring, ("a", "b"), whole=True).of({}, SPLIT)
        assert fit.error is not None
        assert [name for name, score in fit.scores.items() if score is None] == ["test_a", "test_b"]
    with pytest.raises(RuntimeError, match="no score"):
        Fitting(Noting(), X, y, broken, whole=True, raises=True).of({}, SPLIT)


def test_a_candidate_may_make_data_a_kernel() -> None:
    fit = Fitting(SVC(), X @ X.T, y, get_scorer("accuracy")).of({"kernel": "precomputed"}, SPLIT)
    assert fit.error is None


def test_a_model_has_a_size() -> None:
    fitting = Fitting(KNeighborsClassifier(1), X, y, get_scorer("accuracy"), sized=True)
    model = KNeighborsClassifier(1)
    fit = fitting.of_model(model, SPLIT)
    assert fit.scores["model_size"] == len(pickle.dumps(model)) > 100


def test_metrics_of_a_set_have_an_order() -> None:
    assert metric_names({"f1", "accuracy", "recall"}) == ("accuracy", "f1", "recall")
