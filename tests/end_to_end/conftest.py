"""What the end-to-end tests share: the true program in processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_PROGRAM = (sys.executable, "-m", "luthier.cli")
_SAFETY_NET = 400  # seconds after which a process must be hanging


class Program:
    """Runs ``luthier`` in a directory, and ends what is left of it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """Start a command and return its process; stderr goes with stdout."""
        return self._begin([*_PROGRAM, *arguments], env)

    def python(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """Start a script, as ``start`` does a command."""
        return self._begin([sys.executable, *arguments], env)

    def _begin(self, command: list[str], env: dict[str, str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command,
            cwd=self.directory,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(process)
        return process

    def run(self, *arguments: str, exit_code: int = 0) -> str:
        """Run a command to its end and return what it printed."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=_SAFETY_NET)
        assert process.returncode == exit_code, output
        return output

    def export(self, storage: str) -> dict[str, Any]:
        """The only study of a storage, as ``luthier export`` writes it."""
        target = self.directory / "exported.json"
        self.run("export", "--storage", storage, "-o", str(target))
        exported: dict[str, Any] = json.loads(target.read_text("utf-8"))
        return exported

    def close(self) -> None:
        """End what still runs, and wait for it."""
        for process in self._started:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """The program ``luthier`` in an empty directory."""
    program = Program(tmp_path)
    yield program
    program.close()
