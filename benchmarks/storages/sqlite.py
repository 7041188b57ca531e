"""What a durable trial costs, beside two bare ``sqlite3`` transactions in the same run.

Usage: python -m benchmarks.storages.sqlite [TRIALS [REPEATS]]

A trial is added RUNNING and finished: ten parameters, one metric. The baseline writes the same
JSON with the same pragmas, one INSERT and one UPDATE, each its own transaction, and nothing
else: no log, no versions, no guards. CPU microseconds a trial, medians of the repeats; the
repeats of all rows take turns, so that a busy machine slows them alike.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from luthier.core.objective import Objective
from luthier.core.protocols import Storage
from luthier.core.trial import FrozenTrial, Origin, TrialState, changed
from luthier.storages import MemoryStorage, open_storage

NAMES = tuple(f"param_{i}" for i in range(10))


def trials(n: int) -> list[FrozenTrial]:
    rng = np.random.default_rng(0)
    floats, ints = rng.random((n, 5)).tolist(), rng.integers(0, 1000, (n, 3)).tolist()
    return [
        FrozenTrial(
            number=i,
            state=TrialState.RUNNING,
            param_names=NAMES,
            param_values=(*floats[i], *ints[i], "relu", "adam"),
            started=1.7e9 + i,
            worker="host:12345:1700000000",
            attempt=1,
            origin=Origin('{"name":"random"}', "random", 2 * i),
        )
        for i in range(n)
    ]


def baseline(path: Path, todo: list[FrozenTrial]) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE t (number INTEGER PRIMARY KEY, params TEXT, value REAL)")
    start = time.process_time()
    for trial in todo:
        connection.execute("BEGIN IMMEDIATE")
        row = (trial.number, json.dumps(trial.params))
        connection.execute("INSERT INTO t (number, params) VALUES (?, ?)", row)
        connection.execute("COMMIT")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE t SET value = ? WHERE number = ?", (0.5, trial.number))
        connection.execute("COMMIT")
    spent = time.process_time() - start
    connection.close()
    return spent


def durable(storage: Storage, todo: list[FrozenTrial]) -> float:
    study = storage.create_study("s", Objective(), 0, {}).id
    start = time.process_time()
    for trial in todo:
        added = storage.add_trials(study, [trial])[0]
        done = changed(
            added,
            state=TrialState.COMPLETE,
            metric_names=("value",),
            metric_values=(0.5 + added.number,),
            finished=1.8e9 + added.number,
            cost=0.25 + added.number,
        )
        storage.finish(study, done)
    spent = time.process_time() - start
    storage.close()
    return spent


def reading(path: Path) -> float:
    storage = open_storage(path)
    start = time.process_time()
    storage.changes_since(1, 0)
    spent = time.process_time() - start
    storage.close()
    return spent


def bytes_read(path: Path, n: int) -> float:
    storage = open_storage(path)
    tracemalloc.start()
    kept = storage.changes_since(1, 0)
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(kept.trials) == n
    storage.close()
    return size / n


def main(n: int = 2000, repeats: int = 5) -> None:
    todo = trials(n)
    rows: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as directory:
        last = Path(directory)
        for turn in range(repeats):
            bare, last = Path(directory, f"bare{turn}.db"), Path(directory, f"luthier{turn}.db")
            tasks: dict[str, Callable[[], float]] = {
                "bare sqlite3, 2 transactions": partial(baseline, bare, todo),
                "SQLite storage, add + finish": partial(durable, open_storage(last), todo),
                "memory storage, add + finish": partial(durable, MemoryStorage(), todo),
                "SQLite storage, read": partial(reading, last),
            }
            for name, task in tasks.items():
                rows.setdefault(name, []).append(task() / n * 1e6)
        medians = {name: statistics.median(spent) for name, spent in rows.items()}
        reference = next(iter(medians.values()))
        for name, median in medians.items():
            print(f"{name:32} {median:8.1f} us a trial {median / reference:8.2f} x bare")
        print(f"{'SQLite storage, memory read':32} {bytes_read(last, n):8.0f} B a trial")
        print(f"{'SQLite storage, file':32} {last.stat().st_size / n:8.0f} B a trial")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
