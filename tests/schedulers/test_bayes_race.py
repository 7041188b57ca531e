"""Racing one fold at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import luthier
from luthier.core.jobs import NEW, Decision, Resume, Stop
from luthier.core.trial import TrialState
from luthier.errors import ArgumentError
from luthier.schedulers import BayesRace
from luthier.space import Float, Int, Space
from luthier.study.folds import Folds
from luthier.testing.rehearsal import Rehearsal

RNG = np.random.default_rng(0)


def add(play: Rehearsal, scores: dict[int, float], state: TrialState = TrialState.PAUSED) -> int:
    trial = play.add({"x": 0.5})
    for step, (fold, score) in enumerate(scores.items(), 1):
        trial = play.report(trial, step, {"value": score, "fold": fold, "fold_score": score})
    if state is not TrialState.RUNNING:
        play.end(trial, state, value=float(np.mean(list(scores.values()))))
    return trial.number


def new() -> Rehearsal:
    play = Rehearsal(Space(x=Float(0, 1)))
    add(play, {0: 0.5, 1: 0.6, 2: 0.4, 3: 0.5}, TrialState.COMPLETE)
    return play


def test_the_first_trial_runs_all_folds_and_the_others_one() -> None:
    race = BayesRace(4)
    assert race.budget(Rehearsal(Space(x=Float(0, 1))).history, 0) == 4
    assert race.budget(new().history, 1) == 1


def test_a_trial_pauses_at_its_budget_and_not_at_the_end() -> None:
    play = new()
    trial = play.report(play.add({"x": 0.1}), 1, {"value": 1, "fold": 0, "fold_score": 1})
    assert BayesRace(4).decide(play.history, trial, 1) is Decision.PAUSE
    assert BayesRace(4).decide(play.history, trial, 4) is Decision.CONTINUE


def test_what_may_be_better_gets_the_next_fold() -> None:
    play = new()
    better = add(play, {1: 0.55})
    add(play, {1: 5.0})
    assert BayesRace(4).next(play.history, RNG) == Resume(better, 2)


def test_while_nobody_may_a_new_trial_is_started() -> None:
    play = new()
    add(play, {1: 5.0})
    assert BayesRace(4).next(play.history, RNG) is NEW


def test_in_the_end_the_leader_is_completed_and_the_others_dropped() -> None:
    table = np.random.default_rng(1).normal(size=(12, 6)) / 10 + np.arange(12)[:, None] / 8
    study = luthier.create_study(
        space=Space(row=Int(0, 11)), sampler="random", scheduler=BayesRace(6), seed=0
    )

    def objective(trial: luthier.Trial) -> float:
        row, folds = table[trial.params["row"]], Folds(trial, 6)
        for fold in folds:
            folds.report(row[fold])
        return folds.mean

    study.optimize(objective, n_trials=12)
    assert {t.state for t in study.trials} == {TrialState.COMPLETE, TrialState.PRUNED}
    assert study.best_value == pytest.approx(table.mean(axis=1).min())
    assert sum(len(t.reports) for t in study.trials) < 45
    longest = [len(t.reports) for t in study.trials if t.state is TrialState.COMPLETE]
    assert set(longest) == {6}


def test_trials_are_dropped_only_when_nothing_runs() -> None:
    play = Rehearsal(Space(x=Float(0, 1)))
    play._ledger.put_state({"planned": 3}, 1)
    add(play, {0: 0.5, 1: 0.6, 2: 0.4, 3: 0.5}, TrialState.COMPLETE)
    paused, running = add(play, {1: 5.0}), add(play, {}, TrialState.RUNNING)
    assert BayesRace(4).next(play.history, RNG) is None
    play.end(play._ledger.trials[running], TrialState.FAILED)
    job = BayesRace(4).next(play.history, RNG)
    assert isinstance(job, Stop)
    assert job.trial == paused


def test_scores_that_are_no_numbers_are_left_alone() -> None:
    play = new()
    add(play, {0: float("nan")})
    add(play, {0: float("-inf")})
    assert BayesRace(4).next(play.history, RNG) is NEW


@pytest.mark.parametrize("folds", [1, 2.5, None])
def test_settings(folds: Any) -> None:
    with pytest.raises(ArgumentError, match="folds"):
        BayesRace(folds)


def test_who_cannot_get_ahead_of_the_best_runs_no_further_fold() -> None:
    play = Rehearsal(Space(x=Float(0, 1)))
    add(play, {0: 0.0, 1: 0.4, 2: 0.0, 3: 0.0}, TrialState.COMPLETE)
    level = add(play, {1: 0.4})  # with zeros to come
    assert BayesRace(4).next(play.history, RNG) == Resume(level, 2)
    assert BayesRace(4, bound=0.0).next(play.history, RNG) is NEW
    assert BayesRace(4, bound=0.2).next(play.history, RNG) == Resume(level, 2)  # wasn't so


@pytest.mark.parametrize("bound", [float("inf"), float("nan"), "best", True])
def test_a_bound_is_a_finite_number(bound: Any) -> None:
    with pytest.raises(ArgumentError, match="bound"):
        BayesRace(4, bound)
