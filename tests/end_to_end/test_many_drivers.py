"""Four drivers on one SQLite file: the total is exact, and no cell is tried twice."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Program

TOTAL = 200
DRIVERS = 4
OBJECTIVE = """
import os
import time
from pathlib import Path
from luthier import Categorical, Int, Space

space = Space(
    a=Int(1, 10),
    b=Categorical(["p", "q", "r", "s"]),
    c=Int(1, {last}),
)

def objective(trial):
    Path(f"driver-{{os.getpid()}}").touch()
    while len(list(Path().glob("driver-*"))) < {drivers}:
        time.sleep(0.001)  # nobody goes on before all are at work
    values = trial.params
    time.sleep(0.002)
    return values["a"] * values["c"] + len(values["b"])
"""


@pytest.mark.parametrize("last", [5, 7], ids=["200 cells", "280 cells"])
def test_four_drivers_share_200_trials(program: Program, last: int) -> None:
    (program.directory / "work.py").write_text(OBJECTIVE.format(last=last, drivers=DRIVERS))
    command = ["run", "work.py:objective", "--trials", str(TOTAL), "--strategy", "grid"]
    command += ["--storage", "runs.db", "--seed", "1"]
    drivers = [program.start(*command) for _ in range(DRIVERS)]
    outputs = [driver.communicate(timeout=120)[0] for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0] * DRIVERS, outputs

    trials = program.export("runs.db")["trials"]
    assert [trial["number"] for trial in trials] == list(range(TOTAL))
    assert {trial["state"] for trial in trials} == {"COMPLETE"}
    cells = {tuple(trial["params"].values()) for trial in trials}
    assert len(cells) == TOTAL
    assert len({trial["worker"] for trial in trials}) == DRIVERS
    assert "all the same" in program.run("replay", "--storage", "runs.db")


def test_a_fifth_driver_finds_nothing_left(program: Program) -> None:
    (program.directory / "work.py").write_text(OBJECTIVE.format(last=2, drivers=1))
    command = ["run", "work.py:objective", "--strategy", "grid", "--storage", "runs.db"]
    assert "80 finished trials (the space is exhausted)" in program.run(*command)
    assert "80 finished trials (the space is exhausted)" in program.run(*command)


def test_space_that_only_the_first_trial_reveals(program: Program) -> None:
    """Until trial 0 has shown the space, the others wait: they can't know which cell it takes."""
    (program.directory / "work.py").write_text(
        "import time\n"
        "def objective(trial):\n"
        "    a, b = trial.suggest_int('a', 1, 6), trial.suggest_categorical('b', [*'pqrs'])\n"
        "    time.sleep(0.5 if trial.number == 0 else 0.01)\n"
        "    return a\n"
    )
    command = ["run", "work.py:objective", "--strategy", "grid", "--storage", "runs.db"]
    drivers = [program.start(*command) for _ in range(DRIVERS)]
    outputs = [driver.communicate(timeout=120)[0] for driver in drivers]
    assert all("has 24 finished trials (the space is exhausted)" in text for text in outputs)
    trials = program.export("runs.db")["trials"]
    assert len({tuple(trial["params"].values()) for trial in trials}) == len(trials) == 24


def test_driver_takes_up_the_last_trial_of_one_that_dies(program: Program) -> None:
    (program.directory / "work.py").write_text(
        "import time\n"
        "from pathlib import Path\n"
        "def objective(trial):\n"
        "    x = trial.suggest_float('x', 0, 1)\n"
        "    Path(f'trial-{trial.number}').touch()\n"
        "    while trial.number == 0 and trial.attempt == 1:\n"
        "        time.sleep(0.01)\n"
        "    return x\n"
    )
    command = ["run", "work.py:objective", "--trials", "3", "--storage", "runs.db"]
    hanging = program.start(*command)
    _wait_for(program.directory / "trial-0")
    other = program.start(*command)
    _wait_for(program.directory / "trial-2")
    time.sleep(0.3)  # now it has nothing left to start, and waits
    hanging.kill()
    assert "has 3 finished trials" in other.communicate(timeout=120)[0]
    trials = program.export("runs.db")["trials"]
    assert [(t["state"], t["attempt"]) for t in trials] == [
        ("COMPLETE", 2),
        ("COMPLETE", 1),
        ("COMPLETE", 1),
    ]


def _wait_for(file: Path) -> None:
    while not file.exists():  # pytest's timeout is the safety net
        time.sleep(0.01)
