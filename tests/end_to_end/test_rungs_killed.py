"""Hyperband by two processes that are killed: the same rungs as unbroken, no saved step twice.

The objective writes a line before it trains a step and another when its checkpoint is recorded.
Each process gets SIGKILL at a random moment; then both are started again.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Program

TOTAL = 17  # one round: brackets of 9, 5 and 3
STEPS = 69  # in all: 21, 21 and 27
WORK = """
import os
import time
import luthier
from luthier import Float, Space
from luthier.schedulers import Hyperband

space = Space(x=Float(0, 1))
scheduler = Hyperband(9)
pace, hold = float(os.environ.get("PACE", "0")), int(os.environ.get("HOLD", "1000"))
trained = []
log = os.open("steps.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def say(*words):
    os.write(log, (" ".join(map(str, words)) + "\\n").encode())

def objective(trial):
    saved = trial.load_checkpoint()
    for step in range(1 if saved is None else int(saved.read_bytes()) + 1, 10):
        say("train", trial.number, step)
        trained.append(step)
        time.sleep(600 if len(trained) > hold else pace)
        trial.report(trial.params["x"] + 1 / step, step)
        trial.save_checkpoint(str(step).encode())
        say("saved", trial.number, step)
        if trial.should_prune():
            raise luthier.TrialPruned
    return trial.params["x"] + 1 / 9

if __name__ == "__main__":
    import sys
    study = luthier.create_study(
        study_name="s", storage=sys.argv[1], sampler="random", scheduler=scheduler, space=space,
        seed=3, load_if_exists=True, max_attempts=1000,
    )
    study.optimize(objective, total_trials=17, fail_fast=None)
"""


def outcome(exported: dict[str, Any]) -> list[dict[str, Any]]:
    """What must be the same, whoever was killed when."""
    kept = ("number", "state", "params", "metrics", "reports", "budget")
    return [{name: trial.get(name) for name in kept} for trial in exported["trials"]]


def no_saved_step_is_trained_again(lines: list[str]) -> None:
    saved: dict[str, int] = {}
    for line in lines:
        word, number, step = line.split()
        if word == "saved":
            saved[number] = max(saved.get(number, 0), int(step))
        else:
            assert int(step) > saved.get(number, 0), f"step {step} of trial {number} again"


def killed_and_resumed(program: Program, kills: int, pace: float) -> None:
    (program.directory / "work.py").write_text(WORK)
    command = ("work.py", "s.db")
    whole = program.python("work.py", "whole.db")
    assert whole.communicate(timeout=400)[0] == ""
    steps = program.directory / "steps.log"
    steps.unlink()

    moments = random.Random(kills)
    held = {"PACE": str(pace), "HOLD": str(STEPS // (2 * kills + 1))}  # none is over before a kill
    for _ in range(kills):
        pair = [program.python(*command, **held) for _ in range(2)]
        before = steps.stat().st_size if steps.exists() else 0
        while not steps.exists() or steps.stat().st_size == before:
            assert any(process.poll() is None for process in pair), "over before it was killed"
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 3 * pace))
        for process in pair:
            process.kill()
            process.communicate()
    for process in [program.python(*command) for _ in range(2)]:
        process.communicate(timeout=400)
        assert process.returncode == 0

    broken = program.export("s.db")
    assert outcome(broken) == outcome(program.export("whole.db"))
    assert sum(t["state"] == "COMPLETE" for t in broken["trials"]) == 5
    assert sum(t["attempt"] for t in broken["trials"]) > TOTAL
    no_saved_step_is_trained_again(steps.read_text().splitlines())
    assert "all the same" in program.run("replay", "--storage", "s.db")


def test_hyperband_killed_twice(program: Program) -> None:
    killed_and_resumed(program, kills=2, pace=0.05)


@pytest.mark.slow
def test_hyperband_killed_many_times(program: Program) -> None:
    killed_and_resumed(program, kills=12, pace=0.05)
