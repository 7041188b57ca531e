"""A study that has just been opened decides and proposes as the one that lived through it."""

from __future__ import annotations

from typing import Any

import pytest

import luthier
from luthier.core.history import History
from luthier.core.rng import generator
from luthier.schedulers import Asha, Hyperband, Pasha
from luthier.study.driver import Driver
from luthier.study.proposing import propose


def outlook(driver: Driver, history: History) -> tuple[Any, ...]:
    """What is known of the space and the rungs, what is due, and what would be proposed."""
    rngs = [generator(0, history.next_number) for _ in range(2)]
    views = [history.reached(step) for step in driver.scheduler.rungs]  # type: ignore[attr-defined]
    return (
        history.space,
        tuple(history.space),
        [[(t.number, t.params, t.metrics) for t in view.completed] for view in views],
        [sorted(t.number for t in view.live) for view in views],
        driver.scheduler.next(history, rngs[0]),
        propose(driver.proposer, history, {}, rngs[1]),
    )


def assert_like_new(driver: Driver) -> None:
    with driver.lock:
        driver._flush()
        new = Driver(driver.storage, driver.record, driver.sampler, driver.scheduler)
        assert outlook(driver, driver.refresh()) == outlook(new, new.refresh())


@pytest.mark.parametrize(
    "scheduler", [Asha(9), Asha(9, mode="stopping"), Hyperband(9), Pasha(9)], ids=str
)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_space_learnt_from_trials_that_pause(scheduler: Any, n_jobs: int) -> None:
    study = luthier.create_study(sampler="tpe", scheduler=scheduler, seed=1)

    def objective(trial: luthier.Trial) -> float:
        assert_like_new(study._driver)
        first, second = ("x", "y") if trial.number % 3 else ("y", "x")
        value = trial.suggest_float(first, 0, 1)
        for step in range(1, 10):
            if step == 2:
                value += trial.suggest_float(second, 0, 1)
            if step == 3 and value > 0.5:
                value += trial.suggest_int("z", 1, 3)
            trial.report(value + 1 / step, step)
            if step == 4 and trial.number % 5 == 4:
                raise ValueError("broken")
            if trial.should_prune():
                raise luthier.TrialPruned
        return value

    study.optimize(objective, n_trials=16, executor=f"thread:{n_jobs}")
    assert_like_new(study._driver)
    assert len(study.history.reached(1).completed) >= 8  # so a rung was learnt from
    assert study.replay().exact


def test_another_driver_learns_the_space_in_the_same_order() -> None:
    study = luthier.create_study(sampler="tpe", scheduler=Hyperband(9), seed=0)
    other = Driver(study.storage, study._driver.record, study.sampler, study.scheduler)

    def objective(trial: luthier.Trial) -> float:
        if trial.number == 9:
            other.refresh()
        name = "x" if trial.number % 2 else "y"
        return trial.suggest_float(name, 0, 1) + 1 / (trial.budget or 9)

    study.optimize(objective, n_trials=17)
    assert outlook(other, other.refresh()) == outlook(study._driver, study.history)
