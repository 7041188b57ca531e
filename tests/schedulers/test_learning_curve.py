from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from luthier.core.jobs import NEW, Decision
from luthier.core.trial import TrialState
from luthier.errors import ArgumentError
from luthier.schedulers import LearningCurve, Median
from luthier.schedulers.learning_curve import _spread
from luthier.space import Space
from luthier.testing.rehearsal import Rehearsal

Stops = Callable[..., list[bool]]

NAN, INF = math.nan, math.inf


def decay(floor: float, n: int = 30, rate: float = 0.8) -> list[float]:
    return [floor + t**-rate for t in range(1, n + 1)]


GOOD = [decay(0.1), decay(0.2), decay(0.3)]
BAD = decay(1.5)


def test_a_curve_that_flattens_out_too_high_ends(stops: Stops) -> None:
    found = stops(LearningCurve(), BAD, GOOD)
    assert not any(found[:2])
    assert found[5:-1] == [True] * 24
    up = [[-value for value in curve] for curve in (BAD, *GOOD)]
    assert stops(LearningCurve(), up[0], up[1:], direction="maximize") == found


def test_a_curve_that_is_behind_but_falls_on_goes_on(stops: Stops) -> None:
    late = [1.6 * math.exp(-t / 8) for t in range(30)]  # the best in the end, but behind at first
    rule = LearningCurve(n_warmup_steps=8)
    assert not any(stops(rule, late, GOOD))
    assert stops(Median(n_startup_trials=2), late, GOOD)[10]
    flat = [max(value, late[10]) for value in late]
    assert stops(rule, flat, GOOD)[-2]


def test_the_best_goes_on(stops: Stops) -> None:
    assert not any(stops(LearningCurve(), decay(0.0), GOOD))


def test_the_last_step_decides_nothing(stops: Stops) -> None:
    assert not stops(LearningCurve(threshold=0.5), BAD, GOOD)[-1]


def test_q_is_whom_to_beat(stops: Stops) -> None:
    middling = decay(0.25, 12)
    assert any(stops(LearningCurve(q=0.0, threshold=0.3), middling, GOOD))
    assert not any(stops(LearningCurve(q=100.0, threshold=0.3), middling, GOOD))


def test_a_larger_threshold_stops_earlier(stops: Stops) -> None:
    first = [stops(LearningCurve(threshold=p), BAD, GOOD).index(True) for p in (1e-3, 0.05, 0.3)]
    assert first == sorted(first, reverse=True)
    assert first[0] > first[-1]


def test_it_waits_for_trials_points_and_steps(stops: Stops) -> None:
    assert not any(stops(LearningCurve(), BAD, GOOD[:1]))
    assert any(stops(LearningCurve(n_startup_trials=1), BAD, GOOD[:1]))
    assert not any(stops(LearningCurve(), BAD, GOOD, state=TrialState.PRUNED))
    assert stops(LearningCurve(n_min_points=9), BAD, GOOD)[:9] == [False] * 8 + [True]
    assert stops(LearningCurve(n_warmup_steps=9), BAD, GOOD)[:10] == [False] * 9 + [True]
    every = stops(LearningCurve(interval_steps=4), BAD, GOOD)
    assert {step for step, stopped in enumerate(every) if stopped} <= set(range(0, 30, 4))


def test_the_horizon_may_be_given(stops: Stops) -> None:
    late = [2.0 - 0.05 * t for t in range(20)]
    assert not any(stops(LearningCurve(max_step=60), late, [curve[:21] for curve in GOOD]))
    assert any(stops(LearningCurve(), late, [curve[:21] for curve in GOOD]))


def test_nan_and_infinity(stops: Stops) -> None:
    assert stops(LearningCurve(), [NAN] * 4, GOOD) == [False, False, True, True]
    assert stops(LearningCurve(), [INF] * 6, GOOD)[-1]
    assert not any(stops(LearningCurve(), decay(0.0, 8), [[NAN] * 30, *GOOD]))
    assert not any(stops(LearningCurve(), BAD, [[NAN] * 30] * 3))
    holes = [NAN if t % 2 else value for t, value in enumerate(BAD)]
    assert any(stops(LearningCurve(), holes, GOOD))


def test_another_metric(stops: Stops) -> None:
    assert any(stops(LearningCurve(metric="loss"), BAD, GOOD, metric="loss"))
    assert not any(stops(LearningCurve(metric="loss"), BAD, GOOD, metric="value"))


def test_steps_are_spread_by_their_logarithm() -> None:
    assert _spread([3, 1, 2], 10.0) == [1, 2, 3]
    many = _spread(range(10_000), 9_000.0)
    assert (many[0], many[-1]) == (0, 9_000)
    assert len(many) <= 32
    assert np.diff(np.log1p(many[-8:])).std() < 0.01


def test_thousands_of_steps_are_looked_at_as_a_few(stops: Stops) -> None:
    play = Rehearsal(Space())
    for floor in (0.1, 0.2):
        trial = play.add({})
        for step, value in enumerate(decay(floor, 3000)):
            trial = play.report(trial, step, {"value": value})
        play.end(trial)
    running = play.add({})
    for step, value in enumerate(decay(1.5, 1000)):
        running = play.report(running, step, {"value": value})
    assert LearningCurve().decide(play.history, running, 999) is Decision.STOP


def test_it_always_starts_trials() -> None:
    assert LearningCurve().next(Rehearsal(Space()).history, np.random.default_rng(0)) is NEW


def test_spec() -> None:
    assert LearningCurve(q=10, max_step=50).spec == {
        "name": "learning_curve",
        "q": 10,
        "threshold": 0.05,
        "max_step": 50,
        "n_startup_trials": 2,
        "n_min_points": 3,
        "n_warmup_steps": 0,
        "interval_steps": 1,
        "metric": None,
    }


@pytest.mark.parametrize(
    "setting",
    [{"q": -1}, {"q": 101}, {"q": NAN}, {"threshold": 0}, {"threshold": 1}, {"max_step": 0},
     {"max_step": 2.5}, {"max_step": True}, {"n_startup_trials": 0}, {"n_min_points": 0},
     {"n_warmup_steps": -1}, {"interval_steps": 0}],
)  # fmt: skip
def test_bad_settings(setting: dict[str, object]) -> None:
    [name] = setting
    with pytest.raises(ArgumentError, match=f"LearningCurve: {name} must be"):
        LearningCurve(**setting)  # type: ignore[arg-type]
