"""A thousand workers on a virtual clock, and what their study costs: ``make bench-scaling``.

    python -m benchmarks.scaling [WORKERS [HOURS]]

One driver decides for all workers, one thing after another, on a SQLite file; the CPU seconds of
its decisions count as simulated seconds, so that whoever waits for one is idle. The size of trials
is that of files and tables after a study of ten parameters, with reports and without. Figures go to
``benchmarks/results/scaling.json``, the tables made of them to ``docs/benchmarks/scaling.md``.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

import luthier
from benchmarks.efficiency.report import Table
from benchmarks.peers import ROOT
from benchmarks.storages.postgres_server import PostgresServer, postgres_server
from luthier import Categorical, Float, Int, Space
from luthier.schedulers import Asha
from luthier.testing.simulate import Training, simulate

RESULTS: Final = ROOT / "benchmarks" / "results" / "scaling.json"
PAGE: Final = ROOT / "docs" / "benchmarks" / "scaling.md"
STEPS: Final = 27
STUDIES: Final = {  # a step takes one to three minutes, a trial without a scheduler nine to 27
    "random": ("random", None),
    "tpe": ("tpe", None),
    "random, Asha(27)": ("random", Asha(STEPS)),
    "tpe, Asha(27)": ("tpe", Asha(STEPS)),
}
LENGTHS: Final = {"10 s": 10, "1 min": 60, "10 min": 600, "1 h": 3600}
SPACE: Final = Space(
    **{f"x{i}": Float(0, 1) for i in range(4)},
    **{f"rate{i}": Float(1e-5, 1e-1, log=True) for i in range(2)},
    **{f"n{i}": Int(1, 100) for i in range(2)},
    **{f"kind{i}": Categorical(["a", "b", "c"]) for i in range(2)},
)


def main(workers: int = 1000, hours: float = 1.0) -> None:
    """Measure everything, record it, and write the page."""
    luthier.set_verbosity("error")
    simulated = {}
    for name in STUDIES:
        simulated[name] = simulation(name, workers, hours)
        print(name, json.dumps(simulated[name]), flush=True)
    with postgres_server() as server:
        size = sizes(server)
    print(json.dumps(size))
    result = {
        "machine": {"python": platform.python_version(), "cores": os.cpu_count()},
        "workers": workers,
        "hours": hours,
        "simulated": simulated,
        "bytes": size,
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    PAGE.write_text(page(result))


def simulation(name: str, workers: int, hours: float) -> dict[str, float]:
    """One study with so many virtual workers, which get work for so many hours."""
    sampler, scheduler = STUDIES[name]
    at = np.arange(1, STEPS + 1)

    def table(params: Mapping[str, Any]) -> Training:
        step = 60 + 120 * params["x0"]
        if scheduler is None:
            return Training([params["x1"]], seconds=step * STEPS / 3)
        curve = params["x1"] + at ** -(0.2 + params["x2"])
        return Training(curve.tolist(), seconds=step)

    with tempfile.TemporaryDirectory() as folder:
        study = luthier.create_study(
            storage=f"{folder}/study.db",
            space=SPACE,
            sampler=sampler,
            scheduler=scheduler or "none",
            seed=0,
        )
        begun = time.process_time()
        run = simulate(study, table, workers, seconds=3600 * hours, count_decisions=True)
        spent = time.process_time() - begun
        trials = study._driver.refresh().n_trials
        study.storage.close()
    return {
        "trials": trials,
        "mean_idle_share": round(float(run.idle_share.mean()), 5),
        "most_idle_share": round(float(run.idle_share.max()), 5),
        "decisions": len(run.decisions),
        "decisions_a_second": round(len(run.decisions) / float(run.decisions.sum()), 1),
        "needed_a_second": round(len(run.decisions) / run.supplied, 2),
        "decision_99%_ms": round(1e3 * float(np.quantile(run.decisions, 0.99)), 3),
        "cpu_ms_a_trial": round(1e3 * spent / trials, 3),
    }


def sizes(server: PostgresServer, trials: int = 2000, reports: int = 10) -> dict[str, Any]:
    """Bytes of a trial and of a report where they are stored."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "study.db")
        places = {"SQLite": str(file), "PostgreSQL": server.url()}
        found = {}
        for place, url in places.items():
            grown = [_size(place, server, file)]
            for steps in (0, reports):
                _fill(url, trials, steps)
                grown.append(_size(place, server, file))
            trial, with_reports = np.diff(grown) / trials
            found[place] = {
                "trial": round(float(trial)),
                "report": round(float(with_reports - trial) / reports),
            }
    return found


def _fill(url: str, trials: int, steps: int) -> None:
    def objective(trial: luthier.Trial) -> float:
        params = trial.params
        for step in range(steps):
            trial.report(params["x0"] + step, step)
        return float(params["x0"])

    study = luthier.create_study(storage=url, space=SPACE, sampler="random", seed=0)
    study.optimize(objective, n_trials=trials)
    study.storage.close()


def _size(place: str, server: PostgresServer, file: Path) -> int:
    if place == "SQLite":
        return file.stat().st_size if file.exists() else 0
    import psycopg

    with contextlib.closing(psycopg.connect(server.url(), autocommit=True)) as connection:
        connection.execute("VACUUM FULL")  # what updates leave behind is used again in time
        row = connection.execute("SELECT pg_database_size('postgres')").fetchone()
    return 0 if row is None else int(row[0])


def page(result: Mapping[str, Any]) -> str:
    """Return the page that is included in docs/scaling.md."""
    header = (
        *("study", "trials", "idle, mean", "idle, most", "decisions a second: needed", "possible"),
        *("99% within, ms", "driver's CPU a trial, ms"),
    )
    workers, hours = result["workers"], result["hours"]
    simulated = Table(
        f"{workers:,} simulated workers for {hours:g} h, one driver",
        header,
        tuple(
            (
                name,
                f"{row['trials']:,}",
                f"{row['mean_idle_share']:.2%}",
                f"{row['most_idle_share']:.2%}",
                f"{row['needed_a_second']:.3g}",
                f"{row['decisions_a_second']:.0f}",
                f"{row['decision_99%_ms']:.3g}",
                f"{row['cpu_ms_a_trial']:.2g}",
            )
            for name, row in result["simulated"].items()
        ),
    )
    costs = {name: result["simulated"][name]["cpu_ms_a_trial"] for name in ("random", "tpe")}
    arithmetic = Table(
        f"What {workers:,} workers ask for",
        (
            "a trial takes",
            "asks a second",
            *(f"of one driver's time, {name}" for name in costs),
            "records read a second if each is a driver",
        ),
        tuple(
            (
                length,
                f"{workers / seconds:.3g}",
                *(f"{workers / seconds * cost / 1e3:.2%}" for cost in costs.values()),
                f"{2 * workers * workers / seconds:,.0f}",
            )
            for length, seconds in LENGTHS.items()
        ),
    )
    stored = Table(
        "Bytes stored, log included",
        ("storage", "a trial of ten parameters", "a report", "a million trials, GB"),
        tuple(
            (place, f"{b['trial']:,}", f"{b['report']:,}", f"{b['trial'] / 1e3:.2g}")
            for place, b in result["bytes"].items()
        ),
    )
    note = "<!-- Written by make bench-scaling from benchmarks/results/scaling.json. -->\n\n"
    return note + "\n".join(table.markdown() for table in (simulated, arithmetic, stored))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *map(float, sys.argv[2:]))
