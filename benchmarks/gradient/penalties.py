"""Penalties per feature: hypertorch's demo, two hundred under a guard, a thousand of a lasso."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LassoCV, lasso_path
from sklearn.model_selection import train_test_split
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as log_loss

from luthier.gradient import (
    Bilevel,
    HeldOut,
    Holdout,
    Hyper,
    KFold,
    Penalties,
    learn_penalties,
)

BOUNDS = (1e-8, 1e4)
Data = tuple[Tensor, Tensor]


def demo(seed: int = 0) -> dict[str, Any]:
    """Logistic regression of n = 1000, d = 20, data as in hypertorch's notebook (its seed 1)."""
    np.random.seed(seed + 1)  # noqa: NPY002
    oracle, X = np.random.randn(20), np.random.randn(1000, 20)  # noqa: NPY002
    y = (X @ oracle + 0.1 * np.random.randn(1000) > 0).astype(float)  # noqa: NPY002
    X, X_val, y, y_val = map(torch.from_numpy, train_test_split(X, y, test_size=0.5))
    problem = _logistic((X, y), (X_val, y_val), Hyper(1.0, shape=(20,), bounds=BOUNDS))
    began = time.process_time()
    fitted = problem.fit(100, patience=None)
    spent = time.process_time() - began
    before = _memory()
    problem.fit(500, patience=None)
    single = _logistic((X, y), (X_val, y_val), Hyper(1.0, bounds=BOUNDS)).fit(100)
    return {
        "validation loss": fitted.loss,
        "CPU s": spent,
        "best single penalty": single.loss,
        "MB grown in 500 steps": _memory() - before,
    }


def guarded(seed: int) -> dict[str, Any]:
    """400 rows, 200 features of which 10 matter: test loss with and without a guard."""
    rng = np.random.default_rng(seed)
    weights = np.zeros(200)
    weights[:10] = 1.5 * rng.normal(size=10)

    def rows(n: int) -> Data:
        X = rng.normal(size=(n, 200))
        y = rng.random(n) < 1 / (1 + np.exp(-X @ weights))
        return torch.from_numpy(X), torch.from_numpy(y.astype(float))

    train, validation, test = rows(400), rows(400), rows(5000)

    def tested(params: dict[str, Tensor]) -> float:
        return float(log_loss(test[0] @ params["w"], test[1]))

    single = _logistic(train, validation, Hyper(0.1, bounds=BOUNDS)).fit(60)
    start = single.hyper["l2"].expand(200)
    problem = _logistic(train, validation, Hyper(start, bounds=BOUNDS))
    free = problem.fit(60, patience=None)
    held, folds = problem.fit(60, guard=Holdout(0.3)), problem.fit(60, guard=KFold(5))
    return {
        "single": tested(single.params),
        "no guard": tested(free.params),
        "no guard, validation": free.loss,
        "Holdout(.3)": tested(held.params),
        "Holdout(.3), gap": held.guard_gap,
        "KFold(5)": tested(folds.params),
        "KFold(5), gap": folds.guard_gap,
    }


def lasso(seed: int) -> dict[str, Any]:
    """A weighted lasso of 100 rows and 1,000 features; 100 more held out, 500 unseen.

    Beside it scikit-learn's LassoCV of the same 100 rows, its best of 100 penalties; and, harder to
    beat, the best of those 100 by the held-out rows themselves.
    """
    rng = np.random.default_rng(seed)
    X, weights = rng.normal(size=(700, 1000)), np.zeros(1000)
    weights[:10] = rng.choice([-1.0, 1.0], 10)
    noise = rng.normal(size=700)
    y = X @ weights + noise * np.linalg.norm(X @ weights) / np.linalg.norm(noise) / 3
    data = HeldOut(X[:100], y[:100], X[100:200], y[100:200])
    rival = LassoCV(alphas=100, fit_intercept=False, max_iter=10_000).fit(data.X, data.y)
    _, path, _ = lasso_path(data.X, data.y, alphas=rival.alphas_)
    best = float(((data.y_held_out[:, None] - data.X_held_out @ path) ** 2).mean(axis=0).min())
    began = time.process_time()
    learnt = learn_penalties(data, Penalties(l1=np.full(1000, rival.alpha_)), steps=50)
    spent = time.process_time() - began
    more = LassoCV(alphas=100, fit_intercept=False, max_iter=10_000).fit(X[:200], y[:200])

    def unseen(w: NDArray[np.float64]) -> float:
        return float(np.mean((y[200:] - X[200:] @ w) ** 2))

    return {
        "held-out MSE": learnt.loss,
        "LassoCV": float(np.mean((data.y_held_out - data.X_held_out @ rival.coef_) ** 2)),
        "best of 100 on held-out rows": best,
        "unseen": unseen(learnt.coefficients[0]),
        "unseen, LassoCV": unseen(rival.coef_),
        "unseen, LassoCV of all 200 rows": unseen(more.coef_),
        "CPU s": spent,
    }


def _logistic(train: Data, validation: Data, l2: Hyper) -> Bilevel:
    def outer(params: Any, hyper: Any, X: Tensor, y: Tensor) -> Tensor:
        return log_loss(X @ params["w"], y)

    def inner(params: Any, hyper: Any, X: Tensor, y: Tensor) -> Tensor:
        return outer(params, hyper, X, y) + 0.5 * (hyper["l2"] * params["w"] ** 2).sum()

    start = {"w": torch.zeros(train[0].shape[1], dtype=torch.float64)}
    return Bilevel(inner, outer, start, {"l2": l2}, train, validation)


def _memory() -> float:
    """Resident memory in MB."""
    import psutil

    return float(psutil.Process().memory_info().rss) / 1e6
