"""Hypergradients beside central finite differences, in float64: ridge and logistic regression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as log_loss

from luthier.gradient import CG, Bilevel, Exact, Hyper, Neumann, Unrolled

D, ROWS = 20, 200


def errors(seed: int) -> dict[str, Any]:
    """The larger of both problems' relative errors, by estimator."""
    found = [_errors(_posed(loss, seed)) for loss in (_squared, log_loss)]
    return {name: max(each[name] for each in found) for name in found[0]}


def _errors(problem: Bilevel) -> dict[str, float]:
    ways = {"Exact": Exact(), "CG(10)": CG(10), "Neumann(auto, 100)": Neumann(100)}
    implicit = _gradient(problem, Exact(), trained=True)
    reverse = _gradient(problem, Unrolled(500))
    forward = _gradient(problem, Unrolled(500, mode="forward"))
    return problem.check(via=ways).errors | {
        "Unrolled(500), implicit": _apart(reverse, implicit),
        "forward, reverse": _apart(forward, reverse),
    }


def _gradient(problem: Bilevel, via: Any, trained: bool = False) -> Tensor:
    params = problem.train_inner(tol=1e-12) if trained else None
    return problem.hypergrad(params, via=via).gradient["l2"]


def _apart(found: Tensor, right: Tensor) -> float:
    return float((found - right).norm() / right.norm())


def _squared(predicted: Tensor, y: Tensor) -> Tensor:
    return 0.5 * (predicted - y).square().mean()


def _posed(loss: Callable[[Tensor, Tensor], Tensor], seed: int) -> Bilevel:
    draw = torch.Generator().manual_seed(seed)
    X = torch.randn(2 * ROWS, D, generator=draw, dtype=torch.float64)
    noise = torch.randn(2 * ROWS, generator=draw, dtype=torch.float64)
    y = (X @ torch.randn(D, generator=draw, dtype=torch.float64) + noise > 0).double()

    def outer(params: Any, hyper: Any, X: Tensor, y: Tensor) -> Tensor:
        return loss(X @ params["w"], y)

    def inner(params: Any, hyper: Any, X: Tensor, y: Tensor) -> Tensor:
        return outer(params, hyper, X, y) + 0.5 * (hyper["l2"] * params["w"] ** 2).sum()

    start = {"w": torch.zeros(D, dtype=torch.float64)}
    l2 = {"l2": Hyper(0.1, shape=(D,))}
    return Bilevel(inner, outer, start, l2, (X[:ROWS], y[:ROWS]), (X[ROWS:], y[ROWS:]))
