"""Several processes on one storage, beside Optuna's: ``make bench-storages``.

    python -m benchmarks.storages [REPEATS [LARGE]]

All drivers of a row work on one study and begin together; a rate is trials over the time from the
first's beginning to the last's end. Libraries take turns. PostgreSQL is the same server for both,
with its usual settings: it waits for the disk at each commit. Optuna makes fewer trials, as they
would take an hour. The result goes to ``benchmarks/results/storages.json``.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.peers import ROOT, environment, installed
from benchmarks.storages import large, sqlite
from benchmarks.storages.postgres_server import PostgresServer, postgres_server
from luthier.storages import open_storage

DRIVER = Path(__file__).with_name("driver.py")
RESULTS = ROOT / "benchmarks" / "results" / "storages.json"
PROCESSES = 8


def main(repeats: int = 3, trials: int = 200_000) -> int:
    """Measure everything; return 0 if every target is met."""
    with tempfile.TemporaryDirectory() as folder, postgres_server(fsync=True) as server:
        rows = [
            *one_process(folder, repeats),
            *processes_on_a_file(folder, repeats),
            *processes_on_a_server(server, repeats),
        ]
        big = large.measure(server.url("postgres", schema="large"), trials)
        rows.append(_row(f"PostgreSQL, {trials:,} trials: an ask", big["ask_ms"], "ms", most=5))
    for row in rows:
        mark = "" if row["met"] else "  MISSED"
        print(f"{row['what']:56}{row['got']:10.4g}  {row['target']}{mark}")
    print(json.dumps(big))
    machine = {"python": platform.python_version(), "cores": os.cpu_count()}
    result = {"machine": machine, "rows": rows, "large": big}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    return 0 if all(row["met"] for row in rows) else 1


def one_process(folder: str, repeats: int) -> list[dict[str, Any]]:
    """CPU of a durable trial in a SQLite file: the storage's beside bare sqlite3, and a study's."""
    todo = sqlite.trials(2000)
    bare, ours, study, theirs = [], [], [], []
    for _ in range(repeats):
        place = partial(_file, folder)
        bare.append(sqlite.baseline(Path(place()), todo) / len(todo))
        ours.append(sqlite.durable(open_storage(place()), todo) / len(todo))
        study += [d["cpu"] for d in drive("luthier", f"sqlite:///{place()}", 1, 2000)]
        theirs += [d["cpu"] for d in drive("optuna", f"sqlite:///{place()}", 1, 50)]
    base, storage, whole, peer = (statistics.median(x) for x in (bare, ours, study, theirs))
    return [
        _row("SQLite, one process: storage's CPU / bare sqlite3's", storage / base, "x", most=8),
        _row("SQLite, one process: Optuna's CPU / a study's", peer / whole, "x", least=100),
        _row("SQLite, one process: Optuna's CPU / the storage's", peer / storage, "x", least=100),
    ]


def processes_on_a_file(folder: str, repeats: int) -> list[dict[str, Any]]:
    """What eight processes get done on a SQLite file, as a share of what one does."""
    shares = []
    for _ in range(repeats):
        one = rate(drive("luthier", f"sqlite:///{_file(folder)}", 1, 4000), 4000)
        all_ = rate(drive("luthier", f"sqlite:///{_file(folder)}", PROCESSES, 500), 500)
        shares.append(all_ / one)
    share = statistics.median(shares)
    return [_row("SQLite, 8 processes: their rate / that of one", share, "x", least=0.6)]


def processes_on_a_server(server: PostgresServer, repeats: int) -> list[dict[str, Any]]:
    """What eight processes get done on a PostgreSQL server, beside Optuna's."""
    rates: dict[str, list[float]] = {"luthier": [], "optuna": []}
    for _ in range(repeats):
        for library, trials in (("luthier", 200), ("optuna", 5)):
            name = f"{library}_{secrets.token_hex(4)}"
            server.create_database(name)
            url = server.url(name).replace("postgresql:", "postgresql+psycopg2:")
            rates[library].append(rate(drive(library, url, PROCESSES, trials), trials))
    ours, theirs = (statistics.median(rates[library]) for library in rates)
    row = _row("PostgreSQL, 8 processes: their rate / Optuna's", ours / theirs, "x", least=50)
    return [row | {"luthier": round(ours, 1), "optuna": round(theirs, 2)}]


def drive(library: str, url: str, processes: int, trials: int) -> list[dict[str, float]]:
    """Let processes work on one study together; return what each measured.

    Raises:
        SystemExit: One failed.
    """
    command = [installed(library), str(DRIVER), library, url, str(trials)]
    running: list[subprocess.Popen[str]] = []
    pipe = subprocess.PIPE
    for _ in range(processes):
        running.append(
            subprocess.Popen(command, env=environment(), stdin=pipe, stdout=pipe, text=True)
        )
        if len(running) == 1:
            _ready(running[0])  # the first makes the tables
    for process in running[1:]:
        _ready(process)
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    measured = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        raise SystemExit(f"A driver of {library} failed; what it said stands above.")
    return [json.loads(text.splitlines()[-1]) for text in measured]


def rate(drivers: list[dict[str, float]], trials: int) -> float:
    """Trials a second of drivers that made so many each."""
    seconds = max(d["end"] for d in drivers) - min(d["start"] for d in drivers)
    return len(drivers) * trials / seconds


def _ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise SystemExit("A driver failed; what it said stands above.")


def _file(folder: str) -> str:
    return f"{folder}/{secrets.token_hex(4)}.db"


def _row(
    what: str, got: float, unit: str, *, least: float | None = None, most: float | None = None
) -> dict[str, Any]:
    met = got >= least if least is not None else got <= (most or 0)
    target = f">= {least:g} {unit}" if least is not None else f"<= {most:g} {unit}"
    return {"what": what, "got": got, "target": target, "met": met}


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
