"""Descents among trials: ``strategy="gradient"`` beside SciPy's L-BFGS-B, and what ``auto`` finds.

Four functions after BBOB (Hansen et al., INRIA RR-6829) of ten numbers from -5 to 5, shifted and
rotated by the seed; each is 0 at its optimum. Everyone has 100 evaluations. For the first two one
gives the value and its gradient; SciPy starts at random points, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import luthier
from luthier import Float, Space

D, EVALUATIONS, LOW, HIGH = 10, 100, -5.0, 5.0
Array = NDArray[np.float64]


def bbob(seed: int) -> dict[str, Any]:
    """The errors of the best point, by function and search."""
    return {
        f"{name}, {search.__name__}": search(_posed(function, seed), seed)
        for name, function in FUNCTIONS.items()
        for search in (gradient, lbfgsb, auto)
    }


def gradient(problem: Callable[[Array], tuple[float, Array]], seed: int) -> float:
    """Our strategy of that name."""

    def objective(trial: luthier.Trial) -> float:
        value, slope = problem(np.array(list(trial.params.values())))
        trial.set_gradient(dict(zip(trial.params, slope.tolist(), strict=True)))
        return value

    return _studied("gradient", objective, seed)


def lbfgsb(problem: Callable[[Array], tuple[float, Array]], seed: int) -> float:
    """L-BFGS-B of SciPy, from one random start after another."""
    from scipy.optimize import minimize

    rng, seen = np.random.default_rng(seed), []

    def counted(x: Array) -> tuple[float, Array]:
        if len(seen) == EVALUATIONS:
            raise StopIteration
        value, slope = problem(x)
        seen.append(value)
        return value, slope

    while len(seen) < EVALUATIONS:
        try:
            start = rng.uniform(LOW, HIGH, D)
            minimize(counted, start, jac=True, method="L-BFGS-B", bounds=[(LOW, HIGH)] * D)
        except StopIteration:
            break
    return min(seen)


def auto(problem: Callable[[Array], tuple[float, Array]], seed: int) -> float:
    """Our default, which sees no gradients."""
    return _studied("auto", lambda trial: problem(np.array(list(trial.params.values())))[0], seed)


def _studied(strategy: str, objective: Callable[[luthier.Trial], float], seed: int) -> float:
    space = Space({f"x{i}": Float(LOW, HIGH) for i in range(D)})
    study = luthier.create_study(space=space, strategy=strategy, seed=seed)
    study.optimize(objective, EVALUATIONS)
    return float(study.best_value)


def _posed(function: Callable[[Tensor], Tensor], seed: int) -> Callable[..., tuple[float, Array]]:
    rng = np.random.default_rng([D, seed])
    optimum = torch.from_numpy(rng.uniform(-4, 4, D))
    turned = torch.from_numpy(np.linalg.qr(rng.normal(size=(D, D)))[0])

    def problem(point: Array) -> tuple[float, Array]:
        x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        value = function(turned @ (x - optimum))
        (slope,) = torch.autograd.grad(value, x)
        return float(value.detach()), slope.numpy()

    return problem


def _ellipsoid(z: Tensor) -> Tensor:
    return (10 ** (6 * torch.arange(D) / (D - 1)) * z**2).sum()


def _rosenbrock(z: Tensor) -> Tensor:
    y = z + 1
    return (100 * (y[:-1] ** 2 - y[1:]) ** 2 + (y[:-1] - 1) ** 2).sum()


def _different_powers(z: Tensor) -> Tensor:
    return (z.abs() ** (2 + 4 * torch.arange(D) / (D - 1))).sum().sqrt()


def _rastrigin(z: Tensor) -> Tensor:
    return (10 * (1 - (2 * torch.pi * z).cos()) + z**2).sum()


FUNCTIONS = {
    "f10 ellipsoid": _ellipsoid,
    "f9 Rosenbrock": _rosenbrock,
    "f14 different powers": _different_powers,
    "f15 Rastrigin": _rastrigin,
}
