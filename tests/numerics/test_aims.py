from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.numerics.acquisition import log_expected_improvement
from luthier.numerics.aims import Volume, Weighting, aim_of
from luthier.numerics.pareto import hypervolume

Array = np.ndarray


def weighting(m: int, rng: np.random.Generator) -> Weighting:
    return Weighting(rng.normal(size=m), rng.uniform(0.2, 2.0, m), float(rng.uniform(0.0, 0.5)))


@given(st.floats(-8, 3), st.floats(-4, 1))
def test_a_weighting_of_one_objective_is_expected_improvement(mean: float, log_std: float) -> None:
    aim = Weighting(np.zeros(1), np.array([2.0]), 0.4)
    mu, s = np.array([[mean]]), np.array([[10**log_std]])
    found, exact = aim.improvement(mu, s), log_expected_improvement(2 * mu, 2 * s, 0.4)
    assert found.value == pytest.approx(exact.value[:, 0], abs=0.02, rel=1e-3)


@pytest.mark.parametrize("m", [2, 4, 7])
def test_expected_improvement_of_a_weighting_is_the_mean_over_draws(m: int) -> None:
    rng = np.random.default_rng(m)
    aim = weighting(m, rng)
    mean, std = aim.ideal + rng.normal(0, 0.3, (5, m)), rng.uniform(0.3, 1.0, (5, m))
    draws = mean[:, None] + std[:, None] * rng.standard_normal((5, 40_000, m))
    gains = [np.maximum(aim.best - aim.cost(row), 0).mean() for row in draws]
    assert np.exp(aim.improvement(mean, std).value) == pytest.approx(gains, rel=0.05, abs=1e-3)


def test_what_is_hopeless_still_has_a_slope() -> None:
    aim = Weighting(np.zeros(4), np.ones(4), 0.0)
    near, far = aim.improvement(np.array([[20.0] * 4, [40.0] * 4]), np.ones((2, 4))).value
    assert np.isfinite([near, far]).all()
    assert near > far + 1000


@pytest.mark.parametrize("m", [2, 3, 4, 6])
def test_derivatives_are_those_of_finite_differences(m: int) -> None:
    rng = np.random.default_rng(0)
    aim, _ = aim_of(rng.random((30, m)), rng)
    mean, std, step = rng.random((8, m)), rng.uniform(0.1, 0.5, (8, m)), 1e-5
    found = aim.improvement(mean, std)
    for j in range(m):
        move = step * np.eye(m)[j]
        by_mean = aim.improvement(mean + move, std).value - aim.improvement(mean - move, std).value
        by_std = aim.improvement(mean, std + move).value - aim.improvement(mean, std - move).value
        assert found.by_mean[:, j] == pytest.approx(by_mean / (2 * step), rel=0.02, abs=0.02)
        assert found.by_std[:, j] == pytest.approx(by_std / (2 * step), rel=0.02, abs=0.02)


@pytest.mark.parametrize("m", [2, 3, 4, 6])
def test_what_is_known_is_worth_nothing_and_what_dominates_it_is_worth_much(m: int) -> None:
    rng = np.random.default_rng(1)
    F = rng.random((20, m))
    aim, places = aim_of(F, rng)
    sure = np.full((1, m), 1e-6)
    best = F[places[:1]]
    assert aim.improvement(best, sure).value[0] < -10
    assert aim.improvement(best - 0.2, sure).value[0] > -8
    assert aim.beyond(best - 0.2).improvement(best - 0.2, sure).value[0] < -10


def test_the_reference_lies_behind_the_front_and_the_middle_of_all() -> None:
    F = np.random.default_rng(2).random((40, 2))
    aim, places = aim_of(F, np.random.default_rng(0))
    assert isinstance(aim, Volume)
    assert (aim.reference >= np.median(F, axis=0)).all()
    assert (aim.reference > aim.front.max(axis=0)).all()
    assert hypervolume(F[places], aim.reference) == pytest.approx(hypervolume(F, aim.reference))


def test_each_weighting_looks_elsewhere_along_the_front() -> None:
    F = 1.0 - np.eye(5)
    first = {int(aim_of(F, np.random.default_rng(seed))[1][0]) for seed in range(40)}
    assert first == set(range(5))


def test_objectives_that_are_all_alike_do_no_harm() -> None:
    for m in (2, 3, 5):
        aim, places = aim_of(np.ones((4, m)), np.random.default_rng(0))
        assert len(places) == 4
        assert np.isfinite(aim.improvement(np.zeros((1, m)), np.ones((1, m))).value).all()
