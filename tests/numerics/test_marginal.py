from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from luthier.numerics.kernels import KERNELS, Features, Kernel
from luthier.numerics.marginal import Hyperparameters, map_estimate, negative_log_posterior

Array = NDArray[np.float64]


def data(seed: int = 0, by_choice: bool = False) -> tuple[Array, Array, Features, Array]:
    rng = np.random.default_rng(seed)
    X = rng.random((25, 4))
    X[:, 2] = rng.integers(3, size=25)
    X[::5, 3] = np.nan
    features = Features((0, 0, 3, 0), by_choice)
    y = np.sin(5 * X[:, 0]) + (X[:, 2] == 1) + 0.1 * rng.standard_normal(25)
    return features.of(X), (y - y.mean()) / y.std(), features, 0.05 * rng.random(25)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("bent", [False, True])
@pytest.mark.parametrize(("seed", "by_choice"), [(0, False), (1, True), (2, False)])
def test_gradient_is_that_of_finite_differences(
    kernel: Kernel, bent: bool, seed: int, by_choice: bool
) -> None:
    F, y, features, extra = data(seed, by_choice)
    size = features.n_lengths + (8 if bent else 2)
    theta = np.random.default_rng(seed).normal(-1.0, 0.5, size)
    _, slope = negative_log_posterior(theta, F, y, features, extra, kernel)
    step = 1e-6

    def value(t: Array) -> float:
        return negative_log_posterior(t, F, y, features, extra, kernel)[0]

    steps = step * np.eye(size)
    numeric = [(value(theta + e) - value(theta - e)) / (2 * step) for e in steps]
    assert np.allclose(slope, numeric, rtol=1e-5, atol=1e-5)


def test_prior_is_that_of_the_table() -> None:
    F, y, features, _ = data()
    one, two = (np.random.default_rng(k).normal(0.0, 0.3, 6) for k in (1, 2))

    def log_prior(theta: Array) -> float:
        lengths = stats.lognorm(math.sqrt(3), scale=math.exp(math.sqrt(2) + 0.5 * math.log(4)))
        return float(
            lengths.logpdf(np.exp(theta[:4])).sum()
            + stats.norm(0, 0.7).logpdf(theta[4])
            + stats.norm(math.log(1e-3), 2.5).logpdf(theta[5])
        )

    def log_likelihood(theta: Array) -> float:
        A = F / np.exp(theta[features.owner])
        r2 = np.square(A[:, None] - A).sum(axis=2)
        K = math.exp(theta[4]) * KERNELS["matern52"](r2)[0] + math.exp(theta[5]) * np.eye(len(y))
        return float(stats.multivariate_normal(np.zeros(len(y)), K).logpdf(y))

    got = [negative_log_posterior(theta, F, y, features)[0] for theta in (one, two)]
    expected = [log_likelihood(theta) + log_prior(theta) for theta in (one, two)]
    assert got[0] - got[1] == pytest.approx(expected[1] - expected[0], abs=1e-6)


def test_search_ends_at_a_maximum_and_starts_where_told() -> None:
    F, y, features, extra = data()
    found = map_estimate(F, y, features, extra=extra, max_steps=100)
    value, slope = negative_log_posterior(found.theta, F, y, features, extra)
    assert np.abs(slope).max() < 0.3
    again = map_estimate(F, y, features, extra=extra, start=found, max_steps=0)
    assert np.allclose(again.theta, found.theta)
    assert value <= negative_log_posterior(np.zeros(6), F, y, features, extra)[0]


def test_a_column_without_influence_gets_a_long_scale() -> None:
    X = np.random.default_rng(0).random((40, 2))
    found = map_estimate(X - 0.5, np.sin(7 * X[:, 0]), Features((0, 0)), max_steps=60)
    assert found.lengths[1] > 10 * found.lengths[0]


def test_an_impossible_kernel_matrix_is_infinitely_unlikely() -> None:
    F = np.zeros((30, 1))
    value, slope = negative_log_posterior(
        np.array([0.0, 40.0, -50.0]), F, np.linspace(-1, 1, 30), Features((0,))
    )
    assert value == math.inf
    assert np.isfinite(slope).all()


def test_hyperparameters_are_their_logarithms() -> None:
    hyper = Hyperparameters(np.array([0.5, 2.0]), scale=3.0, noise=0.01)
    again = Hyperparameters.of(hyper.theta, 2)
    assert again.bend is None
    assert np.allclose(again.lengths, hyper.lengths)
    assert (again.scale, again.noise) == pytest.approx((3.0, 0.01))


def test_a_forgotten_logarithm_is_found() -> None:
    U = np.random.default_rng(0).random((60, 2)) ** 6
    y = np.cos(6 * U[:, 0] ** (1 / 6)) + U[:, 1] ** (1 / 6)
    straight = map_estimate(U - 0.5, y, Features((0, 0)), max_steps=60)
    bent = map_estimate(U - 0.5, y, Features((0, 0)), start=straight, bent=True, max_steps=60)
    values = [
        negative_log_posterior(h.theta, U - 0.5, y, Features((0, 0)))[0] for h in (straight, bent)
    ]
    assert values[1] < values[0] - 3
    assert bent.bend is not None
    assert bent.bend.a[0] < 0.7
    assert np.allclose(Hyperparameters.of(bent.theta, 2).theta, bent.theta)
