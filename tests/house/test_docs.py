"""Every example in README.md and docs/ runs.

The blocks of a page run in order, in one namespace and one empty directory:

- a ``python`` block is executed; if its first line is a comment that names a file
  (``# train.py``), it is also saved under that name for the blocks that follow;
- the URL of a PostgreSQL server (``SERVER``) stands for that of the tests' own;
- each line of a ``console`` block that begins with ``$`` and one of ``COMMANDS`` is run and must
  succeed; a comment ``# exit code 2`` on it says otherwise. One that ends in ``&`` is a service: it
  is waited for, and ended with the page. The port of the documents is replaced by a free one.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"# (\w+\.py)\n")
SERVER = "postgresql://me:secret@localhost/runs?schema=mine"  # stands for the tests' own
COMMANDS = {"curl", "luthier", "printf", "python"}
PORTS = {"8470": "luthier serve ", "8480": "luthier dashboard ", "8481": ""}
EXIT_CODE = re.compile(r"# exit code (\d+)")


def blocks(text: str) -> Iterator[tuple[str, str, int]]:
    """Kind, text and line of each block that runs."""
    for match in BLOCK.finditer(text):
        yield match[1], match[2], text.count("\n", 0, match.start(2))


def run_python(code: str, line: int, page: Path, namespace: dict[str, Any]) -> None:
    if named := FILE_NAME.match(code):
        Path(named[1]).write_text(code, encoding="utf-8")
    exec(compile("\n" * line + code, str(page), "exec"), namespace)


def run_console(block: str, line: int, page: Path, services: ExitStack) -> None:
    scripts = str(Path(sys.executable).parent)
    env = os.environ | {"PATH": scripts + os.pathsep + os.environ["PATH"]}
    for shown in block.replace("\\\n", " ").splitlines():
        command = shown.removeprefix("$ ")
        if command == shown or shlex.split(command)[0] not in COMMANDS:
            continue
        if command.endswith(" &"):
            start_service(command.removesuffix(" &"), env, services)
            continue
        expected = EXIT_CODE.search(command)
        done = subprocess.run(
            command, shell=True, env=env, capture_output=True, text=True, check=False
        )
        told = f"{page.name}:{line}: {command}\n{done.stdout}{done.stderr}"
        assert done.returncode == (int(expected[1]) if expected else 0), told


def start_service(command: str, env: dict[str, str], services: ExitStack) -> None:
    service = services.enter_context(
        subprocess.Popen(shlex.split(command), env=env, stdout=subprocess.PIPE, text=True)
    )
    services.callback(service.send_signal, signal.SIGTERM)
    assert service.stdout is not None
    while "Serving on" not in (said := service.stdout.readline()):
        assert said, f"{command} has ended"


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return str(listening.getsockname()[1])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    written = page.read_text("utf-8")
    for usual, command in PORTS.items():
        if usual in written:
            port = free_port()
            written = written.replace(usual, port)
            if command:
                written = written.replace(command, f"{command}--port {port} ")
    if SERVER in written:
        written = written.replace(SERVER, request.getfixturevalue("postgres_url"))
    with ExitStack() as services:
        for kind, text, line in blocks(written):
            if kind == "python":
                run_python(text, line, page, namespace)
            else:
                run_console(text, line, page, services)
