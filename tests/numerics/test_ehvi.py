from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.errors import ArgumentError
from luthier.numerics.ehvi import boxes_beyond, log_expected_hypervolume_improvement
from luthier.numerics.pareto import non_dominated

Array = np.ndarray


def added(front: Array, point: Array, reference: Array, rng: np.random.Generator) -> float:
    """The volume that a point adds to a front, counted with random points."""
    low = np.minimum(point, reference)
    U = low + rng.random((40_000, len(reference))) * (reference - low)
    beaten = (front[:, None] <= U).all(axis=2).any(axis=0) if len(front) else np.zeros(len(U), bool)
    return float(np.prod(reference - low) * (1 - beaten.mean()))


@given(st.integers(0, 12), st.sampled_from([2, 3]), st.integers(0, 2**32 - 1))
def test_boxes_cover_what_is_not_dominated_once(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    front, reference = rng.integers(0, 6, (n, m)) / 5, np.full(m, 1.1)
    lower, upper = boxes_beyond(front, reference)
    at = rng.uniform(-0.5, 1.1, (200, m))
    inside = ((lower < at[:, None]) & (at[:, None] <= upper)).all(axis=2).sum(axis=1)
    dominated = (front[:, None] < at).all(axis=2).any(axis=0) if n else np.zeros(200, bool)
    assert inside.tolist() == (~dominated).astype(int).tolist()


@pytest.mark.parametrize("m", [2, 3])
def test_a_point_known_exactly_is_worth_the_volume_it_adds(m: int) -> None:
    rng = np.random.default_rng(m)
    front = rng.random((8, m))
    front, reference = front[non_dominated(front)], np.full(m, 1.2)
    for point in rng.random((6, m)) * 0.9:
        found = log_expected_hypervolume_improvement(
            point[None], np.full((1, m), 1e-9), *boxes_beyond(front, reference)
        )
        assert np.exp(found.value[0]) == pytest.approx(
            added(front, point, reference, rng), abs=0.01 * 1.2**m
        )


@pytest.mark.parametrize("m", [2, 3])
def test_it_is_the_mean_over_draws(m: int) -> None:
    rng = np.random.default_rng(0)
    front = np.array([[0.2, 0.8, 0.5], [0.5, 0.5, 0.1], [0.8, 0.2, 0.9]])[:, :m]
    reference, mean, std = np.ones(m), np.full((1, m), 0.5), np.full((1, m), 0.3)
    boxes = boxes_beyond(front, reference)
    found = np.exp(log_expected_hypervolume_improvement(mean, std, *boxes).value[0])
    draws = mean + std * rng.standard_normal((4000, m))
    sure = log_expected_hypervolume_improvement(draws, np.full((4000, m), 1e-9), *boxes)
    assert found == pytest.approx(np.exp(sure.value).mean(), rel=0.06)


@pytest.mark.parametrize("m", [2, 3])
def test_derivatives_are_those_of_finite_differences(m: int) -> None:
    rng, step = np.random.default_rng(1), 1e-6
    boxes = boxes_beyond(rng.random((5, m)), np.full(m, 1.1))
    mean, std = rng.normal(0.5, 1.0, (7, m)), 0.1 + rng.random((7, m))
    found = log_expected_hypervolume_improvement(mean, std, *boxes)
    for j in range(m):
        move = step * np.eye(m)[j]
        up = log_expected_hypervolume_improvement(mean + move, std, *boxes).value
        down = log_expected_hypervolume_improvement(mean - move, std, *boxes).value
        assert found.by_mean[:, j] == pytest.approx((up - down) / (2 * step), rel=1e-4, abs=1e-7)
        up = log_expected_hypervolume_improvement(mean, std + move, *boxes).value
        down = log_expected_hypervolume_improvement(mean, std - move, *boxes).value
        assert found.by_std[:, j] == pytest.approx((up - down) / (2 * step), rel=1e-4, abs=1e-7)


def test_hopeless_points_still_have_an_order_and_a_slope() -> None:
    boxes = boxes_beyond(np.array([[0.0, 0.0]]), np.array([1.0, 1.0]))
    mean = np.array([[50.0, 50.0], [60.0, 60.0]])
    found = log_expected_hypervolume_improvement(mean, np.full((2, 2), 0.1), *boxes)
    assert np.isfinite(np.concatenate([found.value, found.by_mean.ravel()])).all()
    assert found.value[0] > found.value[1]
    assert (found.by_mean < 0).all()


def test_other_numbers_of_objectives_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"2 or 3 objectives, got 4\. Make one of them"):
        boxes_beyond(np.empty((0, 4)), np.ones(4))
