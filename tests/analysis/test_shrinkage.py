"""Shrinkage against closed forms, and against the truth it can't see."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.analysis import shrunk
from luthier.errors import ArgumentError


def test_equal_candidates_are_drawn_together() -> None:
    found = shrunk(0.9 + 0.02 * np.random.default_rng(0).normal(size=(200, 5)))
    assert np.std(found.mean) < 0.6 * np.std(found.observed)
    assert found.mean.mean() == pytest.approx(0.9, abs=0.003)


def test_candidates_far_apart_stay_where_they_are() -> None:
    rng = np.random.default_rng(1)
    truth = np.array([0.2, 0.5, 0.9])
    found = shrunk(truth[:, None] + 0.001 * rng.normal(size=(3, 10)))
    assert np.abs(found.mean - truth).max() < 0.002


def test_normal_candidates_are_shrunk_as_by_the_normal_model() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(0, 1, 2000)
    found = shrunk(truth[:, None] + rng.normal(0, 2, (2000, 4)))  # noise of a mean: variance 1
    ideal = found.observed / 2
    middle = np.abs(found.observed) < 2
    assert np.abs(found.mean - ideal)[middle].mean() < 0.15
    assert np.mean((found.mean - truth) ** 2) < 0.56  # 0.5 is the best there is, 1 without
    assert found.std[middle].mean() == pytest.approx(np.sqrt(0.5), abs=0.15)


def test_effects_of_splits_are_no_noise() -> None:
    rng = np.random.default_rng(3)
    y = rng.normal(0.8, 0.03, 40)[:, None] + 0.001 * rng.normal(size=(40, 5))
    hard = np.array([-0.2, 0.1, 0, 0.05, 0.05])
    assert np.allclose(shrunk(y).mean, shrunk(y + hard).mean, atol=1e-9)


def test_candidates_scored_on_fewer_splits_are_believed_less() -> None:
    rng = np.random.default_rng(4)
    y = 0.8 + 0.02 * rng.normal(size=(60, 8))
    y[0] = 0.8 + 0.03
    y[1], y[1, 2:] = y[0], np.nan
    found = shrunk(y)
    assert found.observed[1] == pytest.approx(found.observed[0], abs=0.02)
    assert found.mean[1] < found.mean[0]
    assert found.std[1] > 0


def test_splits_that_only_the_incumbent_has_run_are_allowed_for() -> None:
    y = np.array([[0.9, 0.5, 0.9], [0.88, 0.48, np.nan], [np.nan, 0.5, np.nan], [0.7, 0.3, 0.7]])
    observed = shrunk(y).observed
    assert observed[2] > observed[1]  # as good as the best on the hard split
    assert np.isfinite(observed).all()


def test_one_split_tells_nothing_of_noise() -> None:
    found = shrunk([[0.1], [0.5], [0.9]])
    assert found.mean.tolist() == [0.1, 0.5, 0.9]


@pytest.mark.parametrize("bad", [[0.1, 0.2], [[np.nan, np.nan], [0.1, 0.2]], [[np.inf, 0.1]], [[]]])
def test_bad_scores(bad: object) -> None:
    with pytest.raises(ArgumentError, match="shrunk: scores must be"):
        shrunk(bad)  # type: ignore[arg-type]
