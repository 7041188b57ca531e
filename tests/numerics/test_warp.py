from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from luthier.errors import ArgumentError
from luthier.numerics.warp import WARPS, Bend, Warp, half_rank, warped, yeo_johnson


@pytest.mark.parametrize("warp", WARPS)
@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
@settings(deadline=None, max_examples=60)
def test_order_stays_and_values_are_standard(warp: Warp, values: list[float]) -> None:
    y = np.array(values)
    z = warped(y, warp)
    order = np.argsort(y, kind="stable")
    assert (np.diff(z[order]) >= -1e-9).all()
    assert np.isfinite(z).all()
    assert z.mean() == pytest.approx(0.0, abs=1e-6)
    assert z.std() == pytest.approx(1.0, abs=1e-6) or not z.any()


def test_the_exponent_is_that_of_the_likelihood() -> None:
    y = stats.lognorm(0.8).rvs(200, random_state=np.random.default_rng(0))
    z = (y - np.median(y)) / (np.median(y) - y.min())
    grid = np.linspace(-3, 2.5, 23)
    best = grid[np.argmax([stats.yeojohnson_llf(lam, z) for lam in grid])]
    reference = stats.yeojohnson(z, best)
    reference = (reference - reference.mean()) / reference.std()
    assert np.allclose(yeo_johnson(y), reference)


def test_skewed_values_become_nearly_normal() -> None:
    y = np.exp(2 * np.random.default_rng(1).standard_normal(300))
    skew = {warp: abs(stats.skew(warped(y, warp))) for warp in WARPS}
    assert skew["half-rank"] < 0.4
    assert skew["yeo-johnson"] < 0.4 < 5.0 < skew["none"]


def test_few_different_values_are_only_standardised() -> None:
    y = np.array([0.0, 0.0, 0.0, 1.0, 100.0])
    assert np.allclose(yeo_johnson(y), (y - y.mean()) / y.std())


def test_half_rank_leaves_the_better_half_alone() -> None:
    y = np.array([1.0, 2.0, 4.0, 1e3, 1e9])
    z = half_rank(y)
    assert (z[2] - z[1]) / (z[1] - z[0]) == pytest.approx(2.0)
    assert z[4] - z[3] < z[2] - z[0]


def test_one_absurd_value_does_not_hide_the_others() -> None:
    z = warped([1.0, 2.0, 3.0, 4.0, 5.0, 1e30])
    assert np.diff(z).min() > 0.05


def test_infinite_values_count_as_the_worst_and_the_best() -> None:
    z = warped([np.inf, 1.0, 2.0, -np.inf], "none")
    assert z[0] == z[2] == max(z)
    assert z[3] == z[1] == min(z)
    assert warped([np.inf, np.inf]).tolist() == [0.0, 0.0]


def test_bends_are_kumaraswamys_distribution_and_turn_back() -> None:
    bend, U = (
        Bend(np.array([0.3, 2.0]), np.array([1.5, 0.6])),
        np.random.default_rng(0).random((50, 2)),
    )
    W = bend.forward(U)
    assert np.allclose(W, 1 - (1 - U**bend.a) ** bend.b)
    assert np.allclose(bend.inverse(W), U)
    assert (np.diff(bend.forward(np.linspace(0, 1, 9)[:, None] * np.ones(2)), axis=0) > 0).all()
    assert np.allclose(bend.forward(np.array([[0.0, 1.0]])), [[0.0, 1.0]], atol=1e-2)


def test_gradients_of_bends_are_those_of_finite_differences() -> None:
    a, b, U, step = np.array([0.4]), np.array([1.7]), np.linspace(0.05, 0.95, 9)[:, None], 1e-6
    bend = Bend(a, b)
    by_u = (bend.forward(U + step) - bend.forward(U - step)) / (2 * step)
    assert np.allclose(bend.slope(U), by_u, rtol=1e-5)
    up, down = np.exp(step), np.exp(-step)
    by_a = (Bend(a * up, b).forward(U) - Bend(a * down, b).forward(U)) / (2 * step)
    by_b = (Bend(a, b * up).forward(U) - Bend(a, b * down).forward(U)) / (2 * step)
    assert np.allclose(np.array(bend.by_logs(U)), np.array([by_a, by_b]), atol=1e-6)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ArgumentError, match="y must be a vector without NaN"):
        warped([1.0, np.nan])
    with pytest.raises(ArgumentError, match="warp must be one of 'yeo-johnson'.*got 'box-cox'"):
        warped([1.0], "box-cox")  # type: ignore[arg-type]
