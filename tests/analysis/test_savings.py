"""What stopping saved, and what it cost, on curves whose ends are known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from luthier import Float, Space
from luthier.analysis import savings
from luthier.core.objective import Objective
from luthier.core.trial import TrialState
from luthier.errors import ArgumentError
from luthier.testing.rehearsal import Rehearsal

SPACE = Space(x=Float(0, 1))


def played(stopped: list[list[float]], n: int = 20, sign: float = 1.0) -> Any:
    """Completed curves of ten steps that end about 0.5 below their first value, and others."""
    play = Rehearsal(
        SPACE, objective=Objective.of(direction="minimize" if sign > 0 else "maximize")
    )
    rng = np.random.default_rng(0)
    for k in range(n):
        first = 1 + k / n
        trial = play.add({"x": k / n})
        curve = [first - 0.5 * math.log(s, 10) + 0.01 * rng.normal() for s in range(1, 11)]
        for step, value in enumerate(curve, 1):
            play.report(trial, step, {"value": sign * value})
        play.end(trial, value=sign * curve[-1], cost=10.0)
    for curve in stopped:
        trial = play.add({"x": 0.5})
        for step, value in enumerate(curve, 1):
            play.report(trial, step, {"value": sign * value})
        play.end(trial, TrialState.PRUNED, cost=float(len(curve)))
    return play.history


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_who_would_have_won_is_told_from_who_wouldn_t(sign: float) -> None:
    found = savings(played([[0.8, 0.65], [1.9], [1.5, 1.3, 1.2]], sign=sign), SPACE)
    chances = {s.number: s.chance for s in found.stopped}
    assert found.stopped[0].number == 20
    assert chances[20] > 0.9
    assert chances[21] < 0.01 > chances[22]
    assert found.chance == pytest.approx(1 - math.prod(1 - p for p in chances.values()))
    assert "Worth another look: trial 20" in str(found)


def test_chances_are_what_happens() -> None:
    told, came = [], []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        play = Rehearsal(SPACE)
        finals = []
        for k in range(16):
            first = rng.random()
            finals.append(first - 0.5 + 0.1 * rng.normal())
            trial = play.report(play.add({"x": 0.5}), 1, {"value": first})
            if k < 15:
                play.report(trial, 2, {"value": finals[-1]})
            play.end(trial, TrialState.COMPLETE if k < 15 else TrialState.PRUNED, value=finals[-1])
        told.append(savings(play.history, SPACE).stopped[0].chance)
        came.append(finals[-1] < min(finals[:-1]))
    assert np.mean(told) == pytest.approx(np.mean(came), abs=0.04)
    likely = np.array(told) > 0.25
    assert np.mean(np.array(came)[likely]) > 5 * np.mean(np.array(came)[~likely])


def test_steps_and_seconds_by_hand() -> None:
    found = savings(played([[1.9], [1.5, 1.3, 1.2, 1.2]]), SPACE)
    assert (found.horizon, found.steps, found.saved_steps) == (10, 205, 15)
    assert (found.cost, found.saved_cost) == (205, 15)
    assert found.saved_share == pytest.approx(15 / 220)
    assert str(found).startswith("Ending 2 trials early saved 15 of 220 steps, about 15 s (7%).")


def test_paused_trials_count_and_few_curves_tell_nothing() -> None:
    play = Rehearsal(SPACE)
    play.add({"x": 0.5}, TrialState.PAUSED)
    found = savings(play.history, SPACE)
    assert len(found.stopped) == 1
    assert "no completed trial reported" in str(found)
    few = savings(played([[1.5]], n=4), SPACE)
    assert math.isnan(few.chance)
    assert "Too few curves" in str(few)


def test_nothing_was_stopped() -> None:
    assert str(savings(played([]), SPACE)) == "No trial was ended early."
    with pytest.raises(ArgumentError, match="savings: metric must be an objective"):
        savings(played([]), SPACE, metric="loss")
