"""Findings about the course of a study."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import luthier
from luthier import Float, Space
from luthier.report import Finding, Report, report
from luthier.report.findings import _mattered


def by_topic(told: Report) -> dict[str, Finding]:
    return {finding.topic: finding for finding in told.findings}


def crashing(trial: Any) -> float:
    x = trial.params["x"]
    if x > 0.7:
        raise MemoryError("out of memory")
    for step in range(1, 11):
        trial.report(abs(x - 0.3) + 1 / step, step)
        if trial.should_prune():
            raise luthier.TrialPruned
    return float(abs(x - 0.3) + 0.1)


def test_crashes_and_stops_are_told_with_what_to_do() -> None:
    space = Space(x=Float(0, 1), y=Float(0, 1))
    study = luthier.create_study(space=space, sampler="random", scheduler="median", seed=0)
    study.optimize(crashing, n_trials=80)
    told = report(study)
    found = by_topic(told)
    assert found["failures"].numbers["failed"] == len(study.history.failed)
    assert "x >=" in found["failures"].text
    assert "Keep trials out of where x >=" in told.next_steps[0]
    assert found["stopping"].numbers["stopped"] == len(study.history.pruned)
    assert found["stopping"].numbers["saved_steps"] > 0
    assert found["time"].numbers["slots"] == 1


def test_what_mattered_is_named_with_intervals() -> None:
    space = Space(x=Float(0, 1), y=Float(0, 1))
    study = luthier.create_study(space=space, sampler="random", seed=0)
    study.optimize(lambda t: 3 * t.params["x"] + 0.01 * t.params["y"], n_trials=100)
    found = by_topic(report(study))["importance"]
    share, low, high = found.numbers["shares"]["x"]
    assert low <= share <= high
    assert share > 0.9
    assert found.strength == "sure"
    assert "Little or nothing: y." in found.text


def test_wide_intervals_are_not_called_well_founded() -> None:
    study = luthier.create_study(space=Space(x=Float(0, 1)), sampler="random", seed=0)
    study.optimize(lambda t: t.params["x"], n_trials=30)
    found = study.importance()
    assert _mattered(found, "").strength == "sure"
    assert _mattered(replace(found, intervals=np.array([[0.2, 0.95]])), "").strength == "likely"


def test_nothing_is_advised_twice_and_every_advice_is_a_step() -> None:
    study = luthier.create_study(metrics={"a": "minimize", "b": "maximize"}, seed=0)

    def both(trial: Any) -> tuple[float, float]:
        x = trial.suggest_float("x", 0, 1)
        return x, x**2

    study.optimize(both, n_trials=40)
    told = report(study)
    advice = {finding.advice for finding in told.findings} - {""}
    assert set(told.next_steps) == advice
    assert len(told.next_steps) == len(advice)
    assert [f.title for f in told.findings].count("What mattered for a") == 1
