"""Overhead of Luthier beside Optuna: ``make bench``.

Each task runs in a fresh process of each library, by turns, so that a busy machine slows both
alike; the figures are medians of the repeats. CPU seconds are the process's own, single thread.
The result is printed, and written to benchmarks/results/overhead.json with versions and machine.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.peers import ROOT, environment, installed

RESULTS = ROOT / "benchmarks" / "results" / "overhead.json"


@dataclass(frozen=True)
class Row:
    """One comparison: a task, how often Luthier's and Optuna's worker run it, and the target."""

    task: str
    ours: int
    theirs: int
    measure: str
    unit: float
    label: str
    at_least: float


ROWS = (
    Row("memory", 10_000, 10_000, "cpu_per_trial", 1e6, "random, in memory: µs a trial", 5),
    Row("sqlite", 2_000, 100, "cpu_per_trial", 1e6, "random, SQLite file: µs a trial", 50),
    Row("open", 100_000, 100_000, "cpu_open_best", 1e3, "open 100,000, best trial: ms", 10),
    Row("open", 100_000, 100_000, "cpu_read_all", 1e3, "open 100,000, read all: ms", 10),
    Row("open", 100_000, 100_000, "bytes_per_trial", 1, "100,000 read: bytes a trial", 3),
    Row("reports", 300, 300, "cpu_per_step", 1e6, "report + median rule: µs a step", 1),
)


def main(repeats: int = 5) -> int:
    """Run all tasks; return 0 if every target is met."""
    with tempfile.TemporaryDirectory() as folder:
        for python, worker in workers():
            run(python, worker, "build", 100_000, folder)
        seen = measure(repeats, folder)
    table = [compare(row, seen) for row in ROWS]
    table.append(import_cost(repeats))
    show(table)
    save(table)
    return 0 if all(line["met"] for line in table) else 1


def workers() -> tuple[tuple[str, str], tuple[str, str]]:
    """Interpreter and worker script of each library, ours first."""
    return (installed("luthier"), "luthier_worker.py"), (installed("optuna"), "optuna_worker.py")


def measure(repeats: int, folder: str) -> dict[tuple[str, str], list[dict[str, float]]]:
    """Measurements by (worker, task); a long task of the peer is repeated less."""
    seen: dict[tuple[str, str], list[dict[str, float]]] = {}
    for row in {row.task: row for row in ROWS}.values():
        for _ in range(3 if row.task == "open" else repeats):
            for (python, worker), n in zip(workers(), (row.ours, row.theirs), strict=True):
                result = run(python, worker, row.task, n, folder)
                seen.setdefault((worker, row.task), []).append(result)
    return seen


def run(python: str, worker: str, task: str, n: int, folder: str) -> dict[str, float]:
    """Run one task in a process of its own."""
    command = [python, str(ROOT / "benchmarks" / worker), task, str(n), folder]
    done = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def compare(row: Row, seen: Mapping[tuple[str, str], list[dict[str, float]]]) -> dict[str, Any]:
    """One line of the table: medians of both, and how many times less ours is."""
    ours, theirs = (
        statistics.median(result[row.measure] for result in seen[worker, row.task]) * row.unit
        for _, worker in workers()
    )
    ratio = theirs / ours
    target = f">= {row.at_least:g} times less"
    return {
        "what": row.label,
        "luthier": ours,
        "optuna": theirs,
        "ratio": ratio,
        "target": target,
        "met": ratio >= row.at_least,
    }


def import_cost(repeats: int) -> dict[str, Any]:
    """What ``import luthier`` and a first study cost beyond NumPy's own import."""
    code = (
        "import time; a = time.process_time(); import numpy; b = time.process_time();"
        "import luthier; c = time.process_time(); luthier.create_study;"
        "d = time.process_time(); print(b - a, c - b, d - b)"
    )
    rows = [
        [float(x) for x in subprocess.check_output([sys.executable, "-c", code], text=True).split()]
        for _ in range(repeats)
    ]
    numpy, package, _ = (statistics.median(column) * 1e3 for column in zip(*rows, strict=True))
    return {
        "what": "import luthier beyond NumPy: ms",
        "luthier": package,
        "optuna": numpy,
        "ratio": numpy / package,
        "target": "<= 150 ms (NumPy's own in the next column)",
        "met": package <= 150,
    }


def show(table: list[dict[str, Any]]) -> None:
    """Print the table."""
    print(f"{'':38}{'Luthier':>10}{'Optuna':>12}{'ratio':>9}  target")
    for line in table:
        mark = "" if line["met"] else "  MISSED"
        print(
            f"{line['what']:38}{line['luthier']:10.4g}{line['optuna']:12.5g}"
            f"{line['ratio']:9.3g}  {line['target']}{mark}"
        )


def save(table: list[dict[str, Any]]) -> None:
    """Keep the result beside the code."""
    RESULTS.parent.mkdir(exist_ok=True)
    versions = {
        worker.split("_")[0]: subprocess.check_output(
            [python, "-c", f"import {worker.split('_')[0]} as m; print(m.__version__)"], text=True
        ).strip()
        for python, worker in workers()
    }
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), **versions}
    RESULTS.write_text(json.dumps({"machine": machine, "rows": table}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
