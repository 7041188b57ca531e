"""Optuna's side of the overhead benchmark; runs in Optuna's own environment.

Usage: python optuna_worker.py TASK N DIRECTORY
Prints one JSON object of measurements. CPU seconds are those of this process.
"""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import sys
import time


def objective(trial):
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


def memory(n, directory):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    start = time.process_time()
    study.optimize(objective, n_trials=n)
    return {"cpu_per_trial": (time.process_time() - start) / n}


def sqlite(n, directory):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = f"sqlite:///{directory}/optuna-{os.getpid()}.db"
    study = optuna.create_study(storage=url, sampler=optuna.samplers.RandomSampler(seed=0))
    start = time.process_time()
    study.optimize(objective, n_trials=n)
    return {"cpu_per_trial": (time.process_time() - start) / n}


def build(n, directory):
    """A stored study of n trials: one real trial, copied by SQL (asking n times takes hours)."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    path = f"{directory}/optuna-large.db"
    if os.path.exists(path):
        return {"path": path}
    study = optuna.create_study(
        storage=f"sqlite:///{path}", study_name="large", sampler=optuna.samplers.RandomSampler()
    )
    study.optimize(objective, n_trials=1)
    copies = "WITH RECURSIVE k(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM k WHERE i < ?)"
    with sqlite3.connect(path) as db:
        for table, key in (
            ("trials", "trial_id"),
            ("trial_params", "param_id"),
            ("trial_values", "trial_value_id"),
        ):
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            changed = {
                "trial_id": "k.i",
                "number": "k.i - 1",
                "value": "t.value + abs(random()) / 9223372036854775807.0",
            }
            values = [changed.get(c, f"t.{c}") for c in columns if c != key or c == "trial_id"]
            names = [c for c in columns if c != key or c == "trial_id"]
            db.execute(
                f"{copies} INSERT INTO {table} ({', '.join(names)}) "
                f"SELECT {', '.join(values)} FROM k, {table} t WHERE t.trial_id = 1",
                (n,),
            )
    return {"path": path}


def open_large(n, directory):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    _warm_up(directory)
    before = _resident()
    start = time.process_time()
    study = optuna.load_study(storage=f"sqlite:///{directory}/optuna-large.db", study_name="large")
    best = study.best_trial
    seconds = time.process_time() - start
    start = time.process_time()
    count = len(study.get_trials(deepcopy=False))
    return {
        "cpu_open_best": seconds,
        "cpu_read_all": seconds + time.process_time() - start,
        "bytes_per_trial": (_resident() - before) / n,
        "trials": count,
        "best": best.number,
    }


def _warm_up(directory):
    """Load what opening a stored study loads, so that only the opening itself is measured."""
    import optuna

    small = optuna.create_study(storage=f"sqlite:///{directory}/optuna-warm-{os.getpid()}.db")
    small.optimize(objective, n_trials=1)
    small.best_trial.params  # noqa: B018


def reports(n, directory):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        sampler=optuna.samplers.RandomSampler(seed=0), pruner=optuna.pruners.MedianPruner()
    )

    def with_reports(trial):
        x = trial.suggest_float("x", 0, 1)
        for step in range(100):
            trial.report(x + step, step)
            trial.should_prune()
        return x

    start = time.process_time()
    study.optimize(with_reports, n_trials=n)
    return {"cpu_per_step": (time.process_time() - start) / n / 100}


def _resident():
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
