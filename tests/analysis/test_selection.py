"""Selection rules, by hand and as properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from luthier.analysis import RULES, choose
from luthier.errors import ArgumentError

TABLES = st.integers(1, 12).flatmap(
    lambda n: arrays(np.float64, (n, 5), elements=st.floats(0, 1, width=16))
)


def test_the_best_mean_is_the_first_of_equals() -> None:
    found = choose([[0.1, 0.2], [0.5, 0.25], [0.375, 0.375]])
    assert (found.index, found.best, found.eligible) == (1, 1, 2)


def test_one_standard_error_by_hand() -> None:
    # behind the first by 0.02 on average; differences 0.04, 0, 0.02: variance 4e-4
    scores = [[0.90, 0.90, 0.90], [0.86, 0.90, 0.88], [0.5, 0.5, 0.5]]
    error = np.sqrt((1 / 3 + 0.5) * 4e-4)  # 0.0183
    assert error < 0.02
    assert choose(scores, "one_se", ratio=0.5, cost=[3, 1, 0]).index == 0
    assert choose(scores, "one_se", ratio=1.0, cost=[3, 1, 0]).index == 1
    assert choose(scores, "one_se", ratio=1.0, cost=[1, 3, 0]).index == 0


@given(TABLES)
def test_a_cheapest_best_is_taken_by_every_rule(y: np.ndarray) -> None:
    best = choose(y).index
    cost = np.ones(len(y))
    cost[best] = 0
    assert choose(y, "one_se", cost=cost).index == best
    assert y[choose(y, "posterior").index].mean() == pytest.approx(y[best].mean(), abs=1e-6)


@given(TABLES, st.integers(0, 2**32 - 1))
def test_one_standard_error_never_takes_a_dearer_one(y: np.ndarray, seed: int) -> None:
    cost = np.random.default_rng(seed).random(len(y))
    found = choose(y, "one_se", cost=cost)
    assert cost[found.index] <= cost[found.best]
    assert y[found.index].mean() <= y[found.best].mean()


def test_posterior_takes_partial_scores() -> None:
    y = 0.8 + 0.02 * np.random.default_rng(0).normal(size=(40, 6))
    y[3] += 0.1
    y[5, 1:] = np.nan
    assert choose(y, "posterior").index == 3


@pytest.mark.parametrize(
    ("rule", "cost", "message"),
    [
        ("luck", None, "rule must be one of best, one_se, posterior, got 'luck'"),
        ("one_se", None, "needs the cost of each of the 2 candidates, got none"),
        ("one_se", [1.0], "needs the cost of each of the 2 candidates, got shape"),
    ],
)
def test_bad_arguments(rule: str, cost: list[float] | None, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        choose([[0.1, 0.2], [0.3, 0.4]], rule, cost=cost)
    assert set(RULES) == {"best", "one_se", "posterior"}
