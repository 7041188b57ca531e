"""``luthier logs``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import luthier as library
from luthier.core.output import output_file

if TYPE_CHECKING:
    from conftest import Luthier


@pytest.fixture
def kept(luthier: Luthier) -> Luthier:
    """A study whose second trial was run twice and printed both times."""
    study = library.create_study(study_name="s", storage="runs.db", sampler="random", seed=0)
    study.ask()
    study.ask()
    study._driver.release(1, "again")
    study.ask()
    folder = study.storage.logs(1)
    assert folder is not None
    folder.mkdir(parents=True)
    output_file(folder, 1, 1).write_bytes(b"first\n")
    output_file(folder, 1, 2).write_bytes(b"second \xff\n")
    output_file(folder, 11, 1).write_bytes(b"another\n")
    return luthier


def test_the_last_run_and_an_earlier_one(kept: Luthier) -> None:
    assert kept("logs", "s", "1").stdout_bytes == b"second \xff\n"
    assert kept("logs", "s", "1", "--attempt", "1").stdout == "first\n"


def test_a_silent_trial(kept: Luthier) -> None:
    result = kept("logs", "s", "0")
    assert result.stdout == ""
    assert "Nothing that trial 0 printed is kept" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("s", "7"), "has no trial 7; it has 2 trials"),
        (("none", "0"), "none"),
        (("s", "1", "--attempt", "3"), "trial 1 has been run 2 times, got 3"),
    ],
)
def test_mistakes(kept: Luthier, arguments: tuple[str, ...], message: str) -> None:
    assert message in kept("logs", *arguments, exit_code=2).output


def test_trials_in_processes_are_kept(luthier: Luthier) -> None:
    Path("loud.py").write_text("def objective(trial):\n    print('loud')\n    return 1.0\n")
    luthier("run", "loud.py:objective", "--trials", "2", "--jobs", "2", "--sampler", "random")
    assert luthier("logs", "loud", "1").stdout == "loud\n"
