"""Scripts written for Optuna run with only their import changed.

Each script ends with assertions that hold with Optuna 5.0.0 too. What is asserted here besides
holds for Luthier.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import luthier.optuna
from luthier.core.trial import FrozenTrial

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))
TRIALS = {
    "ask_and_tell": 14,
    "attributes": 8,
    "callbacks": None,
    "catch": None,
    "classifier": 20,
    "constraints": 60,
    "copying": None,
    "define_and_run": 16,
    "enqueue": 6,
    "grid": 18,
    "multi_objective": 50,
    "older": 20,
    "partial_fixed": 20,
    "pruning": 30,
    "quadratic": 60,
    "replay": 25,
    "resume": 10,
}


def run(path: Path) -> dict[str, Any]:
    text = path.read_text("utf-8")
    assert text.count("\nimport optuna\n") == 1
    changed = text.replace("\nimport optuna\n", "\nimport luthier.optuna as optuna\n")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(changed, str(path), "exec"), namespace)
    return namespace


@pytest.fixture(autouse=True)
def _in_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_script_is_counted() -> None:
    assert [path.stem for path in SCRIPTS] == sorted(TRIALS)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script_runs(path: Path) -> None:
    namespace = run(path)
    assert namespace["optuna"] is luthier.optuna
    if (count := TRIALS[path.stem]) is not None:
        study = namespace["study"]
        assert isinstance(study, luthier.optuna.Study)
        assert [t.number for t in study.trials] == list(range(count))
        assert all(isinstance(t._native, FrozenTrial) for t in study.trials)


def test_a_script_run_twice_goes_on() -> None:
    resume = next(path for path in SCRIPTS if path.stem == "resume")
    once = [t.params["x"] for t in run(resume)["study"].trials]
    twice = [t.params["x"] for t in run(resume)["study"].trials]
    assert len(set(twice)) == 20
    assert twice[:10] == once


def test_a_seed_makes_a_script_repeatable() -> None:
    quadratic = next(path for path in SCRIPTS if path.stem == "quadratic")
    first, second = (run(quadratic)["study"].trials for _ in range(2))
    assert [t.params for t in first] == [t.params for t in second]
