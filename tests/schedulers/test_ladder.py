"""The ladder of rungs, and the order of trials on one."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.core.objective import Objective
from luthier.core.rungs import Rung
from luthier.errors import ArgumentError
from luthier.schedulers import Asha, Hyperband, Pasha, SuccessiveHalving
from luthier.schedulers.ladder import best_first, ladder, landed, standing
from luthier.space import Space
from luthier.testing.rehearsal import Rehearsal


def rung(values: list[list[float]], violations: list[float] | None = None) -> Rung:
    """Trials 10, 11, 12, ... with these values."""
    n = len(values)
    broken = np.zeros(n) if violations is None else np.array(violations)
    return Rung(3, np.arange(10, 10 + n), np.array(values), broken)


def test_rungs_are_counted_from_the_end() -> None:
    assert ladder(1, 81, 3) == (1, 3, 9, 27, 81)
    assert ladder(1, 100, 3) == (1, 3, 11, 33, 100)
    assert ladder(4, 100, 3) == (11, 33, 100)
    assert ladder(1, 16, 4) == (1, 4, 16)
    assert ladder(7, 7, 2) == (7,)


@given(st.integers(1, 50), st.integers(0, 500), st.integers(2, 5))
def test_rungs_ascend_between_the_bounds(low: int, more: int, eta: int) -> None:
    steps = ladder(low, low + more, eta)
    assert steps[-1] == low + more
    assert steps[0] >= low
    assert all(b >= eta * a for a, b in pairwise(steps))
    assert steps[0] // eta < low  # there is no room for another


@pytest.mark.parametrize("kind", [SuccessiveHalving, Hyperband, Asha, Pasha])
def test_settings_are_checked(kind: type[Asha]) -> None:
    for settings, message in (
        ({"max_resource": 3, "min_resource": 4}, "max_resource must be at least min_resource"),
        ({"max_resource": 0}, "max_resource must be a whole number of at least 1"),
        ({"max_resource": 9.5}, "max_resource must be a whole number"),
        ({"max_resource": 9, "eta": 1}, "eta must be a whole number of at least 2"),
        ({"max_resource": 9, "min_resource": 0}, "min_resource must be a whole number"),
    ):
        with pytest.raises(ArgumentError, match=message):
            kind(**settings)  # type: ignore[arg-type]


def test_settings_of_one() -> None:
    with pytest.raises(ArgumentError, match="mode must be one of 'promotion', 'stopping'"):
        Asha(9, mode="halving")
    with pytest.raises(ArgumentError, match="n must be a whole number of at least 1, got 0"):
        SuccessiveHalving(9, n=0)
    with pytest.raises(ArgumentError, match="tolerance must be"):
        Pasha(9, tolerance=2.0)


def test_the_highest_rung_that_a_report_reaches_first() -> None:
    rungs = (1, 3, 9)
    assert landed(rungs, None, 1) == 0
    assert landed(rungs, 1, 2) is None
    assert landed(rungs, None, 2) == 0
    assert landed(rungs, 2, 10) == 2
    assert landed(rungs, None, 0) is None
    assert landed(rungs, 5, 4) is None


def test_lower_is_better_and_equal_ones_go_by_number() -> None:
    assert best_first(rung([[3.0], [1.0], [2.0], [1.0]])).tolist() == [11, 13, 12, 10]
    assert best_first(rung([[-math.inf], [math.inf], [0.0]])).tolist() == [10, 12, 11]


def test_nan_comes_last_and_those_that_break_constraints_before() -> None:
    values = [[math.nan], [1.0], [2.0], [3.0]]
    assert best_first(rung(values, [0.0, 5.0, 4.0, 0.0])).tolist() == [13, 12, 11, 10]


def test_several_objectives_go_by_non_dominated_rank_then_crowding() -> None:
    # Front 0: (0, 4), (1, 2), (1.5, 1.5), (4, 0); front 1: (2, 4). The ends of a front come first.
    values = [[2.0, 4.0], [1.5, 1.5], [1.0, 2.0], [4.0, 0.0], [0.0, 4.0]]
    # Crowding, sums of normalised gaps: (1, 2): 1.5/4 + 2.5/4 = 1; (1.5, 1.5): 3/4 + 2/4 = 1.25.
    assert best_first(rung(values)).tolist() == [13, 14, 11, 12, 10]
    assert best_first(rung([[math.nan, 0.0], [1.0, 1.0]])).tolist() == [11, 10]


@given(
    st.lists(st.sampled_from([0.0, 1.0, 2.0, math.inf, math.nan]), min_size=1, max_size=9),
    st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=9, max_size=9),
    st.integers(1, 9),
)
def test_where_one_stands_is_its_place_in_the_order(
    values: list[float], sizes: list[float], until: int
) -> None:
    play = Rehearsal(
        Space(), objective=Objective.of(metrics={"loss": "minimize"}, constraints=["size <= 0"])
    )
    seen = [play.history]
    for value, size in zip(values, sizes, strict=False):
        play.report(play.add({}), 1, {"loss": value, "size": size})
        seen.append(play.history)
    for history in (seen[-1], seen[min(until, len(values))]):  # the latest, and an earlier one
        order = best_first(history.rung(1)).tolist()
        for place, number in enumerate(order):
            assert standing(history, 1, number, None) == (place, len(order))
