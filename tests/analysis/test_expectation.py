"""The winner's expected score: formulas by hand, and what remains of the bias."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from luthier.analysis import expected_score
from luthier.errors import ArgumentError

SCORES = np.array([[0.9, 0.8, 0.7], [0.7, 0.7, 0.9], [0.6, 0.9, 0.6]])


def test_tibshirani_by_hand() -> None:
    # the winner is the first, 0.8; the best of each split alone have 0.9, 0.9, 0.9
    found = expected_score(SCORES, 0.5, method="tibshirani")
    assert found.observed == pytest.approx(0.8)
    assert found.optimism == pytest.approx((0 + 0.1 + 0.2) / 3)


def test_the_interval_is_that_of_overlapping_splits() -> None:
    found = expected_score(SCORES, 0.5, method="none", level=0.9)
    reach = stats.t.ppf(0.95, 2) * np.sqrt((1 / 3 + 0.5) * 0.01)
    assert found.mean == pytest.approx(0.8)
    assert (found.low, found.high) == pytest.approx((0.8 - reach, 0.8 + reach))


@pytest.mark.parametrize("method", ["shrinkage", "tibshirani", "bootstrap"])
def test_luck_is_taken_off(method: str) -> None:
    rng = np.random.default_rng(0)
    left, right = [], []
    for _ in range(30):
        found = expected_score(0.8 + 0.05 * rng.normal(size=(60, 5)), 0.25, method=method)  # type: ignore[arg-type]
        left.append(found.observed - 0.8)
        right.append(found.mean - 0.8)
    assert np.mean(left) > 0.04
    assert abs(np.mean(right)) < 0.5 * np.mean(left)


def test_a_clear_winner_keeps_its_score() -> None:
    rng = np.random.default_rng(1)
    y = 0.5 + 0.01 * rng.normal(size=(40, 5))
    y[7] += 0.4
    for method in ("shrinkage", "bootstrap"):
        found = expected_score(y, 0.25, method=method)  # type: ignore[arg-type]
        assert found.mean == pytest.approx(found.observed, abs=0.005)


def test_the_winner_can_be_named() -> None:
    assert expected_score(SCORES, 0.5, winner=2, method="none").mean == pytest.approx(0.7)


def test_one_split_has_no_interval() -> None:
    found = expected_score([[0.5], [0.6]], 0.5)
    assert (found.mean, found.low, found.high) == (0.6, -np.inf, np.inf)


def test_bad_arguments() -> None:
    with pytest.raises(ArgumentError, match="method must be one of shrinkage"):
        expected_score(SCORES, 0.5, method="hope")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="expected_score: scores must be finite"):
        expected_score([[0.5, np.nan]], 0.5, method="bootstrap")
