from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.errors import ArgumentError
from luthier.numerics.learning_curve import (
    _LEANING,
    _LEVEL,
    Forecast,
    _prior,
    _shapes,
    forecast,
    standardised,
)

NAN = math.nan
STEPS = np.arange(1.0, 21.0)


def falling(n: int, seed: int = 0, noise: float = 0.01) -> np.ndarray:
    """Power laws with offsets, shape (n, 20)."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.random((3, n, 1))
    return a + (0.5 + b) * STEPS ** -(0.3 + c) + noise * rng.standard_normal((n, len(STEPS)))


def cut(Y: np.ndarray, at: int) -> np.ndarray:
    return np.where(np.arange(Y.shape[1]) < at, Y, NAN)


def test_it_is_regression_on_dense_covariances() -> None:
    """The readable twin: the filter and the regression are one normal per component."""
    steps = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    Y = np.array([[0.9, NAN, 0.5, 0.45, NAN], [0.8, 0.7, 0.6, NAN, NAN]])
    Z, centre, scale = standardised(Y)
    G, size, R, Q = _prior(tuple(steps))
    found = forecast(Y, steps, at=[16.0])
    for n in range(2):
        here = np.flatnonzero(~np.isnan(Z[n]))
        log_p, means, variances = [], [], []
        for j in range(len(R)):
            walk = np.cumsum(Q[j])
            noise = np.minimum.outer(walk, walk) + np.diag(R[j])
            for k in range(len(G)):
                K = noise + _LEVEL**2 + size[k] ** 2 * np.outer(G[k], G[k])
                mean = _LEANING * size[k] * G[k]
                inverse = np.linalg.inv(K[np.ix_(here, here)])
                e = Z[n, here] - mean[here]
                log_p.append(0.5 * (np.linalg.slogdet(inverse)[1] - e @ inverse @ e))
                w = K[-1, here] @ inverse
                means.append(mean[-1] + w @ e)
                variances.append(K[-1, -1] - w @ K[here, -1])
        weights = np.exp(np.array(log_p) - max(log_p))
        np.testing.assert_allclose(found.weights[n], weights / weights.sum(), rtol=1e-6)
        np.testing.assert_allclose(found.means[n, 0], centre + scale * np.array(means), rtol=1e-6)
        deviations = scale * np.sqrt(variances)
        np.testing.assert_allclose(found.deviations[n, 0], deviations, rtol=1e-5)


def test_intervals_hold_what_they_say_on_falling_curves() -> None:
    held, closer = [], []
    for seed in range(8):
        Y = falling(20, seed)
        seen = cut(Y, 7)
        expected = forecast(seen, STEPS, at=[20])
        low, high = expected.quantile(0.05)[:, 0], expected.quantile(0.95)[:, 0]
        held += list((low < Y[:, -1]) & (Y[:, -1] < high))
        closer.append(np.abs(expected.mean[:, 0] - Y[:, -1]).mean() / (Y[:, 6] - Y[:, -1]).mean())
    assert 0.85 <= np.mean(held) <= 1.0
    assert np.mean(closer) < 0.75  # the last value's own error is 1


def test_finished_curves_tell_what_to_expect() -> None:
    Y = falling(24, noise=0.0)
    alone = forecast(cut(Y[:6], 6), STEPS, at=[20])
    seen = np.vstack([cut(Y[:6], 6), Y[6:]])
    taught = forecast(seen, STEPS, at=[20])
    truth = Y[:6, -1:]
    assert taught.log_density(np.vstack([truth, Y[6:, -1:]]))[:6].mean() > (
        alone.log_density(truth).mean()
    )


def test_what_wandered_is_forecast_near_its_last_value() -> None:
    rng = np.random.default_rng(3)
    Y = np.cumsum(rng.standard_normal((6, 20)), axis=1)
    expected = forecast(cut(Y, 15), STEPS, at=[20])
    spread = expected.quantile(0.9)[:, 0] - expected.quantile(0.1)[:, 0]
    assert (np.abs(expected.mean[:, 0] - Y[:, 14]) < spread).all()


def test_scale_and_place_dont_matter() -> None:
    Y = cut(falling(5), 8)
    plain, moved = forecast(Y, STEPS, at=[12, 20]), forecast(1e6 * Y - 3e5, STEPS, at=[12, 20])
    np.testing.assert_allclose(moved.mean, 1e6 * plain.mean - 3e5, rtol=1e-6)
    np.testing.assert_allclose(moved.below(4e5), plain.below(0.7), atol=1e-6)


def test_curves_observed_at_other_steps_dont_matter_but_for_the_scale() -> None:
    """Sharing work among curves of one pattern changes nothing."""
    Y = cut(falling(6), 9)
    Y[2:4, 5] = NAN
    together = forecast(Y, STEPS, at=[20])
    other_order = forecast(Y[::-1], STEPS, at=[20])
    np.testing.assert_allclose(together.mean, other_order.mean[::-1], rtol=1e-9)


def test_the_uncertainty_grows_with_the_distance() -> None:
    expected = forecast(cut(falling(4), 5), STEPS, at=[6, 10, 20])
    width = expected.quantile(0.9) - expected.quantile(0.1)
    assert (np.diff(width, axis=1) > 0).all()


def test_what_was_observed_is_certain_and_what_was_passed_is_not_known() -> None:
    Y = cut(falling(2), 10)
    Y[0, 4] = NAN
    expected = forecast(Y, STEPS, at=[5, 6])
    assert np.isnan(expected.mean[0, 0])
    assert expected.mean[1, 0] == pytest.approx(Y[1, 4])
    assert expected.below(Y[:, 5:6] + 1e-3)[:, 1].tolist() == pytest.approx([1.0, 1.0])


def test_samples_follow_the_mixture() -> None:
    expected = forecast(cut(falling(3), 5), STEPS, at=[10, 20])
    drawn = expected.sample(4000, np.random.default_rng(0))
    assert drawn.shape == (4000, 3, 2)
    for q in (0.1, 0.5, 0.9):
        share = (drawn < expected.quantile(q)).mean(axis=0)
        np.testing.assert_allclose(share, q, atol=0.03)


def test_the_density_integrates_to_the_distribution() -> None:
    expected = forecast(cut(falling(2), 6), STEPS, at=[20])
    low, high = float(expected.quantile(0.2)[0, 0]), float(expected.quantile(0.7)[0, 0])
    grid = np.linspace(low, high, 4001)
    density = [np.exp(expected.log_density(y))[0, 0] for y in grid]
    assert np.trapezoid(density, grid) == pytest.approx(0.5, abs=1e-3)


def test_shapes_fall_from_one_to_zero() -> None:
    G, size = _shapes(np.geomspace(0.001, 1, 30))
    assert (G[:, 0] == 1).all()
    assert (G[:, -1] == 0).all()
    assert (np.diff(G, axis=1) <= 1e-12).all()
    assert (size > 0).all()


@given(
    values=st.lists(
        st.lists(st.one_of(st.floats(-1e6, 1e6), st.sampled_from([NAN, math.inf, -math.inf])),
                 min_size=4, max_size=4),
        min_size=1, max_size=4,
    ),
    start=st.integers(0, 3),
)  # fmt: skip
@settings(max_examples=50, deadline=None)
def test_any_values_give_a_distribution(values: list[list[float]], start: int) -> None:
    steps = np.arange(4.0) + start
    expected = forecast(np.array(values), steps, at=[steps[-1] + 5])
    assert np.isfinite(expected.mean).all()
    np.testing.assert_allclose(expected.weights.sum(axis=1), 1.0)
    low, high = expected.quantile(0.2), expected.quantile(0.8)
    assert (low <= high).all()
    # the floats next to it enclose the quantile, also where they lie further apart than the spread
    assert (expected.below(np.nextafter(low, -math.inf)) <= 0.2 + 1e-3).all()
    assert (expected.below(np.nextafter(low, math.inf)) >= 0.2 - 1e-3).all()


@pytest.mark.parametrize(
    ("shape", "steps", "at"),
    [((1, 2), [1], [2]), ((2,), [1, 2], [3]), ((1, 2), [2, 1], [3]), ((1, 2), [-1, 1], [3]),
     ((1, 2), [1, 2], []), ((1, 2), [1, 2], [4, 3])],
)  # fmt: skip
def test_bad_arguments(shape: tuple[int, ...], steps: list[float], at: list[float]) -> None:
    with pytest.raises(ArgumentError, match="forecast: Y must have shape"):
        forecast(np.zeros(shape), steps, at=at)


@pytest.mark.parametrize("q", [0.0, 1.0, NAN])
def test_a_quantile_lies_inside(q: float) -> None:
    one = Forecast(np.ones((1, 1)), np.zeros((1, 1, 1)), np.ones((1, 1, 1)))
    assert one.quantile(0.975)[0, 0] == pytest.approx(1.959964, abs=1e-5)
    with pytest.raises(ArgumentError, match="q must be above 0 and below 1, got"):
        one.quantile(q)
