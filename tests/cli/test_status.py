"""``luthier status`` and ``luthier best``."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import luthier as library
from luthier import samplers

if TYPE_CHECKING:
    from conftest import Luthier


def test_status_tells_how_a_study_stands(demo: Luthier) -> None:
    text = demo("status").output
    for expected in (
        "demo in runs.db",
        "minimize value",
        "6 finished: 6 complete; best value=",
        "Parameters  x=",
        "Sampler     auto",
        "Scheduler   none",
        "Seed        0",
        "seconds in trials that have ended or were paused",
    ):
        assert expected in text


def test_status_of_failures_and_running_trials(luthier: Luthier) -> None:
    luthier("run", "work.py:failing", "--study", "bad", "--trials", "2", exit_code=1)
    study = library.load_study(study_name="bad", storage="runs.db")
    study.ask()
    text = luthier("status").output
    assert "2 failed, 1 running" in text
    assert "Running     trial 2 for" in text
    assert "Failed      2, first trial 0: RuntimeError: no such data" in text


@pytest.mark.parametrize(
    ("silence", "expected"),
    [
        (None, ""),
        (5, ""),
        (45, r"; last heard of \d+ s ago by its own clock"),
        (600, r"; last heard of \d+ s ago by its own clock, others may take it up"),
    ],
)
def test_status_says_who_is_silent(luthier: Luthier, silence: float | None, expected: str) -> None:
    study = library.create_study(study_name="s", storage="runs.db")
    study._driver.lease.worker = "far/1:boot:7:9"
    study.ask()
    if silence is not None:
        study.storage.heartbeat(study._driver.record.id, "far/1:boot:7:9", time.time() - silence)
    [line] = [x for x in luthier("status").output.splitlines() if x.startswith("Running")]
    assert re.search(f" in process 7 on far{expected}$", line)


def test_status_of_a_sampler_that_only_python_knows(luthier: Luthier) -> None:
    class Mine:
        spec = {"name": "mine", "depth": 3}  # noqa: RUF012

        def suggest(self, *arguments: object) -> object:
            return samplers.Random().suggest(*arguments)  # type: ignore[arg-type]

    study = library.create_study(study_name="own", storage="runs.db", sampler=Mine())  # type: ignore[arg-type]
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    assert "Sampler     mine depth=3" in luthier("status").output
    assert "0 proposals recomputed, all the same, 2 not proposed" in luthier("replay").output


def test_best_as_text_and_json(demo: Luthier) -> None:
    study = library.load_study(study_name="demo", storage="runs.db")
    winner = study.best_trial
    text = demo("best").output
    assert text.startswith(f"Trial {winner.number}: value={winner.value:.6g}\n  x = ")
    found = json.loads(demo("best", "--format", "json").output)
    assert found == {
        "number": winner.number,
        "metrics": winner.metrics,
        "params": winner.params,
    }


def test_best_of_several_objectives_is_the_front(luthier: Luthier) -> None:
    luthier("run", "work.py:two", "--directions", "minimize,minimize", "--trials", "4")
    lines = luthier("best").output.splitlines()
    assert lines[0].split() == ["trial", "value_0", "value_1", "x"]
    assert len(lines) == 5
    assert len(json.loads(luthier("best", "--format", "json").output)) == 4


def test_infinite_results_stay_json(luthier: Luthier) -> None:
    Path("far.py").write_text("def f(t): return float('inf') * t.suggest_int('n', 1, 9)")
    luthier("run", "far.py:f", "--trials", "1")
    for command in ("best", "trials"):
        json.loads(luthier(command, "--format", "json").output, parse_constant=lambda c: 1 / 0)


def test_best_says_when_there_is_none(luthier: Luthier) -> None:
    luthier("run", "work.py:objective", "--study", "empty", "--trials", "0")
    result = luthier("best", "--study", "empty", exit_code=1)
    assert "Study 'empty' has no completed trial yet" in result.stderr
    options = ["--study", "front", "--directions", "minimize,minimize", "--trials", "0"]
    luthier("run", "work.py:two", *options)
    result = luthier("best", "--study", "front", exit_code=1)
    assert "Study 'front' has no completed trial yet" in result.stderr


def test_best_says_when_none_is_feasible(luthier: Luthier) -> None:
    luthier("run", "work.py:objective", "--constraint", "value <= -1", "--trials", "3")
    result = luthier("best", exit_code=1)
    assert "No completed trial of study 'work' keeps the constraints value <= -1" in result.stderr


def test_best_says_which_is_the_least_infeasible(luthier: Luthier) -> None:
    result = luthier("run", "work.py:objective", "--constraint", "value <= -1", "--trials", "3")
    trials = library.load_study(storage="runs.db").trials
    least = min(trials, key=lambda trial: trial.metrics["value"])
    told = f"None is feasible. The least infeasible is trial {least.number} with\n  value="
    assert told in result.output
    known = f"none feasible, trial {least.number} the least infeasible"
    assert known in luthier("status").output
    assert f"least infeasible is trial {least.number} with" in luthier("best", exit_code=1).stderr


@pytest.fixture
def front(luthier: Luthier) -> Luthier:
    """A study of four trials: (0, 9), (1, 2), (5, 1) and (9, 0), and their sums."""
    study = library.create_study(metrics={"a": "minimize", "b": "minimize"}, storage="runs.db")
    for a, b in ((0, 9), (1, 2), (5, 1), (9, 0)):
        study.tell(study.ask(), {"a": a, "b": b, "sum": a + b})
    return luthier


@pytest.mark.parametrize(
    ("options", "number"),
    [
        (["--knee"], 1),
        (["--under", "a=6"], 2),
        (["--under", "sum <= 8"], 1),
        (["--under", "sum=8", "--objective", "b"], 2),
        (["--under", "sum=8", "--under", "a >= 2"], 2),
    ],
)
def test_one_trial_of_the_front(front: Luthier, options: list[str], number: int) -> None:
    assert front("best", *options).output.startswith(f"Trial {number}: a=")
    assert json.loads(front("best", *options, "--format", "json").output)["number"] == number


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--knee", "--under", "a=6"], "best takes --knee or --under, got both"),
        (["--knee", "--objective", "a"], "--objective goes with --under"),
        (["--under", "c=6"], "Known metrics: 'a', 'b', 'sum'."),
        (["--under", "a"], "A constraint must read"),
        (["--under", "a=6", "--objective", "c"], "objective must be one of the study's, got 'c'"),
    ],
)
def test_bounds_that_make_no_sense(front: Luthier, options: list[str], message: str) -> None:
    assert message in front("best", *options, exit_code=2).stderr


def test_nothing_within_bounds_and_no_knee(front: Luthier, demo: Luthier) -> None:
    unnamed = library.get_all_study_names("runs.db")[0]
    result = front("best", "--study", unnamed, "--under", "sum=1", exit_code=1)
    assert "has sum <= 1. The nearest is trial 1 with" in result.stderr
    assert "Use best_trial" in demo("best", "--study", "demo", "--knee", exit_code=2).stderr


def test_best_in_an_unknown_format(demo: Luthier) -> None:
    assert "Invalid value for '--format'" in demo("best", "--format", "xml", exit_code=2).stderr
