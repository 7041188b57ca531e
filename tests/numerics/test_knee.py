import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from luthier.numerics.knee import knee
from luthier.numerics.pareto import non_dominated

Array = NDArray[np.float64]
INF = np.inf


def curve(power: float) -> Array:
    """u_1^p + u_2^p = 1: hollow towards the ideal for p < 1, straight for 1, bulging above."""
    u = np.linspace(0, 1, 101)
    return np.column_stack([u, (1 - u**power) ** (1 / power)])


@pytest.mark.parametrize(
    ("Y", "place"),
    [
        ([[3.0, 7.0]], 0),
        ([[0.0, 1.0], [1.0, 0.0]], 0),  # two ends: the first
        ([[5.0, 1.0], [5.0, 1.0]], 0),
        ([[0.0, 1.0], [0.4, 0.4], [0.5, 0.01], [1.0, 0.0]], 2),  # 0.51 away, the balanced one 0.8
        ([[0.0, 1.0], [0.1, 0.4], [0.4, 0.1], [1.0, 0.0]], 1),  # mirror images: the first
        ([[0.0, 2.0, 7.0], [1.0, 1.9, 7.0], [2.0, 0.0, 7.0]], 1),  # the third is always the same
        ([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.2, 0.2, 0.2]], 3),
    ],
)
def test_small_fronts(Y: list[list[float]], place: int) -> None:
    assert knee(np.array(Y)) == place


@pytest.mark.parametrize("power", [0.3, 0.7, 1.0, 2.0, 5.0])
def test_the_middle_of_a_front_that_is_the_same_from_both_sides(power: float) -> None:
    Y = curve(power)
    u = Y[knee(Y)]
    assert abs(u[0] - u[1]) <= 0.021


@pytest.mark.parametrize("m", [2, 3, 4])
def test_the_middle_of_straight_and_round_fronts_of_many_objectives(m: int) -> None:
    directions = np.random.default_rng(0).dirichlet(np.ones(m), 2000)
    for Y in (directions, directions / np.linalg.norm(directions, axis=1, keepdims=True)):
        Y = np.vstack([np.eye(m), Y])
        assert Y[knee(Y)].max() == Y.max(axis=1).min()


@pytest.mark.parametrize(
    ("Y", "place"),
    [
        ([[INF, 0.0], [1.0, 5.0]], 1),  # infinitely bad comes last
        ([[INF, 0.0], [0.0, INF]], 0),
        ([[0.0, 1.0], [0.5, 0.1], [1.0, -INF]], 1),
        ([[-INF, INF], [INF, -INF]], 0),
        ([[1.7e308, -1.7e308], [-1.7e308, 1.7e308], [-1.0e308, -1.0e308]], 2),
    ],
)
def test_infinite_and_huge_values(Y: list[list[float]], place: int) -> None:
    assert knee(np.array(Y)) == place


whole_fronts = st.integers(1, 4).flatmap(
    lambda m: arrays(
        np.int64, st.tuples(st.integers(1, 12), st.just(m)), elements=st.integers(-9, 9)
    )
)


@given(whole_fronts, st.integers(-3, 3), st.integers(-5, 5))
def test_units_do_not_matter(Y: Array, power: int, shift: int) -> None:
    front = Y[non_dominated(Y.astype(float))].astype(float)
    assert knee(front * 2.0**power + shift) == knee(front)


def badness(front: Array, point: Array) -> tuple[float, float]:
    """The readable twin: how far short of the furthest bulge, and the worst share of the range."""
    low, high = front.min(axis=0), front.max(axis=0)
    spans = [h - lo if h > lo else 1.0 for lo, h in zip(low, high, strict=True)]
    u = [(y - lo) / span for y, lo, span in zip(point, low, spans, strict=True)]
    return round(min(sum(u), 1.0), 9), round(max(u), 9)


@given(whole_fronts)
def test_no_point_is_better_than_the_one_chosen(Y: Array) -> None:
    front = Y[non_dominated(Y.astype(float))].astype(float)
    place = knee(front)
    marks = [badness(front, point) for point in front]
    assert marks[place] == min(marks)
    assert place == marks.index(min(marks))
