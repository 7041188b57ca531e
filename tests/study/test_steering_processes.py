"""Steering real processes that run a study, from another one."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from living import vanished

import luthier
from luthier import Float, FrozenTrial, Space, Study, TrialState

_PATIENCE = 60.0
WORK = """
import os, signal, sys, time
import luthier

def reporting(trial):
    x = trial.suggest_float("x", 0, 1)
    if trial.number == 1:
        for step in range(100_000):
            trial.report(x, step)
            time.sleep(0.02)
            if trial.should_prune():
                raise luthier.TrialPruned
    return x

def hanging(trial):
    x = trial.suggest_float("x", 0, 1)
    if trial.number == 1:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open("hangs", "w").write(str(os.getpid()))
        time.sleep(600)
    return x

def unwinding(trial):
    x = trial.suggest_float("x", 0, 1)
    if trial.number == 1:
        try:
            open("hangs", "w").write(str(os.getpid()))
            time.sleep(600)
        finally:
            open("unwound", "w").close()
    return x

def slow(trial):
    time.sleep(0.05)
    return trial.suggest_float("x", 0, 1)

def main(storage, objective, executor, **limits):
    study = luthier.load_study(study_name="s", storage=storage)
    if executor.startswith("process"):
        grace = 60.0 if objective == "unwinding" else 0.5  # SIGTERM ends one, SIGKILL the other
        executor = luthier.executors.Processes(int(executor[-1]), grace=grace)
    study.optimize(globals()[objective], executor=executor, **limits)
    print([t.state.name for t in study.trials])
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a process that runs a study; all are ended with the test."""
    (tmp_path / "work.py").write_text(textwrap.dedent(WORK))
    started: list[subprocess.Popen[str]] = []

    def run(storage: str, objective: str, executor: str, **limits: int) -> subprocess.Popen[str]:
        call = f"work.main({storage!r}, {objective!r}, {executor!r}, **{limits!r})"
        process = subprocess.Popen(
            [sys.executable, "-c", f"import work; {call}"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"{tmp_path}/runs.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


def new_study(storage: str) -> Study:
    space = Space(x=Float(0, 1))
    return luthier.create_study(
        study_name="s", storage=storage, space=space, sampler="random", seed=0
    )


def eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def is_there(study: Study, number: int, *, reported: bool = False) -> bool:
    trials = study.trials
    return len(trials) > number and (not reported or bool(trials[number].reports))


def ended(process: subprocess.Popen[str]) -> list[str]:
    out, err = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 0, err
    states: list[str] = eval(out)  # noqa: S307  what the process above has printed
    return states


@pytest.mark.parametrize(
    ("storage", "executor"),
    [
        ("sqlite", "inline"),
        ("sqlite", "thread:2"),
        ("sqlite", "process:2"),
        ("postgresql", "process:2"),
    ],
    indirect=["storage"],
)
def test_a_trial_that_reports_is_stopped_and_the_others_go_on(
    start: Start, storage: str, executor: str
) -> None:
    user = new_study(storage)
    process = start(storage, "reporting", executor, n_trials=4)
    eventually(lambda: is_there(user, 1, reported=True))
    stopped = user.stop_trial(1, "enough")
    assert stopped.error == "stopped by the user: enough"
    assert ended(process) == ["COMPLETE", "PRUNED", "COMPLETE", "COMPLETE"]
    assert user.trials[1] == stopped
    assert stopped.value == stopped.params["x"] == stopped.reports[0]["value"]
    assert user.replay().exact


@pytest.mark.parametrize("objective", ["hanging", "unwinding"])
def test_a_trial_that_hangs_is_terminated_then_killed(
    start: Start, tmp_path: Path, objective: str
) -> None:
    storage = f"{tmp_path}/runs.db"
    user = new_study(storage)
    process = start(storage, objective, "process:2", n_trials=4, fail_fast=1)
    hangs = tmp_path / "hangs"
    eventually(lambda: hangs.exists() and hangs.read_text() != "")
    user.stop_trial(1)
    assert ended(process) == ["COMPLETE", "PRUNED", "COMPLETE", "COMPLETE"]
    assert vanished([int(hangs.read_text())])
    assert (tmp_path / "unwound").exists() is (objective == "unwinding")


def test_a_trial_whose_driver_was_killed_is_stopped_for_good(start: Start, tmp_path: Path) -> None:
    storage = f"{tmp_path}/runs.db"
    user = new_study(storage)
    process = start(storage, "hanging", "inline", n_trials=4)
    eventually((tmp_path / "hangs").exists)
    process.kill()
    process.wait()
    assert user.stop_trial(1).state is TrialState.PRUNED
    assert ended(start(storage, "hanging", "inline", total_trials=3)) == [
        "COMPLETE",
        "PRUNED",
        "COMPLETE",
    ]


@pytest.mark.parametrize("storage", ["sqlite", "postgresql"], indirect=True)
def test_goals_and_stops_reach_all_processes(start: Start, storage: str) -> None:
    user = new_study(storage)
    processes = [
        start(storage, "slow", "inline", n_trials=100_000),
        start(storage, "slow", "process:2", total_trials=100_000),
    ]
    eventually(lambda: len({t.worker for t in user.trials}) == 2)
    eventually(lambda: len(user.history.completed) >= 8)
    best: FrozenTrial = user.best_trial
    user.invalidate(best, "leak")
    user.retry(best)
    goal = len(user.trials) + 10
    user.set_goal(goal)
    states = max((ended(process) for process in processes), key=len)
    assert states.count("COMPLETE") == goal + 1  # the invalid one counts no more
    again = [t for t in user.trials if t.origin.parent == best.number]
    assert [t.params for t in again] == [best.params]
    process = start(storage, "slow", "inline", n_trials=100_000)
    eventually(lambda: len(user.trials) > goal + 3)
    user.stop()
    assert set(ended(process)) == {"COMPLETE"}
    assert user.replay().exact
