"""Linear models against scikit-learn's, their derivatives against differences."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, lasso_path

from luthier.errors import ArgumentError
from luthier.gradient import CrossVal, HeldOut, LinearModel, Penalties, learn_penalties

Array = NDArray[np.float64]


def data(seed: int = 0, n: int = 60, p: int = 100) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, X[:, :5] @ np.array([2.0, -2.0, 1.0, 1.0, -1.0]) + rng.normal(size=n)


def test_the_lasso_is_scikit_learns() -> None:
    X, y = data()
    theirs = Lasso(alpha=0.2, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(X, y).coef_
    ours = LinearModel().fit(X, y, Penalties(l1=0.2))
    np.testing.assert_allclose(ours, theirs, atol=1e-9)
    assert (ours != 0).sum() == (theirs != 0).sum() < 60


def test_the_weighted_lasso_is_a_lasso_of_scaled_features() -> None:
    X, y = data()
    weights = np.random.default_rng(1).uniform(0.05, 0.5, X.shape[1])
    scaled = Lasso(alpha=1.0, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(X / weights, y)
    ours = LinearModel().fit(X, y, Penalties(l1=weights))
    np.testing.assert_allclose(ours, scaled.coef_ / weights, atol=1e-8)


def test_the_elastic_net_is_scikit_learns() -> None:
    X, y = data()
    theirs = ElasticNet(alpha=0.4, l1_ratio=0.25, fit_intercept=False, tol=1e-12, max_iter=100_000)
    ours = LinearModel().fit(X, y, Penalties(l1=0.1, l2=0.3))
    np.testing.assert_allclose(ours, theirs.fit(X, y).coef_, atol=1e-8)


def test_ridge_is_its_closed_form() -> None:
    X, y = data(p=20)
    expected = np.linalg.solve(X.T @ X / len(y) + 0.3 * np.eye(20), X.T @ y / len(y))
    np.testing.assert_allclose(LinearModel().fit(X, y, Penalties(l2=0.3)), expected, atol=1e-10)


def test_sparse_logistic_regression_is_scikit_learns() -> None:
    X, y = data()
    signs = np.sign(y)
    theirs = LogisticRegression(
        l1_ratio=1.0,
        C=1 / (0.05 * len(y)),
        fit_intercept=False,
        solver="liblinear",
        tol=1e-7,
        max_iter=100_000,
    ).fit(X, signs)
    ours = LinearModel("logistic").fit(X, signs, Penalties(l1=0.05))
    np.testing.assert_allclose(ours, theirs.coef_[0], atol=1e-6)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), l1=st.floats(0.02, 0.3), l2=st.floats(0.0, 0.5))
def test_what_is_fitted_is_optimal(loss: Any, seed: int, l1: float, l2: float) -> None:
    X, y = data(seed, n=30, p=50)
    y = np.sign(y) if loss == "logistic" else y
    model = LinearModel(loss)
    w = model.fit(X, y, Penalties(l1, l2))
    slope = model.gradient(X, y, w) / (2 if loss == "squared" else 1) + l2 * w
    assert np.abs(slope + l1 * np.sign(w))[w != 0].max(initial=0) < 1e-6
    assert np.abs(slope).max() <= l1 + 1e-6


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("criterion", ["held out", "folds"])
def test_hypergradients_agree_with_differences(loss: Any, criterion: str) -> None:
    X, y = data(3, n=80, p=30)
    y = np.sign(y) if loss == "logistic" else y
    judge: Any = (
        HeldOut(X[:50], y[:50], X[50:], y[50:]) if criterion == "held out" else CrossVal(X, y)
    )
    model = LinearModel(loss, tol=1e-12)
    l1, l2 = np.full(30, 0.04), np.full(30, 0.1)
    _, by_l1, by_l2, _ = judge.evaluate(model, Penalties(l1, l2), None)

    def value(a: Array, b: Array) -> float:
        return float(judge.evaluate(model, Penalties(a, b), None)[0])

    for j in range(0, 30, 3):
        move = 1e-6 * (np.arange(30) == j)
        for found, high, low in (
            (by_l1[j], value(l1 + move, l2), value(l1 - move, l2)),
            (by_l2[j], value(l1, l2 + move), value(l1, l2 - move)),
        ):
            assert found == pytest.approx((high - low) / 2e-6, rel=1e-4, abs=1e-7)


def test_a_scalar_penalty_is_found_as_by_a_path() -> None:
    X, y = data(1, n=120, p=60)
    judge = HeldOut(X[:60], y[:60], X[60:], y[60:])
    learnt = learn_penalties(judge, Penalties(l1=0.02), patience=50)
    _, path, _ = lasso_path(X[:60], y[:60], alphas=np.geomspace(1.0, 1e-2, 200))
    best = ((y[60:, None] - X[60:] @ path) ** 2).mean(axis=0).min()
    assert learnt.loss <= best * 1.001
    assert np.ndim(learnt.penalties.l1) == 0


def test_penalties_by_feature_beat_the_best_single_one() -> None:
    """As in sparse-ho's simulation: 1,000 features, 100 rows."""
    X, y = data(0, n=700, p=1000)
    parts = X[:100], y[:100], X[100:200], y[100:200]
    _, path, _ = lasso_path(*parts[:2], alphas=np.geomspace(2.0, 2e-3, 100))
    alphas = np.geomspace(2.0, 2e-3, 100)
    losses = ((parts[3][:, None] - parts[2] @ path) ** 2).mean(axis=0)
    start = Penalties(l1=np.full(1000, alphas[losses.argmin()]))
    learnt = learn_penalties(HeldOut(*parts), start, steps=30)
    assert learnt.loss < losses.min() * 0.95
    unseen = [
        float(np.mean((y[200:] - X[200:] @ w) ** 2))
        for w in (learnt.coefficients[0], path[:, losses.argmin()])
    ]
    assert unseen[0] < unseen[1]


def test_no_torch_is_needed() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from luthier.gradient import LinearModel, learn_penalties\n"
        "try:\n    from luthier.gradient import Bilevel\n"
        "except ImportError as error:\n    print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'luthier[torch]'" in said.stdout


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: Penalties(l1=-1.0), "l1 must be finite and at least 0, got -1"),
        (lambda: LinearModel("hinge"), "loss must be squared or logistic, got 'hinge'"),  # type: ignore[arg-type]
        (lambda: LinearModel().fit(np.ones(3), np.ones(3), Penalties()), r"X must be of shape"),
        (
            lambda: LinearModel("logistic").fit(np.ones((2, 1)), np.arange(2.0), Penalties()),
            "must be -1 and 1",
        ),
        (lambda: learn_penalties(CrossVal(*data()), Penalties(), steps=0), "must be positive"),
    ],
)
def test_wrong_input_is_refused(make: Any, what: str) -> None:
    with pytest.raises(ArgumentError, match=what):
        make()
