from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from luthier.errors import ArgumentError
from luthier.schedulers import Median, NoStopping, Patience

Stops = Callable[..., list[bool]]

NAN, INF = math.nan, math.inf


def test_no_improvement_for_so_many_reports_stops(stops: Stops) -> None:
    assert stops(Patience(2), [3.0, 2.0, 1.0, 1.0, 1.0]) == [False, False, False, False, True]
    assert stops(Patience(2), [1.0, 2.0, 0.5, 2.0, 3.0]) == [False, False, False, False, True]
    assert stops(Patience(1), [1.0, 1.0]) == [False, True]
    assert stops(Patience(3), [1.0, 1.0, 1.0]) == [False] * 3


def test_direction(stops: Stops) -> None:
    curve = [0.1, 0.2, 0.3, 0.3, 0.2]
    assert stops(Patience(2), curve, direction="maximize") == [False] * 4 + [True]
    assert stops(Patience(2), curve, direction="minimize") == [False] * 2 + [True] * 3


def test_min_delta_is_what_counts_as_improvement(stops: Stops) -> None:
    slow = [1.0, 0.75, 0.5, 0.25]
    assert stops(Patience(1, min_delta=0.2), slow) == [False] * 4
    assert stops(Patience(1, min_delta=0.25), slow) == [False, True, True, True]
    assert stops(Patience(1, min_delta=-0.5), [1.0, 1.25, 1.5]) == [False, False, True]


def test_steps_may_come_in_any_order(stops: Stops) -> None:
    assert stops(Patience(1), {5: 1.0, 2: 2.0, 9: 0.5}) == [False, False, False]
    assert stops(Patience(1), {2: 1.0, 5: 2.0}) == [False, True]


def test_nan_is_no_improvement(stops: Stops) -> None:
    assert stops(Patience(2), [1.0, NAN, NAN]) == [False, False, True]
    assert stops(Patience(1), [NAN, NAN]) == [False, True]
    assert stops(Patience(1), [NAN, 1.0]) == [False, False]


def test_infinity(stops: Stops) -> None:
    assert stops(Patience(1), [INF, 1.0, -INF, -INF]) == [False, False, False, True]
    assert stops(Patience(1), [INF, INF]) == [False, True]


def test_around_another_rule(stops: Stops) -> None:
    others = [[1.0, 1.0, 1.0, 1.0]] * 5
    assert stops(Median(), [3.0, 2.0, 2.0, 2.0], others) == [True] * 4
    rule = Patience(1, wrapped=Median())
    assert stops(rule, [3.0, 2.0, 2.0, 2.0], others) == [False, False, True, True]
    assert stops(rule, [0.5, 0.5, 0.5, 0.5], others) == [False] * 4
    assert stops(Patience(1, wrapped=NoStopping()), [1.0, 1.0]) == [False, False]


def test_spec_holds_the_wrapped_rule() -> None:
    assert Patience(3, wrapped=NoStopping()).spec["wrapped"] == {"name": "none"}


@pytest.mark.parametrize("patience", [0, -1, 1.5, None])
def test_patience_must_be_positive(patience: object) -> None:
    with pytest.raises(ArgumentError, match="patience must be a whole number of at least 1, got"):
        Patience(patience)  # type: ignore[arg-type]


@pytest.mark.parametrize("min_delta", [NAN, INF, "0"])
def test_min_delta_must_be_finite(min_delta: object) -> None:
    with pytest.raises(ArgumentError, match="min_delta must be a finite number, got"):
        Patience(1, min_delta=min_delta)  # type: ignore[arg-type]
