"""``luthier run``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import luthier as library
from luthier import TrialState

if TYPE_CHECKING:
    from conftest import Luthier


def trials(study: str = "demo") -> list[library.FrozenTrial]:
    return library.load_study(study_name=study, storage="runs.db").trials


def test_trials_is_the_total_of_a_study(luthier: Luthier) -> None:
    command = ("run", "work.py:objective", "--study", "demo", "--seed", "3", "--trials")
    result = luthier(*command, "5")
    assert "Study 'demo' has 5 finished trials (the study has all its trials)." in result.stdout
    assert "Best: trial" in result.stdout
    assert "demo: 5/5 trials, 5 complete; best value=" in result.stderr
    luthier(*command, "8")
    luthier(*command, "8")
    luthier(*command, "2")
    assert [t.number for t in trials()] == list(range(8))


def test_study_takes_the_name_of_the_file(luthier: Luthier) -> None:
    luthier("run", "work.py:objective", "--trials", "1")
    assert len(trials("work")) == 1


def test_named_metrics_constraints_and_several_objectives(luthier: Luthier) -> None:
    Path("named.py").write_text("def f(t): return {'acc': t.suggest_float('x', 0, 1), 'mb': 9}")
    options = ["--metric", "acc=maximize", "--constraint", "mb <= 10", "--trials", "4"]
    luthier("run", "named.py:f", *options)
    study = library.load_study(study_name="named", storage="runs.db")
    assert study.directions == ["maximize"]
    assert [str(c) for c in study.objective.constraints] == ["mb <= 10"]
    result = luthier("run", "work.py:two", "--directions", "minimize, maximize", "--trials", "3")
    assert "Pareto front with: luthier best --study work --storage runs.db" in result.stdout


def test_declared_space_grid_and_jobs(luthier: Luthier) -> None:
    Path("grid.py").write_text(
        "from luthier import Int, Space\n"
        "space = Space(a=Int(1, 3), b=Int(1, 4))\n"
        "def f(trial): return trial.params['a'] * trial.params['b']\n"
    )
    result = luthier("run", "grid.py:f", "--sampler", "grid", "--jobs", "2")
    assert "12 finished trials (the space is exhausted)" in result.stdout
    assert len({(t.params["a"], t.params["b"]) for t in trials("grid")}) == 12


def test_scheduler_and_timeout(luthier: Luthier) -> None:
    command = ["run", "work.py:objective", "--scheduler", "median", "--timeout", "0.000001 s"]
    assert "1e-06 seconds are over" in luthier(*command).stdout


def test_settings_of_samplers_and_schedulers(luthier: Luthier) -> None:
    command = ("run", "work.py:objective", "--study", "demo", "--trials", "3")
    luthier(*command, "--sampler", "tpe:n_startup=5", "--scheduler", "asha:max_resource=27,eta=4")
    study = library.load_study(study_name="demo", storage="runs.db")
    assert study.sampler == library.samplers.TPE(n_startup=5)
    assert study.scheduler == library.schedulers.Asha(27, eta=4)
    luthier(*command)  # settings stay as they were
    assert "asha max_resource=27" in luthier("status").output


def test_all_trials_failed(luthier: Luthier) -> None:
    few = luthier("run", "work.py:failing", "--study", "few", "--trials", "2", exit_code=1)
    assert "All 2 trials of study 'few' have failed" in few.stderr
    assert "RuntimeError: no such data" in few.stderr
    many = ("run", "work.py:failing", "--study", "many", "--trials", "30")
    luthier(*many, exit_code=1)
    assert len(trials("many")) == 10
    assert "--fail-fast 0 goes on regardless" in luthier(*many, exit_code=1).stderr
    luthier(*many, "--fail-fast", "0", exit_code=1)
    assert len(trials("many")) == 30


def test_an_objective_that_leaves_is_told(luthier: Luthier) -> None:
    result = luthier("run", "work.py:leaving", "--trials", "2", exit_code=2)
    assert "The objective called sys.exit(3), which ended the run" in result.stderr
    assert [t.state.name for t in trials("work")] == ["WAITING"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--strategy", "gird"], "'grid'"),
        (["--sampler", "nosuch"], "nosuch"),
        (["--scheduler", "medain"], "'median'"),
        (["--scheduler", "asha"], "max_resource"),
        (["--scheduler", "asha:27"], "must be written SETTING=VALUE"),
        (["--scheduler", "asha:max_resource=0"], "max_resource must be a whole number"),
        (["--timeout", "soon"], "A budget must be a number of trials or a time"),
        (["--timeout", "50 trials"], "--timeout must be a time such as '10 min'"),
        (["--trials", "-1"], "Invalid value for '--trials'"),
        (["--trials", "many"], "Invalid value for '--trials'"),
        (["--seed", "-1"], "Invalid value for '--seed'"),
        (["--jobs", "0"], "n_jobs must be at least 1"),
        (["--direction", "up"], "Invalid value for '--direction'"),
        (["--directions", "minimize,up"], "must be 'minimize' or 'maximize', got 'up'"),
        (["--metric", "acc"], "--metric must be NAME=minimize or NAME=maximize"),
        (["--metric", "acc=up"], "must be 'minimize' or 'maximize', got 'up'"),
        (["--metric", "a=minimize", "--direction", "minimize"], "Only one of direction"),
        (["--constraint", "size < 3"], "A constraint must read"),
        (["--space", "nosuch"], "There is no 'nosuch' in work"),
        (["--storage", "no/such/runs.db"], "directory"),
        (["--storage", "ftp://runs.db"], "ftp://runs.db"),
        (["--study", ""], "study_name must be non-empty text"),
        (["--fail-fast", "-3"], "Invalid value for '--fail-fast'"),
    ],
)
def test_mistakes(luthier: Luthier, options: list[str], message: str) -> None:
    limit = [] if "--trials" in options else ["--trials", "1"]
    assert message in luthier("run", "work.py:objective", *limit, *options, exit_code=2).stderr


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("work.py", "must be given as FILE.py:objective"),
        ("nosuch.py:objective", "There is no file 'nosuch.py'"),
        ("work.py:objectiv", "Did you mean 'objective'?"),
        ("work.py:not_callable", "must be callable with a trial, got int"),
    ],
)
def test_objectives_that_are_none(luthier: Luthier, target: str, message: str) -> None:
    assert message in luthier("run", target, "--trials", "1", exit_code=2).stderr
    assert not Path("runs.db").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seed", "1"], "exists with seed=0, got seed=1"),
        (["--direction", "maximize"], "exists with the objectives"),
    ],
)
def test_existing_study_with_other_settings(
    demo: Luthier, options: list[str], message: str
) -> None:
    command = ("run", "work.py:objective", "--study", "demo", "--trials", "9")
    assert message in demo(*command, *options, exit_code=2).stderr
    assert len(trials()) == 6


def test_ctrl_c_leaves_a_consistent_study_and_says_how_to_go_on(luthier: Luthier) -> None:
    Path("long.py").write_text(
        "import os, signal\n"
        "def f(trial):\n"
        "    x = trial.suggest_float('x', 0, 1)\n"
        "    if trial.number == 3 and trial.attempt == 1:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    return x\n"
    )
    command = ["run", "long.py:f", "--storage", "runs.db", "--trials", "6", "--seed", "0"]
    interrupted = subprocess.run(
        [sys.executable, "-m", "luthier.cli", *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert interrupted.returncode == 128 + signal.SIGINT
    assert "Interrupted. Study 'long' has 3 finished trials" in interrupted.stderr
    assert "Traceback" not in interrupted.stderr
    before = trials("long")
    assert [t.state for t in before] == [TrialState.COMPLETE] * 3 + [TrialState.WAITING]
    luthier(*command)
    after = trials("long")
    assert [t.state for t in after] == [TrialState.COMPLETE] * 6
    assert after[3].params == before[3].params or not before[3].params
    luthier("replay", "--study", "long")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_bar_on_a_terminal(luthier: Luthier) -> None:
    ours, theirs = os.openpty()
    command = ["run", "work.py:objective", "--study", "demo", "--trials", "5"]
    process = subprocess.Popen(
        [sys.executable, "-m", "luthier.cli", *command],
        stderr=theirs,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"},
    )
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(60) == 0
    assert "5/5" in shown.decode()
    assert "━" in shown.decode()
    assert "5 complete; best value=" in shown.decode()
