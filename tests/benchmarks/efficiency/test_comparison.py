from __future__ import annotations

import numpy as np
import pytest

from benchmarks.efficiency.comparison import FLOOR, best_alone, duel, geometric, ranks


def test_ranks_share_ties() -> None:
    table = np.array([[0.1, 0.5], [0.1, 0.2], [0.3, 0.9]])
    np.testing.assert_array_equal(ranks(table), [[1.5, 2.0], [1.5, 1.0], [3.0, 3.0]])


def test_geometric_mean_has_a_floor() -> None:
    assert geometric(np.array([0.1, 0.1, 10.0])) == pytest.approx(10 ** (-1 / 3))
    assert geometric(np.array([0.0, 1.0])) == pytest.approx(FLOOR**0.5)


def test_best_alone_counts_no_ties() -> None:
    table = np.array([[0.1, 0.2, 0.1], [0.2, 0.2, 0.3], [0.3, 0.4, 0.2]])
    np.testing.assert_allclose(best_alone(table), [2 / 3, 0.0, 0.0])
    np.testing.assert_array_equal(best_alone(table[:1]), [1.0])


def test_a_sampler_against_itself_is_even() -> None:
    rows = [np.array([0.1, 0.4]), np.array([0.9, 0.3])]
    even = duel(rows, rows)
    assert (even.ratio, even.low, even.high, even.wins, even.losses, even.p) == (1, 1, 1, 0, 0, 1)


def test_half_the_regret_everywhere_is_certain() -> None:
    theirs = [np.array([0.2, 0.4, 0.3]) * k for k in range(1, 11)]
    ours = [row / 2 for row in theirs]
    found = duel(ours, theirs)
    assert found.ratio == pytest.approx(0.5)
    assert (found.low, found.high) == pytest.approx((0.5, 0.5))
    assert (found.wins, found.losses, found.problems) == (10, 0, 10)
    assert found.p < 0.01


def test_problems_weigh_the_same_whatever_their_seeds() -> None:
    found = duel([np.full(2, 0.1), np.full(8, 0.4)], [np.full(2, 0.4), np.full(8, 0.1)])
    assert found.ratio == pytest.approx(1.0)
    assert (found.wins, found.losses) == (1, 1)


def test_the_interval_knows_that_seeds_of_a_problem_go_together() -> None:
    rng = np.random.default_rng(3)
    effects = rng.normal(0, 1, 12)
    clustered = [np.exp(np.full(15, e)) for e in effects]
    scattered = [np.exp(rng.normal(0, 1, 15)) for _ in effects]
    ones = [np.ones(15) for _ in effects]
    wide, narrow = duel(clustered, ones), duel(scattered, ones)
    assert np.log(wide.high / wide.low) > 2 * np.log(narrow.high / narrow.low)


def test_the_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(60):
        ours = [np.exp(rng.normal(e, 0.5, 5)) for e in rng.normal(0, 1, 30)]
        found = duel(ours, [np.ones(5)] * 30)
        inside += found.low <= 1.0 <= found.high
    assert inside >= 50


def test_a_duel_needs_the_same_runs_of_both() -> None:
    with pytest.raises(ValueError, match="same problems and seeds"):
        duel([np.ones(3)], [np.ones(2)])
    with pytest.raises(ValueError, match="same problems and seeds"):
        duel([], [])
