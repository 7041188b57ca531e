"""A diagnosis is given of any history, however odd, and says what it should of known ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_histories import OBJECTIVES, SPACES, TRIALS

import luthier
from luthier import Float, Space
from luthier.analysis import compare, diagnose
from luthier.core.objective import Objective
from luthier.core.trial import TrialState
from luthier.space.sample import sample
from luthier.testing.rehearsal import Rehearsal


def played(space: Space, objective: Objective, trials: list[Any], seed: int) -> Rehearsal:
    play, rng = Rehearsal(space, objective=objective), np.random.default_rng(seed)
    for state, value, n_reports, group in trials:
        drawn = np.random.default_rng(group) if group else rng  # some configurations again
        params = sample(space, 1, drawn)[0]
        trial = play.add(params)
        for step in range(n_reports):
            play.report(trial, step, {objective.names[0]: value if step % 2 else rng.normal()})
        if state is not TrialState.RUNNING:
            names = [*objective.names, *(c.metric for c in objective.constraints)]
            metrics = {name: value if k == 0 else rng.normal() for k, name in enumerate(names)}
            complete = state is TrialState.COMPLETE
            play.end(trial, state, metrics=metrics if complete else {}, cost=float(group))
    return play


@settings(deadline=None, max_examples=60, report_multiple_bugs=False)
@given(st.sampled_from(SPACES), st.sampled_from(OBJECTIVES), TRIALS, st.integers(0, 3))
def test_any_history_is_diagnosed(
    space: Space, objective: Objective, trials: list[Any], seed: int
) -> None:
    history = played(space, objective, trials, seed).history
    found = diagnose(history, history.space)
    text = str(found)
    assert text.startswith(("Look at: ", "Nothing calls for action."))
    assert set(found.concerns) <= set(found.parts)
    for heading, said in found.parts.items():
        assert f"{heading}\n{said}" in text
    for part in found.random:
        assert math.isnan(part.probability) or 0 <= part.probability <= 1
    assert str(diagnose(history, history.space)) == text
    if history.n_finished:
        assert "common run" in str(compare({"a": [history], "b": [history]}))


def test_an_empty_study_says_so() -> None:
    text = str(luthier.create_study(seed=0).diagnose())
    assert text.startswith("Nothing calls for action.")
    assert "No trial has been made yet." in text
    assert "Constraints" not in text


def test_a_good_search_has_no_concerns_and_a_bad_one_has() -> None:
    space = Space(x=Float(0, 1), y=Float(0, 1))

    def bowl(trial: Any) -> float:
        return (trial.params["x"] - 0.3) ** 2 + (trial.params["y"] - 0.6) ** 2

    def broken(trial: Any) -> float:
        if trial.params["x"] > 0.5:
            raise ValueError("diverged")
        return float(np.random.default_rng(trial.number).normal())

    good = luthier.create_study(space=space, strategy="gp", seed=0)
    good.optimize(bowl, n_trials=40)
    bad = luthier.create_study(space=space, strategy="random", seed=0)
    bad.optimize(broken, n_trials=100)
    fine = {"Failures", "What a model knows", "Against random search"}
    assert fine.isdisjoint(good.diagnose().concerns)
    assert fine <= set(bad.diagnose().concerns)
    assert str(bad.diagnose()).startswith("Look at: Failures")


def test_each_objective_is_spoken_of() -> None:
    study = luthier.create_study(
        metrics={"loss": "minimize", "ms": "minimize"}, constraints=["ms <= 0.5"], seed=0
    )

    def both(trial: Any) -> dict[str, float]:
        x = trial.suggest_float("x", 0, 1)
        return {"loss": x**2, "ms": 1 - x}

    study.optimize(both, n_trials=40)
    parts = study.diagnose().parts
    assert "loss: A random forest" in parts["What a model knows"]
    assert "ms: A random forest" in parts["What a model knows"]
    assert parts["Convergence"].startswith("The best hypervolume")
    assert "broke the constraints" in parts["Constraints"]


@pytest.mark.parametrize("strategy", ["random", "tpe"])
def test_the_space_may_be_learnt(strategy: str) -> None:
    study = luthier.create_study(strategy=strategy, seed=1)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=25)
    assert study.diagnose().surrogate[0].knows_something


def test_a_notebook_shows_answers_in_words() -> None:
    class Printer:
        shown = ""

        def text(self, text: str) -> None:
            self.shown += text

    study = luthier.create_study(space=Space(x=Float(0, 1)), sampler="random", seed=0)
    study.optimize(lambda trial: trial.params["x"], n_trials=12)
    for answer in (study.diagnose(), study.diagnose().convergence, study.importance()):
        printer = Printer()
        answer._repr_pretty_(printer, cycle=False)
        assert printer.shown == str(answer)


def test_the_ends_of_a_front_need_not_beat_random_search() -> None:
    study = luthier.create_study(
        space=Space(x=Float(0, 1)), directions=["minimize"] * 2, sampler="random", seed=0
    )
    study.optimize(lambda trial: (trial.params["x"], 1 - trial.params["x"]), n_trials=40)
    found = study.diagnose()
    assert max(part.probability for part in found.random) > 0.25
    assert "Against random search" not in found.concerns
    assert "it sought the whole front" in found.parts["Against random search"]
