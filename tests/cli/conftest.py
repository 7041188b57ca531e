"""What the command line's tests share: a runner in an empty directory, and a small study."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from luthier.cli import main

OBJECTIVE = """
def objective(trial):
    x = trial.suggest_float("x", -1, 1)
    if trial.suggest_categorical("kind", ["a", "b"]) == "b":
        trial.suggest_int("n", 1, 9)
    return x * x

def failing(trial):
    raise RuntimeError("no such data")

def leaving(trial):
    raise SystemExit(3)

def two(trial):
    x = trial.suggest_float("x", 0, 1)
    return x, 1 - x

not_callable = 3
"""

Luthier = Callable[..., Result]


@pytest.fixture
def luthier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Luthier:
    """Runs a command in an empty directory that holds ``work.py``; checks its exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LUTHIER_STORAGE", "runs.db")
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "work.py").write_text(OBJECTIVE)

    def call(*arguments: str, exit_code: int = 0, answer: str | None = None) -> Result:
        result = CliRunner().invoke(main, arguments, input=answer, prog_name="luthier")
        assert result.exit_code == exit_code, (result.output, result.exception)
        if exit_code == 2:
            assert "Traceback" not in result.output or "Importing" in result.output
        return result

    return call


@pytest.fixture
def demo(luthier: Luthier) -> Luthier:
    """The same, after a run of six trials in the study ``demo``."""
    luthier("run", "work.py:objective", "--study", "demo", "--trials", "6", "--seed", "0")
    return luthier
