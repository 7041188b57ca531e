from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.samplers.evolution.selection import tournament, truncation


@given(st.integers(1, 12), st.integers(1, 20), st.integers(1, 15), st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_tournaments_of_any_size(n: int, k: int, size: int, seed: int) -> None:
    winners = tournament(np.arange(n), k, size, np.random.default_rng(seed))
    assert winners.shape == (k,)
    assert ((winners >= 0) & (winners < n)).all()


def test_bigger_tournaments_are_greedier() -> None:
    rng = np.random.default_rng(0)
    means = [tournament(np.arange(20), 2000, size, rng).mean() for size in (1, 2, 5)]
    assert means[0] == pytest.approx(9.5, abs=0.5)
    assert means[0] > means[1] + 2 > means[2] + 4


def test_in_a_round_of_pairs_the_worst_never_wins() -> None:
    winners = tournament(np.array([3, 0, 1, 2]), 2, 2, np.random.default_rng(0))
    assert 0 not in winners


def test_truncation_takes_the_best_share() -> None:
    standing = np.array([5, 0, 4, 1, 3, 2])
    rng = np.random.default_rng(0)
    assert set(truncation(standing, 100, 0.5, rng).tolist()) == {1, 3, 5}
    assert set(truncation(standing, 9, 0.01, rng).tolist()) == {1}
