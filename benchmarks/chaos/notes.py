"""What runs note about themselves in a file: the other witness of what happened."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import final

__all__ = ["Note", "read_notes", "write_note"]


@final
@dataclass(frozen=True, slots=True)
class Note:
    """A line of the file.

    Attributes:
        what: "begun", "reported" or "ended".
        number: The trial.
        attempt: Which run of it.
        driver: Identity of the driver's process.
        pid: The process that runs the objective.
        step: Of a report.
        value: Of a report or of the result; no two are equal.
    """

    what: str
    number: int
    attempt: int
    driver: str
    pid: int
    step: int | None = None
    value: float | None = None


def write_note(file: Path, note: Note) -> None:
    """Append a note, whole or not at all, whoever else is writing."""
    line = json.dumps(asdict(note)) + "\n"
    target = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(target, line.encode())
    finally:
        os.close(target)


def read_notes(file: Path) -> list[Note]:
    """All notes, oldest first."""
    return [Note(**json.loads(line)) for line in file.read_text("utf-8").splitlines()]
