from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.core.trial import TrialState
from luthier.errors import ArgumentError
from luthier.schedulers import Percentile
from luthier.schedulers.percentile import _percentile

Stops = Callable[..., list[bool]]

NAN, INF = math.nan, math.inf
FOUR = [[1.0], [2.0], [3.0], [4.0]]  # quartiles at step 0: 1.75, 2.5, 3.25


def rule(q: float, **settings: object) -> Percentile:
    return Percentile(q, **{"n_startup_trials": 0, **settings})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("q", "direction", "value", "stopped"),
    [
        (25.0, "minimize", 1.75, False),
        (25.0, "minimize", 1.76, True),
        (75.0, "minimize", 3.25, False),
        (75.0, "minimize", 3.26, True),
        (25.0, "maximize", 3.25, False),
        (25.0, "maximize", 3.24, True),
        (0.0, "minimize", 1.0, False),
        (0.0, "minimize", 1.01, True),
        (100.0, "minimize", 4.0, False),
        (100.0, "maximize", 0.99, True),
    ],
)
def test_the_best_q_percent_go_on(
    stops: Stops, q: float, direction: str, value: float, stopped: bool
) -> None:
    assert stops(rule(q), [value], FOUR, direction=direction) == [stopped]


def test_its_own_best_value_counts_not_its_latest(stops: Stops) -> None:
    others = [[1.0, 1.0, 1.0]] * 3
    assert stops(rule(50.0), [0.5, 9.0, 9.0], others) == [False, False, False]
    assert stops(rule(50.0), [9.0, 0.5, 9.0], others) == [True, False, False]


def test_others_count_at_exactly_the_step(stops: Stops) -> None:
    others = [[9.0, 1.0], [9.0, 2.0], [9.0]]
    assert stops(rule(50.0), [5.0, 5.0], others) == [False, True]
    assert stops(rule(50.0), {7: 99.0}, others) == [False]


def test_startup_trials(stops: Stops) -> None:
    assert stops(rule(50.0, n_startup_trials=5), [9.0], FOUR) == [False]
    assert stops(rule(50.0, n_startup_trials=4), [9.0], FOUR) == [True]
    assert stops(rule(50.0), [9.0], []) == [False]


def test_only_completed_trials_count(stops: Stops) -> None:
    assert stops(rule(50.0), [9.0], FOUR, state=TrialState.PRUNED) == [False]
    assert stops(rule(50.0), [9.0], FOUR, state=TrialState.FAILED) == [False]


def test_warmup_interval_and_minimum(stops: Stops) -> None:
    others, bad = [[1.0] * 6] * 3, [9.0] * 6
    assert stops(rule(50.0, n_warmup_steps=4), bad, others) == [False] * 4 + [True] * 2
    due = [True, False, False, True, False, False]
    assert stops(rule(50.0, interval_steps=3), bad, others) == due
    assert stops(rule(50.0, n_min_trials=3), bad, others) == [True] * 6
    assert stops(rule(50.0, n_min_trials=4), bad, others) == [False] * 6


def test_nan(stops: Stops) -> None:
    assert stops(rule(50.0), [NAN, NAN], FOUR) == [True, True]
    assert stops(rule(50.0), [1.0, NAN], [[2.0, 2.0]]) == [False, False]
    assert stops(rule(50.0), [1.5], [[NAN], [1.0], [2.0]]) == [False]
    assert stops(rule(50.0), [1.6], [[NAN], [1.0], [2.0]]) == [True]
    assert stops(rule(50.0), [9.0], [[NAN], [NAN]]) == [False]


def test_infinity(stops: Stops) -> None:
    assert stops(rule(50.0), [INF], FOUR) == [True]
    assert stops(rule(50.0), [-INF], FOUR) == [False]
    assert stops(rule(50.0), [5.0], [[INF], [INF], [1.0]]) == [False]
    assert stops(rule(50.0), [5.0], [[-INF], [-INF], [1.0]]) == [True]


def test_another_metric(stops: Stops) -> None:
    assert stops(rule(50.0, metric="loss"), [9.0], FOUR, metric="loss") == [True]
    assert stops(rule(50.0, metric="loss"), [9.0], FOUR, metric="value") == [False]


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), q=st.floats(0, 100))
@settings(max_examples=60, deadline=None)
def test_the_percentile_is_numpys(values: list[float], q: float) -> None:
    expected = float(np.percentile(values, q))
    assert _percentile(sorted(values), q) == pytest.approx(expected, rel=1e-9, abs=1e-6)


@given(
    values=st.lists(st.sampled_from([-INF, -1.0, 0.0, 1.0, INF]), min_size=1, max_size=9),
    q=st.floats(0, 100),
)
@settings(max_examples=60, deadline=None)
def test_the_percentile_of_infinite_values_lies_between_them(values: list[float], q: float) -> None:
    found = _percentile(sorted(values), q)
    assert min(values) <= found <= max(values)


@pytest.mark.parametrize("q", [-1, 100.1, math.nan, math.inf, "50", None])
def test_q_must_be_a_percentage(q: object) -> None:
    with pytest.raises(ArgumentError, match="q must be a percentage from 0 to 100, got"):
        Percentile(q)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [
        ("n_startup_trials", -1, 0),
        ("n_warmup_steps", -1, 0),
        ("interval_steps", 0, 1),
        ("n_min_trials", 0, 1),
        ("n_min_trials", 2.0, 1),
    ],
)
def test_bad_settings(name: str, value: object, least: int) -> None:
    with pytest.raises(ArgumentError, match=f"{name} must be a whole number of at least {least}"):
        Percentile(50.0, **{name: value})  # type: ignore[arg-type]
