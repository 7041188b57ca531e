"""Quasi-Newton descent: it gets where the curvature leads, keeps to bounds, and knows its end."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from luthier.numerics.quasi_newton import Descent

Array = NDArray[np.float64]
Found = tuple[float, Array]


def rosenbrock(u: Array) -> Found:
    """Over [-4, 6], with a minimum of 3.99 beside that of 0, where none of these starts lead."""
    x = 10 * u - 4
    a, b = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    slope = np.zeros_like(x)
    slope[:-1] = -400 * x[:-1] * a - 2 * b
    slope[1:] += 200 * a
    return float(np.sum(100 * a**2 + b**2)), 10 * slope


def ellipsoid(u: Array) -> Found:
    weights = 10 ** np.linspace(0, 6, len(u))
    return float(weights @ (u - 0.4) ** 2), 2 * weights * (u - 0.4)


def followed(f: Callable[[Array], Found], start: Array, most: int = 200) -> tuple[Descent, int]:
    """Where a descent ends, and after how many evaluations."""
    descent = Descent(start, *f(start))
    for spent in range(1, most):
        x = descent.ahead()
        if x is None:
            return descent, spent
        assert (x >= 0).all()
        assert (x <= 1).all()
        descent = descent.told(x, *f(x))
    return descent, most


@pytest.mark.parametrize("function", [rosenbrock, ellipsoid])
def test_it_follows_narrow_valleys_to_their_end(function: Callable[[Array], Found]) -> None:
    for seed in range(5):
        start = np.random.default_rng(seed).random(10)
        descent, spent = followed(function, start)
        assert spent < 200  # it knows its end
        assert descent.f < 1e-8


def test_a_coordinate_stops_at_its_bound_and_the_others_go_on() -> None:
    target = np.array([1.5, 0.3])
    descent, _ = followed(
        lambda u: (float(np.sum((u - target) ** 2)), 2 * (u - target)), np.full(2, 0.5)
    )
    assert descent.x == pytest.approx([1.0, 0.3], abs=1e-6)


def test_what_has_no_gradient_stays_and_what_failed_is_not_taken() -> None:
    descent = Descent(np.array([0.5, 0.2]), 1.0, np.array([1.0, math.nan]))
    ahead = descent.ahead()
    assert ahead is not None
    assert ahead[1] == 0.2
    refused = descent.told(ahead, math.inf, np.array([1.0, math.nan]))
    nearer = refused.ahead()
    assert nearer is not None
    assert (refused.f, refused.x[0]) == (1.0, 0.5)
    assert abs(nearer[0] - 0.5) < abs(ahead[0] - 0.5)
