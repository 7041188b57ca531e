from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize

from luthier.errors import ArgumentError
from luthier.numerics.lbfgs import minimize

Array = NDArray[np.float64]


def rosenbrock(X: Array) -> tuple[Array, Array]:
    values = np.array([optimize.rosen(x) for x in X])
    return values, np.array([optimize.rosen_der(x) for x in X])


def quartic(X: Array) -> tuple[Array, Array]:
    scale = np.arange(1, X.shape[1] + 1) ** 2.0
    centred = X - 0.7
    return (scale * centred**4 + centred**2).sum(axis=1), 4 * scale * centred**3 + 2 * centred


@pytest.mark.parametrize(("low", "high"), [(-2.0, 2.0), (0.8, 2.0), (-2.0, 0.5)])
def test_finds_what_scipy_finds(low: float, high: float) -> None:
    starts = np.random.default_rng(0).uniform(low, high, (8, 4))
    X, values = minimize(quartic, starts, low, high, max_steps=200)
    for start, x, value in zip(starts, X, values, strict=True):
        found = optimize.minimize(
            lambda row: tuple(part[0] for part in quartic(row[None])),
            start,
            jac=True,
            bounds=[(low, high)] * 4,
            method="L-BFGS-B",
            options={"ftol": 1e-15, "gtol": 1e-9},
        )
        assert np.allclose(x, found.x, atol=1e-4)
        assert value == pytest.approx(found.fun, abs=1e-8)


@pytest.mark.parametrize(("low", "high"), [(-2.0, 2.0), (1.2, 2.0), (-2.0, 0.5)])
def test_ends_where_nothing_falls_any_more(low: float, high: float) -> None:
    starts = np.random.default_rng(0).uniform(low, high, (8, 4))
    X, _ = minimize(rosenbrock, starts, low, high, max_steps=300, ftol=1e-14)
    _, G = rosenbrock(X)
    inwards = ((low >= X) & (G > 0)) | ((high <= X) & (G < 0))
    assert np.abs(G[~inwards]).max(initial=0.0) < 1e-3


def test_needs_about_as_many_steps_as_scipy() -> None:
    starts = np.random.default_rng(0).uniform(0.5, 1.5, (8, 6))
    calls: list[int] = []

    def counted(X: Array) -> tuple[Array, Array]:
        calls.append(len(X))
        return rosenbrock(X)

    _, values = minimize(counted, starts, -2.0, 2.0, max_steps=500, ftol=1e-12)
    theirs = [
        optimize.minimize(
            optimize.rosen, x, jac=optimize.rosen_der, method="L-BFGS-B", bounds=[(-2, 2)] * 6
        ).nfev
        for x in starts
    ]
    assert values.max() < 1e-6
    assert sum(calls) < 2 * sum(theirs)


def test_problems_do_not_touch_each_other() -> None:
    starts = np.random.default_rng(1).uniform(-2, 2, (5, 3))
    together, _ = minimize(rosenbrock, starts, -2.0, 2.0)
    alone = [minimize(rosenbrock, start[None], -2.0, 2.0)[0][0] for start in starts]
    assert np.allclose(together, alone, atol=1e-10)


def test_stays_in_the_box_and_never_gets_worse() -> None:
    starts = np.random.default_rng(2).uniform(-1, 1, (6, 3))
    seen: list[Array] = []

    def function(X: Array) -> tuple[Array, Array]:
        seen.append(X)
        return rosenbrock(X)

    _, values = minimize(function, starts, -0.5, 0.25, max_steps=30)
    everything = np.concatenate(seen)
    assert everything.min() >= -0.5
    assert everything.max() <= 0.25
    assert (values <= rosenbrock(np.clip(starts, -0.5, 0.25))[0]).all()


def test_steps_around_where_there_is_no_value() -> None:
    def function(X: Array) -> tuple[Array, Array]:
        with np.errstate(invalid="ignore"):
            root = np.sqrt(1.0 - X[:, 0])
        return np.where(X[:, 0] > 0.9, np.inf, -root - X[:, 0] ** 2), np.where(
            X > 0.9, np.nan, 0.5 / root[:, None] - 2 * X
        )

    X, values = minimize(function, [[-0.5]], -2.0, 2.0)
    assert np.isfinite(values).all()
    assert X[0, 0] <= 0.9


def test_bounds_may_differ_from_start_to_start_and_pin_columns() -> None:
    X, _ = minimize(quartic, np.zeros((2, 2)), [[0.0, 0.2], [0.0, 0.0]], [[1.0, 0.2], [0.5, 1.0]])
    assert X.round(4).tolist() == [[0.7, 0.2], [0.5, 0.7]]


@pytest.mark.parametrize(
    ("lower", "upper"), [(1.0, 0.0), ([0.0, 0.0], 1.0), (0.0, [1.0, 1.0, 1.0, 1.0])]
)
def test_bad_bounds_are_refused(lower: object, upper: object) -> None:
    with pytest.raises(ArgumentError, match="starts must have shape .* lower <= upper"):
        minimize(quartic, np.zeros((1, 3)), lower, upper)  # type: ignore[arg-type]
