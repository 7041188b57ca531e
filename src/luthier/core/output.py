"""What trials print, where it is kept: a file for each run of a trial, of bounded size."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

__all__ = ["MOST_BYTES", "output_file", "output_files", "shorten"]

MOST_BYTES: Final = 2**20  # kept of one run: its first and its last half
_NAME: Final = re.compile(r"(\d+)-(\d+)\.log")


def output_file(folder: Path, number: int, attempt: int) -> Path:
    """Return the file for what a trial prints in one of its runs.

    Example:
        >>> output_file(Path("logs"), 12, 1).as_posix()
        'logs/12-1.log'
    """
    return folder / f"{number}-{attempt}.log"


def output_files(folder: Path, number: int) -> dict[int, Path]:
    """Return what is kept of a trial's output, by attempt; runs that printed nothing have none."""
    if not folder.is_dir():
        return {}
    found = ((_NAME.fullmatch(path.name), path) for path in folder.glob(f"{number}-*.log"))
    return dict(sorted((int(match[2]), path) for match, path in found if match))


def shorten(path: Path, most: int = MOST_BYTES) -> None:
    """Cut the middle out of a file that has grown beyond ``most`` bytes.

    The file stays the same one: a process that appends to it goes on after what is kept. What it
    writes in this very moment may be lost.

    Args:
        path: The file; nothing is done if it is gone.
        most: Bytes to keep.
    """
    try:
        size = path.stat().st_size
        if size <= most:
            return
        with open(path, "r+b") as file:
            head = file.read(most // 2)
            file.seek(size - most // 2)
            tail = file.read()
            file.truncate(0)
            file.seek(0)
            file.write(head + b"\n[... %d bytes left out ...]\n" % (size - most) + tail)
    except FileNotFoundError:
        pass
