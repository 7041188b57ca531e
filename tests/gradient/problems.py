"""Small bilevel problems with known answers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as log_loss

from luthier.gradient import Bilevel, Hyper

Data = tuple[Tensor, Tensor]


def logistic(seed: int = 0, d: int = 20, n: int = 200, l2: float = 0.1, **hyper: Any) -> Bilevel:
    """Logistic regression with a penalty per feature; by default they start at .1."""
    train, validation = halves(seed, d, n)

    def outer(params: Any, hyper: Any, X: Tensor, y: Tensor) -> Tensor:
        return log_loss(X @ params["w"], y)

    def inner(params: Any, hyper: Any, X: Tensor, y: Tensor) -> Tensor:
        return outer(params, hyper, X, y) + 0.5 * (hyper["l2"] * params["w"] ** 2).sum()

    start = {"w": torch.zeros(d, dtype=torch.float64)}
    penalty = Hyper(l2, shape=(d,), bounds=(1e-8, 1e4))
    return Bilevel(inner, outer, start, {"l2": penalty, **hyper}, train, validation)


def ridge(seed: int = 0, d: int = 20, n: int = 200, scale: float = 1.0) -> Bilevel:
    """Ridge regression with one penalty; ``scale`` multiplies the outer loss."""
    train, validation = halves(seed, d, n)

    def inner(params: Any, hyper: Any, X: Tensor, y: Tensor) -> Tensor:
        return (
            0.5 * ((X @ params["w"] - y) ** 2).mean()
            + 0.5 * hyper["l2"] * params["w"].square().sum()
        )

    def outer(params: Any, hyper: Any, X: Tensor, y: Tensor) -> Tensor:
        return scale * 0.5 * ((X @ params["w"] - y) ** 2).mean()

    start = {"w": torch.zeros(d, dtype=torch.float64)}
    return Bilevel(inner, outer, start, {"l2": Hyper(0.3)}, train, validation)


def ridge_hypergradient(problem: Bilevel, damping: float = 0.0) -> float:
    """In closed form: w = A^-1 b with A = X'X / n + l I, so dw/dl = -A^-1 w.

    Damping is added to the second A^-1 alone.
    """
    (X, y), (X_val, y_val) = problem.train, problem.validation
    l2 = float(problem.hyper["l2"].init)
    A = X.T @ X / len(y) + l2 * torch.eye(X.shape[1], dtype=X.dtype)
    w = torch.linalg.solve(A, X.T @ y / len(y))
    by_w = X_val.T @ (X_val @ w - y_val) / len(y_val)
    damped = A + damping * torch.eye(len(A), dtype=A.dtype)
    return float(-by_w @ torch.linalg.solve(damped, w))


def halves(seed: int, d: int, n: int) -> tuple[Data, Data]:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    X, w = normal(2 * n, d), normal(d)
    y = (X @ w + normal(2 * n) > 0).double()
    return (X[:n], y[:n]), (X[n:], y[n:])
