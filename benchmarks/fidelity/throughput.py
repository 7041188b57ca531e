"""What a report and its decision cost, beside Optuna, and how long simulated workers wait.

    python -m benchmarks.fidelity.throughput [REPEATS]

Both libraries run by turns, each in a fresh process. On SQLite Optuna makes fewer trials than
Luthier, as they would take a quarter of an hour: its rules get slower with the number of trials, so
that favours it. The result goes to ``benchmarks/results/throughput.json``.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import luthier
from benchmarks.fidelity import lcdb
from benchmarks.peers import ROOT, run
from luthier.schedulers import Asha
from luthier.testing.simulate import Training, simulate

WORKER = Path(__file__).with_name("throughput_worker.py")
RESULTS = ROOT / "benchmarks" / "results" / "throughput.json"


@dataclass(frozen=True)
class Row:
    """A rule in a place: how many trials either library makes, and the least ratio."""

    rule: str
    place: str
    ours: int
    theirs: int
    at_least: float

    @property
    def label(self) -> str:
        peer = {"median": "MedianPruner", "asha": "SuccessiveHalvingPruner"}[self.rule]
        return f"{self.rule} ({peer}), {self.place}"


ROWS = (
    Row("median", "memory", 1000, 1000, 10),
    Row("asha", "memory", 1000, 1000, 10),
    Row("median", "sqlite", 1000, 10, 50),
    Row("asha", "sqlite", 1000, 10, 50),
)


def main(repeats: int = 3) -> int:
    """Run everything; return 0 if every target is met."""
    print(f"{'report + decide, 100 steps a trial':44}{'Luthier':>10}{'Optuna':>10}{'ratio':>8}")
    table = []
    for row in ROWS:
        line = compare(row, repeats)
        table.append(line)
        mark = "" if line["met"] else "  MISSED"
        figures = f"{line['luthier']:8.1f}µs{line['optuna']:8.1f}µs{line['ratio']:8.1f}"
        print(f"{line['what']:44}{figures}  >= {line['at_least']:g}{mark}", flush=True)
    save(table, None)
    workers = simulated()
    print("ASHA, 64 simulated workers:", json.dumps(workers))
    save(table, workers)
    return 0 if all(line["met"] for line in [*table, workers]) else 1


def save(table: list[dict[str, Any]], workers: dict[str, Any] | None) -> None:
    """Keep the result beside the code."""
    machine = {"python": platform.python_version(), "cores": os.cpu_count()}
    result = {"machine": machine, "rows": table, "simulated": workers}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


def compare(row: Row, repeats: int) -> dict[str, Any]:
    """One line: medians of the CPU microseconds a step of both."""
    spent: dict[str, list[list[float]]] = {"luthier": [], "optuna": []}
    for _ in range(repeats):
        for library, trials in (("luthier", row.ours), ("optuna", row.theirs)):
            [seconds] = run(library, WORKER, library, row.rule, row.place, trials)
            spent[library].append([round(1e6 * s, 2) for s in seconds])
    (ours, our_whole), (theirs, their_whole) = np.median(list(spent.values()), axis=1).tolist()
    return {
        "what": row.label,
        "trials": [row.ours, row.theirs],
        "luthier": ours,
        "optuna": theirs,
        "ratio": theirs / ours,
        "with all else": [our_whole, their_whole],
        "repeats": spent,
        "at_least": row.at_least,
        "met": theirs / ours >= row.at_least,
    }


def simulated(trials: int = 10_000, steps: int = 50, workers: int = 64) -> dict[str, Any]:
    """ASHA on the curves of LCDB, the time of its decisions included.

    Each trial is a learner on a split of a data set. A step takes half a minute to a minute and a
    half: long beside a decision, short beside what people train. Workers are idle while they wait
    for a decision.
    """
    luthier.set_verbosity("error")
    curves = lcdb.curves(steps)
    space = luthier.Space(curve=luthier.Float(0, len(curves) - 1))
    study = luthier.create_study(space=space, sampler="random", scheduler=Asha(steps), seed=0)

    def table(params: Any) -> Training:
        k = int(params["curve"])
        return Training(curves[k].tolist(), seconds=30 + 60 * (k % 20) / 19)

    start = time.process_time()
    with full_collections() as collections:
        run = simulate(study, table, workers, n_trials=trials, count_decisions=True)
    spent = time.process_time() - start
    every = 1e3 * run.decisions
    idle, long = float(run.idle_share.max()), int(np.count_nonzero(every >= 5))
    return {
        "curves": f"{len(curves)} of LCDB",
        "trials": trials,
        "max_steps": steps,
        "steps": run.steps,
        "workers": workers,
        "cpu_seconds": round(spent, 1),
        "simulated_hours": round(run.seconds / 3600, 1),
        "most_idle_share": round(idle, 5),
        "decisions_ms": in_short(every),
        "last_tenth_of_decisions_ms": in_short(every[-len(every) // 10 :]),
        "decisions_over_5_ms": long,
        "full_collections_ms": [round(ms, 3) for ms in collections],
        "met": idle <= 0.02 and not long,
    }


def in_short(milliseconds: NDArray[np.float64]) -> dict[str, float]:
    """The mean, the 99% quantile and the longest."""
    found = {
        "mean": milliseconds.mean(),
        "99%": np.quantile(milliseconds, 0.99),
        "max": milliseconds.max(),
    }
    return {what: round(float(ms), 3) for what, ms in found.items()}


@contextmanager
def full_collections() -> Iterator[list[float]]:
    """Give a list that gets the CPU milliseconds of each full garbage collection meanwhile."""
    spent: list[float] = []
    begun = 0.0

    def watch(phase: str, info: dict[str, int]) -> None:
        nonlocal begun
        if info["generation"] == 2 and phase == "start":
            begun = time.process_time()
        elif info["generation"] == 2:
            spent.append(1e3 * (time.process_time() - begun))

    gc.callbacks.append(watch)
    try:
        yield spent
    finally:
        gc.callbacks.remove(watch)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
