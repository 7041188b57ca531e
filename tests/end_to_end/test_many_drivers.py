"""Four drivers on one SQLite file: the total is exact, and no cell is tried twice."""

from __future__ import annotations

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
