"""Differences on common splits, by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from luthier.analysis import corrected_variance, difference
from luthier.errors import ArgumentError


def test_the_corrected_variance_by_hand() -> None:
    scores = [0.7, 0.8, 0.9]  # variance 0.01
    assert corrected_variance(scores, 0.0) == pytest.approx(0.01 / 3)
    assert corrected_variance(scores, 0.5) == pytest.approx(0.01 / 3 + 0.005)
    assert corrected_variance([scores, [1, 1, 1]], 0.5).shape == (2,)


def test_a_difference_is_the_corrected_paired_test() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 10))
    found = difference(a, b, ratio=0.0)
    reference = stats.ttest_rel(a, b, alternative="greater")
    assert found.probability == pytest.approx(1 - reference.pvalue)
    assert found.mean == pytest.approx(np.mean(a - b))
    more = difference(a, b, ratio=0.25)
    assert more.std_error == pytest.approx(found.std_error * np.sqrt((0.1 + 0.25) / 0.1))
    assert abs(more.probability - 0.5) < abs(found.probability - 0.5)


def test_optimism_is_taken_off() -> None:
    first, second = [0.9, 0.8, 0.7], [0.8, 0.75, 0.7]
    plain = difference(first, second, 0.5)
    less = difference(first, second, 0.5, optimism=0.05)
    assert less.mean == pytest.approx(plain.mean - 0.05)
    assert less.probability == pytest.approx(0.5)


def test_what_can_not_be_told_is_even() -> None:
    assert difference([0.9], [0.1], 0.2).probability == 0.5
    assert difference([0.5, 0.5], [0.5, 0.5], 0.2).probability == 0.5
    assert difference([0.6, 0.6], [0.5, 0.5], 0.2).probability == 1.0


@pytest.mark.parametrize("bad", [[[], []], [[0.1, np.nan], [0.1, 0.2]], [[0.1], [0.1, 0.2]]])
def test_bad_scores(bad: list[list[float]]) -> None:
    with pytest.raises(ArgumentError, match="scores must be finite numbers"):
        difference(*bad, 0.2)
