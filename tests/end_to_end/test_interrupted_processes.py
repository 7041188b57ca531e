"""Ctrl-C, once and twice, and the sudden death of a driver, while trials run in processes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from living import vanished

if TYPE_CHECKING:
    from conftest import Program

OBJECTIVE = """
import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

def objective(trial):
    x = trial.suggest_float("x", 0, 1)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    note = Path(f"at-{trial.number}.new")
    note.write_text(f"{os.getpid()} {child.pid}")
    note.rename(f"at-{trial.number}")
    if "DEAF" in os.environ:
        ctypes.PyDLL(None).sleep(600)  # holds the interpreter's lock: nothing in Python runs
    while not Path("go").exists():
        time.sleep(0.02)
    child.kill()
    child.wait()
    return x
"""


@pytest.fixture
def command(program: Program) -> list[str]:
    (program.directory / "work.py").write_text(OBJECTIVE)
    return ["run", "work.py:objective", "--trials", "5", "--jobs", "2", "--sampler", "random"]


def wait_for(directory: Path, numbers: tuple[int, ...] = (0, 1)) -> list[int]:
    """Wait until trials are at work; return their processes."""
    places = [directory / f"at-{number}" for number in numbers]
    for _ in range(3000):
        if all(place.exists() for place in places):
            return [int(pid) for place in places for pid in place.read_text().split()]
        time.sleep(0.02)
    raise AssertionError("the trials don't start")


def line_with(process: subprocess.Popen[str], text: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(f"never said: {text}")


def test_once_and_running_trials_finish(program: Program, command: list[str]) -> None:
    process = program.start(*command)
    pids = wait_for(program.directory)
    assert {os.getsid(pid) for pid in pids[::2]} == set(pids[::2]), "a terminal's Ctrl-C hits them"
    process.send_signal(signal.SIGINT)
    assert "2 running ones finish first" in line_with(process, "Ctrl-C")
    (program.directory / "go").touch()
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 130, output
    assert vanished(pids)
    trials = program.export("luthier.db")["trials"]
    assert [trial["state"] for trial in trials] == ["COMPLETE"] * 2
    program.run(*command)
    trials = program.export("luthier.db")["trials"]
    assert [(t["state"], t["attempt"]) for t in trials] == [("COMPLETE", 1)] * 5


def test_twice_and_they_are_ended(program: Program, command: list[str]) -> None:
    process = program.start(*command, DEAF="1")
    pids = wait_for(program.directory)
    for said in ("no new trials", "2 running trials are ended"):
        process.send_signal(signal.SIGINT)
        line_with(process, said)
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 130, output
    assert vanished(pids)
    trials = program.export("luthier.db")["trials"]
    assert [trial["state"] for trial in trials] == ["WAITING"] * 2
    (program.directory / "go").touch()
    program.run(*command)
    trials = program.export("luthier.db")["trials"]
    assert [(t["state"], t["attempt"]) for t in trials] == [("COMPLETE", 2)] * 2 + [
        ("COMPLETE", 1)
    ] * 3


def test_a_killed_driver_leaves_no_process(program: Program, command: list[str]) -> None:
    process = program.start(*command, DEAF="1")
    pids = wait_for(program.directory)
    pids += [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
    process.kill()
    process.wait()
    assert vanished(pids)
    (program.directory / "go").touch()
    program.run(*command)
    trials = program.export("luthier.db")["trials"]
    assert [trial["state"] for trial in trials] == ["COMPLETE"] * 5
