"""Luthier's side of the overhead benchmark; the same tasks as ``optuna_worker.py``.

Usage: python luthier_worker.py TASK N DIRECTORY
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from typing import Any

import luthier
from luthier import FrozenTrial, TrialState
from luthier.core.trial import Origin

Result = dict[str, Any]


def objective(trial: luthier.Trial) -> float:
    total = 0.0
    for i in range(3):
        total += trial.suggest_float(f"x{i}", -5.0, 5.0)
    for i in range(2):
        total += trial.suggest_float(f"lr{i}", 1e-5, 1e-1, log=True)
    for i in range(3):
        total += trial.suggest_int(f"n{i}", 1, 100)
    for i in range(2):
        total += len(trial.suggest_categorical(f"c{i}", ["a", "bb", "ccc"]))
    return total


def memory(n: int, directory: str) -> Result:
    luthier.set_verbosity("error")
    study = luthier.create_study(sampler="random", seed=0)
    start = time.process_time()
    study.optimize(objective, n_trials=n)
    return {"cpu_per_trial": (time.process_time() - start) / n}


def sqlite(n: int, directory: str) -> Result:
    luthier.set_verbosity("error")
    storage = f"sqlite:///{directory}/luthier-{os.getpid()}.db"
    study = luthier.create_study(storage=storage, sampler="random", seed=0)
    start = time.process_time()
    study.optimize(objective, n_trials=n)
    return {"cpu_per_trial": (time.process_time() - start) / n}


def build(n: int, directory: str) -> Result:
    """A stored study of n trials, written in batches of add_trials."""
    path = f"{directory}/luthier-large.db"
    if os.path.exists(path):
        return {"path": path}
    source = luthier.create_study(sampler="random", seed=0)
    luthier.set_verbosity("error")
    source.optimize(objective, n_trials=1000)
    study = luthier.create_study(storage=path, study_name="large", sampler="random", seed=0)
    storage, record = study.storage, study._driver.record
    for first in range(0, n, 1000):
        batch = [_renumbered(t, first + t.number, n) for t in source.trials]
        storage.add_trials(record.id, batch)
    return {"path": path}


def _renumbered(trial: FrozenTrial, number: int, n: int) -> FrozenTrial:
    return FrozenTrial(
        number=number,
        state=TrialState.COMPLETE,
        param_names=trial.param_names,
        param_values=trial.param_values,
        metric_names=trial.metric_names,
        metric_values=(trial.metric_values[0] + number / n,),
        started=trial.started,
        finished=trial.finished,
        cost=trial.cost,
        worker=trial.worker,
        attempt=1,
        origin=Origin(trial.origin.sampler, trial.origin.reason, number),
        declares=trial.declares if number == 0 else {},
    )


def open_large(n: int, directory: str) -> Result:
    _warm_up(directory)
    before = _resident()
    start = time.process_time()
    study = luthier.load_study(storage=f"{directory}/luthier-large.db", study_name="large")
    best = study.best_trial
    seconds = time.process_time() - start
    start = time.process_time()
    count = len(study.get_trials())
    return {
        "cpu_open_best": seconds,
        "cpu_read_all": seconds + time.process_time() - start,
        "bytes_per_trial": (_resident() - before) / n,
        "trials": count,
        "best": best.number,
    }


def _warm_up(directory: str) -> None:
    """Load what opening a stored study loads, so that only the opening itself is measured."""
    small = luthier.create_study(storage=f"{directory}/luthier-warm-{os.getpid()}.db", seed=0)
    small.optimize(objective, n_trials=1)
    small.best_trial.params  # noqa: B018


def reports(n: int, directory: str) -> Result:
    luthier.set_verbosity("error")
    study = luthier.create_study(sampler="random", scheduler="median", seed=0)

    def with_reports(trial: luthier.Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        for step in range(100):
            trial.report(x + step, step)
            trial.should_prune()
        return x

    start = time.process_time()
    study.optimize(with_reports, n_trials=n)
    return {"cpu_per_step": (time.process_time() - start) / n / 100}


def _resident() -> int:
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


TASKS = {
    "memory": memory,
    "sqlite": sqlite,
    "build": build,
    "open": open_large,
    "reports": reports,
}

if __name__ == "__main__":
    result = TASKS[sys.argv[1]](int(sys.argv[2]), sys.argv[3])
    result["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(result))
