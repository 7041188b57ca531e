"""What won, and how much of its lead is luck."""

from __future__ import annotations

import numpy as np
import pytest

import luthier
from luthier import Float, Space
from luthier.core.objective import Objective
from luthier.report import Finding, tell
from luthier.testing.rehearsal import Rehearsal

LINE = Space(x=Float(0, 1))
MAXIMISED = Objective.of(metrics={"accuracy": "maximize"})


def raced(truths: list[float], noise: float, folds: int = 5) -> Finding:
    """The winner of candidates whose scores of folds are known."""
    play, rng = Rehearsal(LINE, objective=MAXIMISED), np.random.default_rng(0)
    for k, truth in enumerate(truths):
        trial = play.add({"x": k / len(truths)})
        scores = truth + noise * rng.normal(size=folds)
        for fold, score in enumerate(scores):
            mean = float(scores[: fold + 1].mean())
            told = {"accuracy": mean, "fold": float(fold), "fold_score": float(score)}
            play.report(trial, fold + 1, told)
        play.end(trial, metrics={"accuracy": float(scores.mean())})
    return tell(play.history, "raced").findings[0]


def test_the_best_of_equals_is_not_believed() -> None:
    found = raced([0.8] * 60, 0.05)
    numbers = found.numbers
    assert found.strength == "unsure"
    assert numbers["value"] > 0.83
    assert numbers["expected"] < numbers["value"] - 0.02
    assert numbers["low"] < 0.8 < numbers["high"]
    assert "can't be told apart" in found.advice


def test_a_clear_winner_is_believed() -> None:
    found = raced([0.8] * 30 + [0.95], 0.005)
    assert found.numbers["trial"] == 30
    assert found.strength == "sure"
    assert found.numbers["probability"] > 0.95
    assert found.numbers["expected"] == pytest.approx(0.95, abs=0.01)
    assert found.advice == ""


def test_unknown_noise_is_said_to_be_unknown() -> None:
    play = Rehearsal(LINE)
    for k in range(20):
        play.end(play.add({"x": k / 20}), value=k / 20)
    found = tell(play.history, "once").findings[0]
    assert found.strength == "unsure"
    assert "nobody can tell" in found.text
    assert "low" not in found.numbers
    assert "study.retry(0)" in found.advice


def test_repeats_tell_the_noise() -> None:
    play, rng = Rehearsal(LINE), np.random.default_rng(1)
    for k in range(60):
        play.end(play.add({"x": (k % 12) / 12}), value=float(rng.normal(scale=0.1)))
    found = tell(play.history, "repeated").findings[0]
    assert found.numbers["low"] < 0 < found.numbers["high"]
    assert found.numbers["expected"] > found.numbers["value"] + 0.05
    exact = Rehearsal(LINE)
    for k in range(20):
        exact.end(exact.add({"x": (k % 10) / 10}), value=float(k % 10))
    assert "the same value each time" in tell(exact.history, "exact").findings[0].text


def test_several_objectives_have_a_front_and_its_volume() -> None:
    ways = {"loss": "minimize", "speed": "maximize"}
    play = Rehearsal(LINE, objective=Objective.of(metrics=ways))
    for k in range(11):
        x = k / 10
        trial = play.add({"x": x})
        play.end(trial, metrics={"loss": x**2, "speed": x if k != 10 else 0.0})
    found = tell(play.history, "two").findings[0]
    assert found.numbers["front"] == list(range(10))
    assert found.numbers["best"] == {"loss": 0.0, "speed": 0.9}
    assert 0 < found.numbers["hypervolume"] <= 1.1**2
    assert "10 trials of 11 form the Pareto front" in found.text


def test_without_a_feasible_trial_the_closest_is_named() -> None:
    play = Rehearsal(LINE, objective=Objective.of(metrics={"a": "minimize"}, constraints=["b<=1"]))
    for k in range(5):
        play.end(play.add({"x": k / 5}), metrics={"a": 0.0, "b": 10.0 - k})
    found = tell(play.history, "strict").findings[0]
    assert found.title == "Nothing has won"
    assert found.numbers == {"closest": 4}


def test_the_winner_is_that_of_the_study() -> None:
    study = luthier.create_study(direction="maximize", seed=0)
    study.optimize(lambda trial: -((trial.suggest_float("x", 0, 1) - 0.3) ** 2), n_trials=25)
    found = tell(study.history, study.study_name).findings[0]
    assert found.numbers["trial"] == study.best_trial.number
    assert found.numbers["value"] == study.best_value
