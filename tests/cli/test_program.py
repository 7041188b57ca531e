"""The program as a whole: help, version, errors, and what a start costs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import luthier as library
from luthier.cli import main

if TYPE_CHECKING:
    from conftest import Luthier

COMMANDS = sorted(main.commands)


def test_version(luthier: Luthier) -> None:
    assert luthier("--version").output == f"luthier, version {library.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_ends_with_an_example(luthier: Luthier, command: str) -> None:
    text = luthier(command, "--help").output
    assert f"  luthier {command} " in text.partition("Example")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_option_that_does_not_exist(luthier: Luthier, command: str) -> None:
    assert "No such option '--nosuch'" in luthier(command, "--nosuch", exit_code=2).stderr


def test_command_that_does_not_exist(luthier: Luthier) -> None:
    assert "No such command 'optimise'" in luthier("optimise", exit_code=2).stderr


def test_help_loads_neither_numpy_nor_rich() -> None:
    watch = (
        "import sys\nfrom luthier.cli import main\n"
        "main(['run', '--help'], standalone_mode=False)\n"
        "print({'numpy', 'rich', 'sqlite3'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", watch], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.endswith("\nset()\n")


def test_letters_that_the_terminal_lacks_are_shown_by_their_code(tmp_path: Path) -> None:
    library.create_study(study_name="é\U0001f3bb", storage=tmp_path / "a.db")
    done = subprocess.run(
        [sys.executable, "-m", "luthier.cli", "studies", "--storage", str(tmp_path / "a.db")],
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[1].startswith(b"\xe9\\U0001f3bb ")


def test_a_mistake_is_told_in_one_message_on_stderr() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "luthier.cli", "status", "--storage", "nosuch.db"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: There is no storage 'nosuch.db'. Name the file that 'luthier run --storage' "
        "wrote, or set LUTHIER_STORAGE.\n"
    )
