"""Leases in real processes: one that is stopped, or dies again and again, loses its trial."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import psutil

import luthier
from luthier import TrialState

if TYPE_CHECKING:
    from conftest import Program

STOPPED = """
import time
from pathlib import Path
import luthier
from luthier.errors import TrialLostError

study = luthier.load_study(storage="runs.db")
trial = study.ask()
print("asked", trial.number, flush=True)
while not Path("go on").exists():
    time.sleep(0.01)
try:
    study.tell(trial, 9.0)
except TrialLostError as error:
    print("LOST:", error)
"""


def test_a_stopped_process_loses_its_trial_and_a_living_one_keeps_it(program: Program) -> None:
    storage = str(program.directory / "runs.db")
    study = luthier.create_study(study_name="s", storage=storage, seed=0, lease=0.4)
    (program.directory / "work.py").write_text(STOPPED)
    process = program.python("work.py")
    assert process.stdout is not None
    assert process.stdout.readline() == "asked 0\n"
    living = study.ask()  # this process is watched by nobody, but beats
    stop_between_writes(process.pid, storage)
    pause = threading.Event()
    while not any(t.state is TrialState.RUNNING and t.attempt == 2 for t in study.trials):
        study._driver.start(new=False)
        pause.wait(0.02)  # pytest's timeout is the safety net
    os.kill(process.pid, signal.SIGCONT)
    (program.directory / "go on").touch()
    output, _ = process.communicate()
    assert "LOST: Trial 0 was taken up by another worker: it is RUNNING at attempt 2" in output
    assert study.tell(0, 1.0).lapses == 1
    assert study.tell(living, 2.0).lapses == 0


def stop_between_writes(pid: int, storage: str) -> None:
    """Stop a process, but not while it has the storage's lock: it would keep that."""
    with closing(sqlite3.connect(storage, timeout=60, isolation_level=None)) as ours:
        ours.execute("BEGIN IMMEDIATE")
        os.kill(pid, signal.SIGSTOP)
        while psutil.Process(pid).status() != psutil.STATUS_STOPPED:
            time.sleep(0.001)
        ours.execute("ROLLBACK")


KILLER = """
import os
import luthier

def objective(trial):
    if trial.number == 1:
        os._exit(1)
    return trial.suggest_float("x", 0, 1)
"""


def test_a_trial_that_kills_its_process_is_not_run_for_ever(program: Program) -> None:
    (program.directory / "work.py").write_text(KILLER)
    command = ["run", "work.py:objective", "--trials", "4", "--storage", "runs.db"]
    for _ in range(3):
        program.run(*command, exit_code=1)
    output = program.run(*command)
    assert "has 4 finished trials" in output
    trials = program.export("runs.db")["trials"]
    assert [(t["state"], t["attempt"]) for t in trials] == [
        ("COMPLETE", 1),
        ("FAILED", 3),
        ("COMPLETE", 1),
        ("COMPLETE", 1),
    ]
    assert "Runs that lost their worker" in trials[1]["error"]
    assert "all the same" in program.run("replay", "--storage", "runs.db")
