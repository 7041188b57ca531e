from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from luthier.errors import ArgumentError
from luthier.numerics.gp import GaussianProcess, condition
from luthier.numerics.kernels import Kernel
from luthier.numerics.marginal import Hyperparameters
from luthier.numerics.paths import sample_path
from luthier.numerics.warp import Bend

RNG = np.random.default_rng(0)


def mixed(kernel: Kernel = "matern52", noise: float = 1e-6, bent: bool = False) -> GaussianProcess:
    """A model of two numbers and a choice of three, with length scales within the choice."""
    X = np.column_stack([RNG.random(12), RNG.integers(3, size=12), RNG.random(12)])
    bend = Bend(np.array([0.6, 1.0]), np.array([1.0, 1.7])) if bent else None
    hyper = Hyperparameters(np.array([0.4, 1.5, 0.6, *[0.9] * 6]), 1.4, noise, bend)
    y = np.sin(5 * X[:, 0]) + X[:, 1] - X[:, 2]
    return condition(X, y, hyper, categories=[0, 3, 0], by_choice=True, kernel=kernel)


@pytest.mark.parametrize("kernel", get_args(Kernel))
def test_paths_have_the_mean_and_covariance_of_the_posterior(kernel: Kernel) -> None:
    model = mixed(kernel, noise=0.05)
    at = np.column_stack([[0.1, 0.4, 0.45, 0.9], [0, 1, 1, 2], [0.8, 0.2, 0.3, 0.5]])
    n = 3000
    drawn = np.array([sample_path(model, RNG, n_waves=32).value(at) for _ in range(n)])
    mean, std = model.predict(at)
    assert np.allclose(drawn.mean(axis=0), mean, atol=5 * std.max() / np.sqrt(n))
    assert np.allclose(drawn.std(axis=0), std, rtol=0.08)
    exact = np.cov(model.sample(at, 20_000, RNG).T)
    assert np.allclose(np.cov(drawn.T), exact, atol=0.12 * exact.max())


def test_without_noise_every_path_passes_through_the_data() -> None:
    x = np.linspace(0, 1, 6)[:, None]
    y = np.cos(6 * x[:, 0])
    model = condition(x, y, Hyperparameters(np.array([0.3]), 1.0, 1e-10))
    values = np.array([sample_path(model, RNG).value(x) for _ in range(5)])
    assert np.allclose(values, y, atol=1e-3)
    between = np.array([sample_path(model, RNG).value(x + 0.1) for _ in range(5)])
    assert between.std(axis=0).min() > 1e-3


@pytest.mark.parametrize("kernel", get_args(Kernel))
@pytest.mark.parametrize("bent", [False, True])
def test_gradients_are_those_of_finite_differences(kernel: Kernel, bent: bool) -> None:
    path = sample_path(mixed(kernel, bent=bent), RNG, n_waves=64)
    at, step = np.column_stack([RNG.random(6), np.arange(6) % 3, RNG.random(6)]), 1e-6
    value, gradient = path.gradient(at)
    assert np.allclose(value, path.value(at), rtol=1e-12)
    assert not gradient[:, 1].any()
    for j in (0, 2):
        e = step * np.eye(3)[j]
        numeric = (path.value(at + e) - path.value(at - e)) / (2 * step)
        assert np.allclose(gradient[:, j], numeric, rtol=1e-4, atol=1e-5)


def test_a_path_is_one_function_whatever_it_is_asked_with() -> None:
    path = sample_path(mixed(), np.random.default_rng(5))
    at = np.column_stack([RNG.random(40), RNG.integers(3, size=40), RNG.random(40)])
    assert np.allclose(path.value(at)[7:9], path.value(at[7:9]), rtol=1e-12)
    again = sample_path(path.model, np.random.default_rng(5))
    other = sample_path(path.model, np.random.default_rng(6))
    assert np.array_equal(again.value(at), path.value(at))
    assert not np.allclose(other.value(at), path.value(at))


def test_rows_of_another_width_are_refused() -> None:
    path = sample_path(mixed(), RNG)
    for ask in (path.value, path.gradient):
        with pytest.raises(ArgumentError, match="X must have shape"):
            ask(np.zeros((2, 4)))
