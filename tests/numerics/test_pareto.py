from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from luthier.errors import ArgumentError
from luthier.numerics.pareto import (
    apart,
    associate,
    covering,
    crowding_distance,
    das_dennis,
    extreme_points,
    hypervolume,
    intercepts,
    niched,
    non_dominated,
    non_dominated_ranks,
)
from luthier.numerics.qmc import Sobol

Array = NDArray[np.float64]


def points(m: int, most: int = 14, high: int = 6) -> st.SearchStrategy[Array]:
    """Few points on a coarse grid: many are equal or tie in an objective."""
    row = st.lists(st.integers(0, high), min_size=m, max_size=m)
    rows = st.lists(row, min_size=1, max_size=most)
    return rows.map(lambda given: np.array(given, dtype=np.float64))


def dominates(a: Array, b: Array) -> bool:
    return bool((a <= b).all() and (a < b).any())


def brute_ranks(Y: Array) -> list[int]:
    ranks, left, rank = [-1] * len(Y), set(range(len(Y))), 0
    while left:
        front = {i for i in left if not any(dominates(Y[j], Y[i]) for j in left)}
        for i in front:
            ranks[i] = rank
        left, rank = left - front, rank + 1
    return ranks


def brute_volume(Y: Array, reference: Array) -> float:
    """Count the cells of the unit grid that a point dominates."""
    cells = itertools.product(*(range(int(r)) for r in reference))
    return float(sum(any((y <= cell).all() for y in Y) for cell in map(np.array, cells)))


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_ranks_are_those_of_peeling_fronts_off(m: int, data: st.DataObject) -> None:
    Y = data.draw(points(m))
    assert non_dominated_ranks(Y).tolist() == brute_ranks(Y)
    assert (non_dominated(Y) == (non_dominated_ranks(Y) == 0)).all()


@pytest.mark.parametrize("m", [2, 3])
def test_ranks_of_thousands_keep_their_meaning(m: int) -> None:
    Y = np.random.default_rng(0).random((1500, m))
    ranks = non_dominated_ranks(Y)
    for rank in range(int(ranks.max())):
        front, behind = Y[ranks == rank], Y[ranks == rank + 1]
        assert non_dominated(front).all()
        beaten = (front[None] <= behind[:, None]).all(axis=2).any(axis=1)
        assert beaten.all()


def test_infinite_values_have_ranks() -> None:
    Y = np.array([[0.0, np.inf], [1.0, 1.0], [np.inf, np.inf], [-np.inf, 5.0]])
    assert non_dominated_ranks(Y).tolist() == brute_ranks(Y) == [1, 0, 2, 0]


def test_no_points() -> None:
    assert len(non_dominated_ranks(np.empty((0, 2)))) == 0
    assert len(crowding_distance(np.empty((0, 3)))) == 0
    assert hypervolume(np.empty((0, 3)), np.ones(3)) == 0


@pytest.mark.parametrize(("m", "side"), [(1, 7), (2, 7), (3, 6), (4, 4), (5, 3)])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_hypervolume_counts_cells(m: int, side: int, data: st.DataObject) -> None:
    Y = data.draw(points(m, high=side + 1))
    reference = np.full(m, float(side))
    assert hypervolume(Y, reference) == pytest.approx(brute_volume(Y, reference))


@pytest.mark.parametrize("m", [2, 3, 4, 5])
def test_hypervolume_agrees_with_inclusion_and_exclusion(m: int) -> None:
    Y = np.random.default_rng(m).random((9, m))
    total = 0.0
    for k in range(1, len(Y) + 1):
        for group in itertools.combinations(Y, k):
            total -= (-1) ** k * np.prod(1.2 - np.max(group, axis=0))
    assert hypervolume(Y, np.full(m, 1.2)) == pytest.approx(total)


def test_hypervolume_ignores_what_is_beyond_the_reference() -> None:
    assert hypervolume([[1.0, 1.0], [0.0, 3.0], [4.0, 0.0]], [3.0, 3.0]) == 4.0
    with pytest.raises(ArgumentError, match=r"Y must have shape \(m, 1\).* got \(1, 2\)"):
        hypervolume([[1.0, 1.0]], [3.0])


@given(points(3), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_hypervolume_only_grows(Y: Array, left_out: int) -> None:
    fewer = np.delete(Y, min(left_out, len(Y) - 1), axis=0)
    assert hypervolume(fewer, np.full(3, 8.0)) <= hypervolume(Y, np.full(3, 8.0))


@given(points(2), st.data())
@settings(max_examples=60, deadline=None)
def test_crowding_of_all_fronts_at_once_is_that_of_each(Y: Array, data: st.DataObject) -> None:
    ranks = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(Y), max_size=len(Y))))
    together = crowding_distance(Y, ranks)
    for rank in set(ranks.tolist()):
        alone = crowding_distance(Y[ranks == rank])
        assert together[ranks == rank] == pytest.approx(alone)


def test_crowding_by_hand() -> None:
    Y = np.array([[0.0, 10.0], [1.0, 6.0], [2.0, 5.0], [10.0, 0.0]])
    expected = [math.inf, 2 / 10 + 5 / 10, 9 / 10 + 6 / 10, math.inf]
    assert crowding_distance(Y) == pytest.approx(expected)


@pytest.mark.parametrize(("m", "p"), [(1, 4), (2, 9), (3, 12), (5, 3)])
def test_reference_directions(m: int, p: int) -> None:
    Z = das_dennis(m, p)
    assert len(Z) == math.comb(p + m - 1, m - 1)
    assert Z.sum(axis=1) == pytest.approx(1.0)
    assert Z.min() >= 0
    assert len({tuple(row) for row in Z.tolist()}) == len(Z)


def test_the_frame_of_a_plane() -> None:
    Y = np.array([[2.0, 1.0, 1.0], [1.0, 4.0, 1.0], [1.0, 1.0, 9.0], [1.5, 2.0, 3.0]])
    ideal = np.ones(3)
    extremes = extreme_points(Y, ideal)
    assert extremes.tolist() == Y[:3].tolist()
    assert intercepts(extremes, ideal, np.zeros(3)) == pytest.approx([1.0, 3.0, 8.0])


@pytest.mark.parametrize("extremes", [np.ones((2, 2)), np.array([[1.0, 2.0], [2.0, 4.0]])])
def test_without_a_plane_the_worst_point_counts(extremes: Array) -> None:
    a = intercepts(extremes, np.zeros(2), np.array([3.0, 0.0]))
    assert a.tolist() == [3.0, 1.0]


def test_association_is_by_distance_from_the_line() -> None:
    rng = np.random.default_rng(0)
    F, Z = rng.random((20, 3)), das_dennis(3, 4)
    nearest, distance = associate(F, Z)
    for f, j, d in zip(F, nearest, distance, strict=True):
        away = [np.linalg.norm(f - z * (f @ z) / (z @ z)) for z in Z]
        assert d == pytest.approx(min(away), abs=1e-7)
        assert away[j] == pytest.approx(min(away), abs=1e-7)


@given(st.integers(0, 30), st.lists(st.integers(0, 4), min_size=1, max_size=20), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_niching_fills_the_emptiest_directions(k: int, niches: list[int], seed: int) -> None:
    rng, niche = np.random.default_rng(seed), np.array(niches)
    crowd, distance = rng.integers(3, size=5), rng.random(len(niches))
    k = min(k, len(niches))
    chosen = niched(k, niche, distance, crowd, rng)
    assert len(set(chosen.tolist())) == k
    after = crowd + np.bincount(niche[chosen], minlength=5)
    for j in set(niches):
        if (niche == j).sum() > (niche[chosen] == j).sum():  # it could have got one more
            others = [i for i in set(niches) if (niche[chosen] == i).any()]
            assert all(after[j] >= after[i] - 1 for i in others)
        first = chosen[niche[chosen] == j]
        if not crowd[j] and len(first):
            assert distance[niche == j].min() in distance[first]


@given(st.integers(1, 30), st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_what_covers_most_is_chosen_greedily(n: int, m: int, seed: int) -> None:
    F = np.random.default_rng(seed).random((n, m))
    chosen = covering(F, 5)
    assert len(chosen) == min(n, 5)
    assert len(set(chosen.tolist())) == len(chosen)
    U = Sobol(m).points(1, 512)
    left = np.ones(len(U), dtype=bool)
    for place in chosen:
        gains = [(left & (f <= U).all(axis=1)).sum() for f in F]
        assert gains[place] == max(gains)
        left &= ~(F[place] <= U).all(axis=1)


def test_what_is_far_apart_spans_the_front() -> None:
    t = np.linspace(0, 1, 101)
    F = np.column_stack([t, 1000 * (1 - t)])
    gaps = np.diff(np.sort(apart(F, 9)))
    assert gaps.max() <= 2 * gaps.min() + 1
    assert {0, 100} <= set(apart(F, 4).tolist())
    assert len(apart(F[:2], 5)) == 2
