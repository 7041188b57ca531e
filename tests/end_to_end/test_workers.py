"""Eight workers on one study, some of them killed: the total is exact, nothing is done twice."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conftest import Program

WORKERS = 8
TOTAL = 80
OBJECTIVE = """
import os
import time
from pathlib import Path
from luthier import Categorical, Int, Space

space = Space(a=Int(1, 10), b=Categorical(["p", "q", "r", "s"]), c=Int(1, 5))

def objective(trial):
    with open(f"ran-{os.getpid()}", "a") as log:
        log.write(f"{trial.number} {trial.attempt}\\n")
    time.sleep(0.03)
    return trial.params["a"] * trial.params["c"]
"""


def runs(directory: Path) -> list[tuple[int, int]]:
    """Numbers and attempts of all runs that were begun, in whatever process."""
    lines = [line for file in directory.glob("ran-*") for line in file.read_text().splitlines()]
    return [(int(number), int(attempt)) for number, attempt in map(str.split, lines)]


def wait_for_runs(directory: Path, n: int) -> None:
    while len(runs(directory)) < n:  # pytest's timeout is the safety net
        time.sleep(0.01)


def test_eight_workers_of_which_three_die(program: Program) -> None:
    share_the_work(program, "runs.db")


def test_eight_workers_on_postgresql(program: Program, postgres_url: str) -> None:
    share_the_work(program, postgres_url)


def share_the_work(program: Program, storage: str) -> None:
    (program.directory / "work.py").write_text(OBJECTIVE)
    plan = ["--study", "s", "--trials", str(TOTAL), "--strategy", "grid", "--timeout", "0.000001 s"]
    program.run("run", "work.py:objective", "--storage", storage, "--seed", "1", *plan)
    command = ["worker", "s", "work.py:objective", "--storage", storage]
    workers = [program.start(*command) for _ in range(WORKERS)]
    for n, victim in enumerate(workers[:3], 1):
        wait_for_runs(program.directory, n * TOTAL // 5)
        victim.kill()
    outputs = [worker.communicate(timeout=300)[0] for worker in workers[3:]]
    assert [worker.returncode for worker in workers[3:]] == [0] * (WORKERS - 3), outputs

    trials = program.export(storage)["trials"]
    assert [trial["number"] for trial in trials] == list(range(TOTAL))
    assert {trial["state"] for trial in trials} == {"COMPLETE"}
    assert len({tuple(trial["params"].values()) for trial in trials}) == TOTAL
    begun = runs(program.directory)
    assert len(begun) == len(set(begun)) <= TOTAL + 3  # each run once; at most one lost a victim
    finished = {(trial["number"], trial["attempt"]) for trial in trials}
    assert finished <= set(begun)
    assert "all the same" in program.run("replay", "--storage", storage)


DELAYS = """
import os, random, time

def objective(trial):
    open("begun", "a").write("x")
    if "HOLD" in os.environ and os.stat("begun").st_size > 12:
        time.sleep(600)  # it must not come to its end before it is killed
    time.sleep(random.SystemRandom().random() * 0.1)
    x = trial.suggest_float("x", -1, 1)
    if trial.suggest_categorical("kind", ["a", "b"]) == "b":
        x += trial.suggest_float("y", 0, 1)
    if trial.number % 7 == 3:
        raise ValueError("no luck")
    return x * x
"""


def test_reproducible_study_that_is_killed_and_shared(program: Program) -> None:
    """Unbroken in four processes; and killed twice, then finished by two drivers at once."""
    (program.directory / "work.py").write_text(DELAYS)
    command = ["run", "work.py:objective", "--storage", "runs.db", "--seed", "3", "--trials", "30"]
    command += ["--jobs", "4", "--reproducible"]
    program.run(*command, "--study", "unbroken")
    begun = program.directory / "begun"
    dice = random.Random(0)
    for _ in range(2):
        begun.write_text("")
        driver = program.start(*command, "--study", "killed", HOLD="1")
        while begun.stat().st_size < 8:
            time.sleep(0.01)
        time.sleep(dice.random() / 10)
        driver.kill()
        driver.wait()
    shared = ["worker", "killed", "work.py:objective", "--storage", "runs.db", "--jobs", "2"]
    drivers = [program.start(*shared) for _ in range(2)]
    outputs = [driver.communicate(timeout=300)[0] for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0, 0], outputs
    assert what_came(program, "unbroken") == what_came(program, "killed")
    assert "all the same" in program.run("replay", "--storage", "runs.db", "--study", "killed")


def what_came(program: Program, study: str) -> list[Any]:
    import luthier

    storage = program.directory / "runs.db"
    trials = luthier.load_study(study_name=study, storage=storage).trials
    assert len(trials) == 30
    return [(t.number, t.state, t.params, t.metrics, t.origin, t.declares) for t in trials]
