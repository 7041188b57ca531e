"""Nothing is lost: a run killed at random moments ends exactly as an unbroken one.

14 times in all a running ``luthier run`` gets SIGKILL, at a random moment of its start or of
its work, and the same command is given again; 30 times in the slow lane, and 42 on evolutions.
The objective has conditional parameters, reports, trials that are pruned and trials that fail.
A run that is to be killed holds still in the middle of its 13th trial, so that no machine is
fast enough to finish before the last kill. Every second kill waits until it holds,
in its second trial or later: so many kills hit a trial for sure.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Program

HOLD = 12  # how many trials a killed run finishes at most
OBJECTIVE = """
import os
import time
from luthier.study import driver

driver._FLUSH_SECONDS = 0  # so that killed trials leave reports behind, as long ones do

hold = int(os.environ.get("HOLD", "0"))
at_work = []

def objective(trial):
    if not at_work:
        print("at work", flush=True)
    at_work.append(trial.number)
    kind = trial.suggest_categorical("kind", ["tree", "net"])
    if kind == "tree":
        depth = trial.suggest_int("depth", 1, 12)
        score = depth * trial.suggest_int("leaf", 1, 12) / 144
    else:
        score = trial.suggest_int("units", 4, 64, step=4) / 64
        if trial.suggest_categorical("activation", ["relu", "tanh"]) == "relu":
            score -= trial.suggest_float("slope", 0, 1)
    if 0.5 < score < 0.6:
        raise ValueError(f"no luck with {score}")
    for step in range(3):
        time.sleep(0.06 if hold else 0.002)  # most kills should hit a trial, not a proposal
        trial.report(score + 1 / (step + 1), step)
        if hold and len(at_work) > hold:
            print("holding", trial.number, flush=True)
            time.sleep(600)
        if trial.should_prune():
            from luthier import TrialPruned
            raise TrialPruned()
    return score
"""


def what_counts(exported: dict[str, Any]) -> list[dict[str, Any]]:
    """Trials without what may differ: times, worker, attempts, versions of the log."""
    kept = ("number", "state", "params", "metrics", "reports", "error", "declares")
    return [
        {
            **{name: trial.get(name) for name in kept},
            "sampler": trial["origin"]["sampler"],
            "reason": trial["origin"]["reason"],
        }
        for trial in exported["trials"]
    ]


@pytest.mark.parametrize("strategy", ["auto", "grid"])
@pytest.mark.parametrize("kills", [7, pytest.param(15, marks=pytest.mark.slow)])
def test_killed_and_resumed_run_equals_an_unbroken_one(
    program: Program, strategy: str, kills: int
) -> None:
    total = kills * HOLD + 20  # more than all killed runs together can finish
    (program.directory / "work.py").write_text(OBJECTIVE)
    command = ["run", "work.py:objective", "--trials", str(total), "--seed", "7"]
    command += ["--max-attempts", str(kills + 1)]  # one trial may be hit by all
    command += ["--strategy", strategy, "--scheduler", "median"]
    program.run(*command, "--storage", "unbroken.db")

    moments, hit = random.Random(strategy), Counter[int]()
    for kill in range(kills):
        hold = 1 if kill % 2 else HOLD
        process = program.start(*command, "--storage", "broken.db", HOLD=str(hold))
        assert process.stdout is not None
        if kill % 2:  # in the middle of a trial
            said = next(line for line in process.stdout if line.startswith("holding "))
            hit[int(said.split()[1])] += 1
        elif kill % 5 == 0:  # while it starts, or shortly after
            time.sleep(moments.uniform(0, 0.5))
        else:
            assert process.stdout.readline() == "at work\n"
            time.sleep(moments.uniform(0, 0.2))
        assert process.poll() is None, "the run was over before it could be killed"
        process.kill()
        process.communicate()
    program.run(*command, "--storage", "broken.db")

    unbroken, broken = program.export("unbroken.db"), program.export("broken.db")
    assert [trial["number"] for trial in broken["trials"]] == list(range(total))
    assert what_counts(broken) == what_counts(unbroken)
    assert broken["space"] == unbroken["space"]
    assert {t["state"] for t in broken["trials"]} == {"COMPLETE", "PRUNED", "FAILED"}
    assert all(t["attempt"] > hit[t["number"]] for t in broken["trials"])
    for storage in ("unbroken.db", "broken.db"):
        assert "all the same" in program.run("replay", "--storage", storage)


EVOLVED = """
import os
import time

hold, at_work = int(os.environ.get("HOLD", "0")), []

def objective(trial):
    if not at_work:
        print("at work", flush=True)
    at_work.append(trial.number)
    if hold:
        time.sleep(600 if len(at_work) > hold else 0.02)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    x = trial.suggest_float("x", 1e-3, 1, log=True)
    y = trial.suggest_float("y", 0, 1) if kind == "a" else trial.suggest_int("z", 1, 9) / 9
    if 0.02 < x < 0.04:
        raise ValueError("no luck")
    if 0.5 < y < 0.6:
        from luthier import TrialPruned
        raise TrialPruned()
    return RESULT
"""


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["ga", "de", "cmaes", "spsa", "es", "nsga2", "nsga3"])
def test_a_killed_evolution_goes_on_as_the_very_same(program: Program, sampler: str) -> None:
    several = sampler.startswith("nsga")
    result = "x + y, 1 - x + y * y" if several else "x + y"
    (program.directory / "work.py").write_text(EVOLVED.replace("RESULT", result))
    command = ["run", "work.py:objective", "--trials", "180", "--seed", "3", "--sampler", sampler]
    command += ["--max-attempts", "7"]
    command += ["--directions", "minimize,minimize"] if several else []
    program.run(*command, "--storage", "unbroken.db")

    moments = random.Random(sampler)
    for _ in range(6):  # each life is at most 25 trials
        process = program.start(*command, "--storage", "broken.db", HOLD="25")
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        time.sleep(moments.uniform(0.1, 0.9))
        assert process.poll() is None, "the run was over before it could be killed"
        process.kill()
        process.communicate()
    program.run(*command, "--storage", "broken.db")

    unbroken, broken = program.export("unbroken.db"), program.export("broken.db")
    assert what_counts(broken) == what_counts(unbroken)
    descent = [[t["origin"]["data"] for t in study["trials"]] for study in (broken, unbroken)]
    assert descent[0] == descent[1]
    assert max(data.get("generation", data.get("step", 0)) for data in descent[0]) > 2
    assert any(t["attempt"] > 1 for t in broken["trials"])
    assert {t["state"] for t in broken["trials"]} == {"COMPLETE", "PRUNED", "FAILED"}
    assert "all the same" in program.run("replay", "--storage", "broken.db")
