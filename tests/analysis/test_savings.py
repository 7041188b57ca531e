"""What stopping saved, and what it cost, on curves whose ends are known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from luthier import Float, Space
from luthier.analysis import savings
from luthier.core.objective import Objective
from luthier.core.trial import Origin, TrialState, changed
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
    assert found.low <= found.chance <= found.high
    assert found.chance > 0.9
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
    assert "Too few curves to tell what was lost: 4 full curves, it takes 8." in str(few)


def halved(kind: str, seed: int, n: int = 60, kept: int = 9) -> tuple[Any, bool]:
    """Successive halving at steps 1 and 3 of 9; and whether it stopped the best."""
    rng, steps = np.random.default_rng(seed), np.arange(1, 10)
    worth, fall, rate, noise = rng.normal(size=n), np.full(n, 2.0), np.ones(n), 0.1
    if kind == "crossing":
        fall, rate = 2 * np.exp(0.5 * rng.normal(size=n)), np.exp(0.3 * rng.normal(size=n))
    if kind == "slow":  # the good ones begin worse
        fall = 3 * np.exp(-0.4 * worth)
    curves = worth[:, None] * (0.3 + 0.7 * steps / 9) + fall[:, None] * steps ** -rate[:, None]
    curves = curves + noise * rng.standard_normal(curves.shape)
    alive, ends = np.arange(n), np.full(n, 9)
    for step, most in ((1, 3 * kept), (3, kept)):
        order = alive[np.argsort(curves[alive, step - 1])]
        alive, ends[order[most:]] = order[:most], step
    play = Rehearsal(SPACE)
    for curve, end in zip(curves, ends.tolist(), strict=True):
        trial = play.add({"x": 0.5})
        for step in range(1, end + 1):
            trial = play.report(trial, step, {"value": float(curve[step - 1])})
        done = TrialState.COMPLETE if end == 9 else TrialState.PRUNED
        play.end(trial, done, value=float(curve[8]))
    return play.history, bool(curves[ends < 9, 8].min() < curves[ends == 9, 8].min())


@pytest.mark.parametrize("kind", ["parallel", "crossing", "slow"])
def test_the_interval_holds_what_nine_full_curves_leave_open(kind: str) -> None:
    told, came = [], []
    for seed in range(20):
        history, lost = halved(kind, seed)
        found = savings(history, SPACE, seed=seed)
        assert found.curves == 9
        told.append((found.low, found.chance, found.high))
        came.append(lost)
    low, chance, high = np.mean(told, axis=0)
    assert low <= np.mean(came) + 0.01
    assert np.mean(came) <= high + 0.01
    assert chance == pytest.approx(np.mean(came), abs=0.25)


def test_more_curves_leave_less_open() -> None:
    few, many = (savings(halved("parallel", 3, n, k)[0], SPACE) for n, k in ((60, 9), (100, 30)))
    assert many.high - many.low <= few.high - few.low
    assert f"as {many.curves} full curves tell" in str(many)


def test_nothing_was_stopped() -> None:
    assert str(savings(played([]), SPACE)) == "No trial was ended early."
    with pytest.raises(ArgumentError, match="savings: metric must be an objective"):
        savings(played([]), SPACE, metric="loss")


def test_a_population_saves_nothing_and_clones_count_their_own_steps() -> None:
    play = Rehearsal(SPACE)
    for state in (TrialState.PRUNED, TrialState.COMPLETE):
        trial = play.add({"x": 0.5})
        for step in range(1, 5 if state is TrialState.PRUNED else 11):
            trial = play.report(trial, step, {"value": 1 / step})
        play.end(trial, state, value=0.1)
    origin = Origin("clone", parent=1, data={"step_from": 4})
    trial = play._apply(changed(play.add({"x": 0.25}), origin=origin))
    for step in range(5, 11):
        trial = play.report(trial, step, {"value": 1 / step})
    play.end(trial, value=0.1)
    found = savings(play.history, SPACE)
    assert found.replaced
    assert (found.steps, found.saved_steps, found.saved_cost) == (4 + 10 + 6, 0, 0)
    assert math.isnan(found.chance)
    assert str(found) == (
        "1 trial was replaced by clones of better ones, which went on in their place: "
        "20 steps in all, none saved."
    )
