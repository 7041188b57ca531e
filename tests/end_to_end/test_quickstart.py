"""What a newcomer does first: five lines of Python, then the same from the command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import luthier

if TYPE_CHECKING:
    from conftest import Program


def objective(trial: luthier.Trial) -> float:
    x = trial.suggest_float("x", -10, 10)
    return (x - 2) ** 2


def test_five_lines() -> None:
    study = luthier.create_study(seed=0)
    study.optimize(objective, n_trials=100)
    assert abs(study.best_params["x"] - 2) < 0.5
    assert study.best_value == objective(study.best_trial)  # type: ignore[arg-type]


def test_from_the_command_line_to_python_and_back(program: Program) -> None:
    (program.directory / "parabola.py").write_text(
        "def objective(trial):\n    return (trial.suggest_float('x', -10, 10) - 2) ** 2\n"
    )
    run = ("run", "parabola.py:objective", "--storage", "runs.db", "--seed", "0", "--trials")
    assert "Study 'parabola' has 20 finished trials" in program.run(*run, "20")

    study = luthier.load_study(storage=program.directory / "runs.db")
    study.optimize(objective, n_trials=10)
    unbroken = luthier.create_study(seed=0)
    unbroken.optimize(objective, n_trials=40)

    assert "Study 'parabola' has 40 finished trials" in program.run(*run, "40")
    assert [t.params for t in study.trials] == [t.params for t in unbroken.trials]
    best = program.run("best", "--storage", "runs.db")
    assert re.match(rf"Trial {unbroken.best_trial.number}: value=", best)
    assert (
        program.run("replay", "--storage", "runs.db") == "40 proposals recomputed, all the same\n"
    )
