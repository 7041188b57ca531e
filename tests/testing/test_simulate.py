"""Simulated time, beside what comes out by hand."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import luthier
import luthier.testing
from luthier.errors import ArgumentError
from luthier.schedulers import Asha, Median
from luthier.testing.simulate import Happening, Table, Training, simulate

GRID = luthier.Space(n=luthier.Int(1, 4))


def study_of(**options: Any) -> luthier.Study:
    return luthier.create_study(**{"space": GRID, "strategy": "grid", "seed": 0, **options})


def steps_of_n_seconds(params: Mapping[str, Any]) -> Training:
    """Two steps of n seconds each; the second report is lower."""
    return Training([10.0 + params["n"], params["n"]], seconds=float(params["n"]))


def test_two_workers_by_hand() -> None:
    study = study_of()
    run = simulate(study, steps_of_n_seconds, 2, n_trials=4)
    taken = [trial.params["n"] for trial in study.trials]
    assert taken == [1, 2, 3, 4]
    # Worker 0: n=1 until 2, then n=3 until 8. Worker 1: n=2 until 4, then n=4 until 12.
    assert [(e.at, e.worker, e.trial, e.kind, e.step) for e in run.events] == [
        (0.0, 0, 0, "started", None),
        (0.0, 1, 1, "started", None),
        (1.0, 0, 0, "reported", 1),
        (2.0, 1, 1, "reported", 1),
        (2.0, 0, 0, "reported", 2),
        (2.0, 0, 0, "complete", 2),
        (2.0, 0, 2, "started", None),
        (4.0, 1, 1, "reported", 2),
        (4.0, 1, 1, "complete", 2),
        (4.0, 1, 3, "started", None),
        (5.0, 0, 2, "reported", 1),
        (8.0, 1, 3, "reported", 1),
        (8.0, 0, 2, "reported", 2),
        (8.0, 0, 2, "complete", 2),
        (12.0, 1, 3, "reported", 2),
        (12.0, 1, 3, "complete", 2),
    ]
    assert (run.seconds, run.supplied, run.steps) == (12.0, 4.0, 8)
    assert run.idle.tolist() == [0.0, 0.0]
    assert run.best == ((1.0, 11.0), (2.0, 1.0))
    assert [run.best_at(t) for t in (0.5, 1.5, 99.0)] == [None, 11.0, 1.0]
    assert [trial.cost for trial in study.trials] == [2.0, 4.0, 6.0, 8.0]
    assert len(run.decisions) == 4 + 2 + 8  # four starts, two that found nothing, eight reports


def test_workers_that_must_wait_are_idle() -> None:
    # Rungs 1 and 2, eta 2: worker 1 has nothing from 2 on, until trial 0 has been to rung 1.
    study = study_of(scheduler=luthier.schedulers.SuccessiveHalving(2, eta=2, n=2))
    seconds = {1: [6.0, 1.0], 2: [2.0, 1.0]}
    table: Table = lambda p: Training([p["n"], p["n"]], seconds[p["n"]])  # noqa: E731
    run = simulate(study, table, 2, n_trials=2)
    assert run.when("paused", "resumed", "complete") == [
        (2.0, 1, "paused"),
        (6.0, 0, "paused"),
        (6.0, 0, "resumed"),
        (7.0, 0, "complete"),
    ]
    assert run.idle.tolist() == [0.0, 4.0]
    assert run.idle_share.tolist() == [0.0, 4.0 / 6.0]
    assert Happening(6.0, None, 1, "pruned", 1) in run.events


def test_seconds_are_a_limit_for_what_is_handed_out() -> None:
    study = study_of()
    run = simulate(study, steps_of_n_seconds, 1, seconds=3.0)
    assert run.when("started") == [(0.0, 0, "started"), (2.0, 1, "started")]
    assert run.seconds == 6.0
    assert study.history.planned is None


def test_decisions_count_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each look at the CPU's clock is a second later: every decision takes one. Two start, at 1 and
    # at 2, both report a second later. What 0 says is decided at 3; that there is nothing left for
    # its worker, at 4; what 1 says, at 5.
    monkeypatch.setattr("time.process_time", map(float, itertools.count()).__next__)
    study = study_of(scheduler=Median())
    run = simulate(study, lambda _: Training([1.0]), 2, n_trials=2, count_decisions=True)
    assert run.when("started") == [(1.0, 0, "started"), (2.0, 1, "started")]
    assert run.when("complete") == [(3.0, 0, "complete"), (5.0, 1, "complete")]
    assert run.idle.tolist() == [1.0, 2.0]
    assert set(run.decisions.tolist()) == {1.0}


def test_tables_may_raise_and_end_early() -> None:
    def table(params: Mapping[str, Any]) -> Training:
        if params["n"] == 1:
            raise KeyError("not in the table")
        if params["n"] == 2:
            return Training([])
        return Training([0.5, OSError("broken"), 0.1] if params["n"] == 3 else [float("nan")])

    study = study_of()
    run = simulate(study, table, 1, n_trials=4)
    assert [trial.state.name for trial in study.trials] == ["FAILED"] * 4
    errors = ["KeyError", "returned None", "OSError: broken", "NaN"]
    for trial, error in zip(study.trials, errors, strict=True):
        assert error in str(trial.error)
    assert dict(study.trials[2].reports) == {1: {"value": 0.5}}
    assert (run.steps, run.seconds) == (2, 3.0)


def test_a_table_that_ends_before_the_budget_gives_its_last_value() -> None:
    study = study_of(scheduler=Asha(9, 9))
    run = simulate(study, lambda p: Training([p["n"]] * 4), 1, n_trials=2)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 2
    assert run.steps == 8


def test_the_best_keeps_constraints_and_knows_its_direction() -> None:
    values = [{"acc": 0.5, "mb": 1.0}, {"acc": 0.9, "mb": 9.0}, {"acc": 0.7, "mb": 1.0}]
    study = study_of(metrics={"acc": "maximize"}, constraints=["mb <= 2"])
    run = simulate(study, lambda _: Training(values), 1, n_trials=1)
    assert run.best == ((1.0, 0.5), (3.0, 0.7))


def test_a_study_goes_on_where_it_was() -> None:
    study = study_of()
    study.enqueue_trial({"n": 4})
    assert simulate(study, steps_of_n_seconds, 1, n_trials=1).steps == 2
    assert study.history.planned == 1
    again = simulate(study, steps_of_n_seconds, 1, n_trials=2).when("started")
    assert [number for _, number, _ in again] == [1, 2]
    assert not study._driver.listeners


def test_what_cannot_be_simulated() -> None:
    for options, message in (
        ({}, "give n_trials, seconds or both"),
        ({"workers": 0, "n_trials": 1}, "workers must be a whole number of at least 1, got 0"),
        ({"n_trials": -1}, "n_trials must be a whole number of at least 0"),
    ):
        with pytest.raises(ArgumentError, match=message):
            simulate(study_of(), steps_of_n_seconds, **options)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="needs a declared space"):
        simulate(luthier.create_study(), steps_of_n_seconds, n_trials=1)


def test_the_name_of_the_issue() -> None:
    run = luthier.testing.simulate(study_of(), steps_of_n_seconds, workers=8, n_trials=4)
    assert np.all(run.idle == 0)
