"""Open rungs, beside a bookkeeper that notes who has been where, and beside hand-worked cases."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.core.jobs import Decision
from luthier.core.objective import Objective
from luthier.core.trial import TrialState
from luthier.errors import ArgumentError
from luthier.schedulers import OpenHalving, OpenHyperband
from luthier.schedulers.open_hyperband import _dealt
from luthier.space import Float, Space
from luthier.testing.rehearsal import Rehearsal

Curve = Mapping[int, float]


def played(scheduler: Any, curves: Sequence[Curve], direction: str = "minimize") -> list[int]:
    """One trial after the other; how many reports each made."""
    play = Rehearsal(Space(x=Float(0, 1)), objective=Objective.of(direction=direction))
    counts = []
    for curve in curves:
        trial, state = play.add({"x": 0.5}), TrialState.COMPLETE
        for step, value in curve.items():
            trial = play.report(trial, step, {"value": value})
            if scheduler.decide(play.history, trial, step) is Decision.STOP:
                state = TrialState.PRUNED
                break
        play.end(trial, state, value=1.0)
        counts.append(len(trial.reports))
    return counts


class Bookkeeper:
    """The rule by the book: each trial notes the rungs it was at, and with what."""

    def __init__(self, least: int | None, eta: int, skip: int, bootstrap: int) -> None:
        self.least, self.eta, self.skip, self.bootstrap = least, eta, skip, bootstrap
        self.rungs: dict[int, list[float]] = {}

    def play(self, curves: Sequence[Curve], sign: float) -> list[int]:
        counts = []
        for curve in curves:
            place, stopped, n = 0, False, 0
            for step, value in curve.items():
                n += 1
                while self.least and step >= self.least * self.eta ** (self.skip + place):
                    if value != value:
                        stopped = True
                        break
                    there = self.rungs.setdefault(place, [])
                    there.append(sign * value)
                    place += 1
                    last_to_go = sorted(there)[max(len(there) // self.eta, 1) - 1]
                    if len(there) <= self.bootstrap or sign * value > last_to_go:
                        stopped = True
                        break
                if stopped:
                    break
            counts.append(n)
            if not stopped and curve and self.least is None:
                self.least = max(max(curve) // 100, 1)
        return counts


VALUES = st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, math.nan])
CURVES = st.lists(
    st.builds(
        lambda start, stride, values: {start + stride * i: v for i, v in enumerate(values)},
        st.integers(0, 2),
        st.sampled_from([1, 2, 5, 40]),
        st.lists(VALUES, max_size=12),
    ),
    max_size=14,
)


@settings(max_examples=150, deadline=None)
@given(
    CURVES,
    st.sampled_from([None, 1, 3]),
    st.integers(2, 4),
    st.integers(0, 1),
    st.integers(0, 2),
    st.sampled_from(["minimize", "maximize"]),
)
def test_who_goes_on_is_what_the_bookkeeper_says(
    curves: list[Curve], least: int | None, eta: int, skip: int, bootstrap: int, direction: str
) -> None:
    book = Bookkeeper(least, eta, skip, bootstrap)
    expected = book.play(curves, 1.0 if direction == "minimize" else -1.0)
    assert played(OpenHalving(least, eta, skip, bootstrap), curves, direction) == expected


def test_by_hand() -> None:
    flat = [dict.fromkeys(range(1, 10), float(x)) for x in (5, 3, 8, 1, 7, 2, 6)]
    # rung 1: 5 goes on alone; 3 is the best of two; 8 isn't; 1 is; 7 isn't; 2 is the second of six,
    # and of those on rung 3 (5, 3, 1) not the best of four; 6 isn't the second of seven
    assert played(OpenHalving(1, eta=3), flat) == [9, 9, 1, 9, 1, 3, 1]


def test_who_ended_on_a_low_rung_competes_on_none_above() -> None:
    curves = [{0: 0.1, 5: 0.1}, dict.fromkeys(range(3), 0.1), {0: 0.1, 5: 0.1, 10: 0.1}]
    # the first jumps to 5 and is alone on rung 1: on rung 4, which it never reached, the third is
    assert played(OpenHalving(1, eta=2, bootstrap=1), curves) == [2, 3, 2]


def test_nothing_is_stopped_until_a_trial_has_completed() -> None:
    curves = [dict.fromkeys(range(1, 301), 9.0 - k) for k in range(2)]
    assert played(OpenHalving(), [*curves, {2: 9.0, 3: 9.0}]) == [300, 300, 2]  # rungs from 3
    assert played(OpenHyperband(), [{}, *curves]) == [0, 300, 300]


@pytest.mark.parametrize("scheduler", [OpenHalving(2, eta=2), OpenHyperband(9)])
def test_nan_at_a_rung_ends_a_trial_and_counts_for_nobody(scheduler: Any) -> None:
    curves = [{9: math.nan}, {9: 0.5, 10: 0.5}]
    assert played(scheduler, curves) == [1, 2]


def test_what_lacks_the_metric_isnt_judged(stops: Callable[..., list[bool]]) -> None:
    assert stops(OpenHalving(1, metric="loss"), [9.0, 9.0, 9.0], [[1.0, 1.0, 1.0]]) == [False] * 3


@pytest.mark.parametrize(
    ("end", "least", "eta", "shares"),
    [
        (27, 1, 3, (27, 12, 6, 4)),
        (81, 1, 3, (81, 34, 15, 8, 5)),
        (8, 2, 2, (4, 3, 3)),
        (1, 1, 3, (1,)),
    ],
)
def test_shares_of_brackets(end: int, least: int, eta: int, shares: tuple[int, ...]) -> None:
    assert OpenHyperband(end, least, eta).shares(end) == shares


def test_trials_are_dealt_in_these_shares_however_many_there_are() -> None:
    shares = (27, 12, 6, 4)
    for start in (0, 12_345, 10**9):
        dealt = _dealt(np.arange(start, start + 490), shares)
        assert np.abs(np.bincount(dealt) / 10 - shares).max() <= 0.6
    assert _dealt(np.array([3]), shares)[0] == _dealt(np.arange(4), shares)[3]


def test_brackets_compare_only_their_own() -> None:
    scheduler = OpenHyperband(9)
    brackets = _dealt(np.arange(9), scheduler.shares(9)).tolist()
    curves = [dict.fromkeys(range(1, 10), float(k)) for k in range(9)]
    counts = played(scheduler, curves)
    for number, bracket in enumerate(brackets):
        first = brackets.index(bracket) == number  # later ones are worse
        assert counts[number] == (9 if first else (1, 3, 9)[bracket])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: OpenHalving(0), "OpenHalving: min_resource must be a whole number of at least 1"),
        (
            lambda: OpenHalving(eta=1),
            "OpenHalving: eta must be a whole number of at least 2, got 1",
        ),
        (lambda: OpenHalving(skip=-1), "skip must be a whole number of at least 0"),
        (lambda: OpenHyperband(0.5), "OpenHyperband: max_resource must be a whole number"),
        (lambda: OpenHyperband(bootstrap=True), "bootstrap must be a whole number"),
    ],
)
def test_bad_settings(build: Callable[[], object], message: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(message)):
        build()
