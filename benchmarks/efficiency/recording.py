"""Recorded trajectories: which there are, and how they are kept.

A sampler's runs are in ``LABEL.json.gz``, by problem and seed. While it runs, each finished study
is appended as a line to ``LABEL.part.jsonl``: killed at any time, a recording loses only the
studies under way. ``read`` sees both; ``fold`` makes the former of both. Several processes may
record at a time: a lock on the folder keeps one from folding away what another has just written.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TRAJECTORIES = Path(__file__).parent / "trajectories"

# values (null: failed), true values if noisy, cpu_per_trial, versions, a hash of the source if ours
Run = dict[str, Any]
Runs = dict[str, dict[str, Run]]  # problem -> seed -> run


def read(label: str, folder: Path = TRAJECTORIES) -> Runs:
    """Return a sampler's runs; none if nothing is recorded."""
    kept: Runs = {}
    if (path := _whole(label, folder)).exists():
        with gzip.open(path, "rt") as file:
            kept = json.load(file)
    if (path := _part(label, folder)).exists():
        for line in path.read_text().splitlines():
            try:
                run = json.loads(line)
            except json.JSONDecodeError:
                continue  # the process was killed while it wrote
            kept.setdefault(run.pop("problem"), {})[str(run.pop("seed"))] = run
    return kept


def true_values(run: Run) -> list[float | None]:
    """Return a run's values without noise, None where a trial failed."""
    values: list[float | None] = run["true"] if "true" in run else run["values"]
    return values


def append(label: str, folder: Path, problem: str, run: Run) -> None:
    """Keep one run, which knows its seed."""
    with _locked(folder), _part(label, folder).open("a") as file:
        file.write("\n" + json.dumps({"problem": problem, **run}) + "\n")


def fold(label: str, folder: Path = TRAJECTORIES) -> None:
    """Write a sampler's runs to its compressed file, and drop the lines."""
    with _locked(folder):
        kept = read(label, folder)
        ordered = {
            name: dict(sorted(kept[name].items(), key=lambda item: int(item[0])))
            for name in sorted(kept)
        }
        part = _whole(label, folder).with_suffix(".new")
        with gzip.GzipFile(part, "wb", mtime=0) as file:
            file.write(json.dumps(ordered, separators=(",", ":")).encode())
        part.rename(_whole(label, folder))
        _part(label, folder).unlink(missing_ok=True)


def labels(folder: Path = TRAJECTORIES) -> list[str]:
    """Return the labels of all samplers that have runs in a folder."""
    files = [*folder.glob("*.json.gz"), *folder.glob("*.part.jsonl")]
    return sorted({f.name.removesuffix(".json.gz").removesuffix(".part.jsonl") for f in files})


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _whole(label: str, folder: Path) -> Path:
    return folder / f"{label}.json.gz"


def _part(label: str, folder: Path) -> Path:
    return folder / f"{label}.part.jsonl"
