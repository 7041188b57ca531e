"""What a scheduler would have done, beside what comes out by hand and by running it."""

from __future__ import annotations

import math

import pytest

import luthier
from luthier.core.jobs import Clone, Decision, Job
from luthier.core.protocols import Scheduler
from luthier.errors import ArgumentError, StudyError
from luthier.schedulers import Asha, Hyperband, Median, NoStopping, SuccessiveHalving
from luthier.study.hindsight import Hindsight
from luthier.testing.simulate import Training, simulate

SPACE = luthier.Space(x=luthier.Int(1, 9))


def full(curves: dict[int, list[float]], seconds: float = 1.0) -> luthier.Study:
    """A study in which every x was trained to the end, in order."""
    study = luthier.create_study(
        space=luthier.Space(x=luthier.Int(1, len(curves))), strategy="grid", seed=0
    )
    table = {x: Training(values, seconds) for x, values in curves.items()}
    simulate(study, lambda params: table[params["x"]], 1, n_trials=len(curves))
    return study


def test_a_slow_starter_that_wins_would_have_been_ended() -> None:
    # The third is the worst at step 1 and the best at step 2: two trials tell its median there.
    study = full({1: [1.0, 3.0], 2: [2.0, 4.0], 3: [9.0, 0.0], 4: [9.0, 9.0]})
    found = study.would_have_stopped_best(Median(n_startup_trials=2))
    assert found == Hindsight(
        "median", 2, 1, "stopped by its report", {2: 1, 3: 1}, 8, 2, pytest.approx(0.25)
    )
    assert bool(found)
    assert str(found) == (
        "'median' would have ended the best trial, 2, at step 1 (stopped by its report) and saved "
        "25% of the cost: 2 of 8 steps."
    )


def test_steps_may_begin_at_0() -> None:
    def objective(trial: luthier.Trial) -> float:
        for step in range(3):
            trial.report(trial.params["x"], step)
        return float(trial.params["x"])

    study = luthier.create_study(space=SPACE, strategy="grid", seed=0)
    study.optimize(objective, n_trials=4)
    found = study.would_have_stopped_best(Median(n_startup_trials=1))
    assert found.ended == {1: 0, 2: 0, 3: 0}
    assert (found.steps, found.saved_steps) == (12, 6)


def test_nothing_stops_nothing() -> None:
    study = full({1: [1.0, 3.0], 2: [2.0, 4.0]})
    for scheduler in (NoStopping(), "none", {"name": "none"}):
        found = study.would_have_stopped_best(scheduler)
        assert (found.step, found.ended, found.saved_steps, found.saved_share) == (None, {}, 0, 0.0)
    assert str(found) == (
        "'none' would have kept the best trial, 0, and saved 0% of the cost: 0 of 4 steps."
    )


@pytest.mark.parametrize("scheduler", [SuccessiveHalving(9), Hyperband(9), Asha(9)])
def test_it_says_what_running_it_gives(scheduler: Scheduler) -> None:
    def table(params: dict[str, float]) -> Training:
        x = params["x"]
        return Training([math.cos(7 * x * s) + x / 9 for s in range(1, 10)], seconds=x)

    def study_under(given: Scheduler) -> luthier.Study:
        study = luthier.create_study(space=SPACE, strategy="grid", scheduler=given, seed=0)
        simulate(study, table, 1, n_trials=9)  # type: ignore[arg-type]
        return study

    ran, plain = study_under(scheduler), study_under(NoStopping())
    found = plain.would_have_stopped_best(scheduler)
    last = {trial.number: trial.last_step or 0 for trial in ran.trials}
    assert {**dict.fromkeys(last, 9), **found.ended} == last
    assert found.saved_steps == 81 - sum(last.values())
    cost = sum(trial.cost or 0 for trial in ran.trials) / sum(t.cost or 0 for t in plain.trials)
    assert found.saved_share == pytest.approx(1 - cost)
    assert bool(found) is (last[found.best] < 9)


def test_reasons_of_pausing_schedulers() -> None:
    study = full({x: [float(x), float(10 - x)] for x in range(1, 5)})
    halved = study.would_have_stopped_best(SuccessiveHalving(2, eta=2))
    assert (halved.best, halved.step, halved.reason) == (3, 1, "not among the best 1 at step 1")
    promoted = study.would_have_stopped_best(Asha(2, eta=2))
    assert promoted.reason == "paused, and never resumed"


def test_failed_and_invalid_trials_are_no_obstacle() -> None:
    def objective(trial: luthier.Trial) -> float:
        if trial.params["x"] == 2:
            raise OSError("broken")
        for step in range(1, 4):
            trial.report(trial.params["x"], step)
        return float(trial.params["x"])

    study = luthier.create_study(space=SPACE, strategy="grid", seed=0)
    study.optimize(objective, n_trials=9)
    study.invalidate(0)
    found = study.would_have_stopped_best(SuccessiveHalving(3))
    assert found.best == 2
    assert found.step is None
    assert 0 not in found.ended
    assert found.steps == 7 * 3


def test_what_cannot_be_told() -> None:
    study = luthier.create_study(seed=0)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    with pytest.raises(StudyError, match="has reported nothing"):
        study.would_have_stopped_best("median")

    class Cloning:
        spec = {"name": "cloning"}  # noqa: RUF012

        def budget(self, history: object, number: int) -> None:
            return None

        def next(self, history: object, rng: object) -> Job:
            return Clone(0, {})

        def decide(self, history: object, trial: object, step: int) -> Decision:
            return Decision.CONTINUE

    with pytest.raises(ArgumentError, match="'cloning' clones trials"):
        full({1: [1.0], 2: [2.0]}).would_have_stopped_best(Cloning())
