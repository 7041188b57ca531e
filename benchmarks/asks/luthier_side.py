"""Luthier's worker. Prints the CPU milliseconds of each ask and tell as JSON.

Usage: python luthier_side.py asks|study STRATEGY TRIALS ASKS SEED

``asks`` fills a study with random trials, then asks and tells some more. ``study`` runs all trials
from nothing through ``optimize``, and prints the milliseconds of the whole.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import task

import luthier

SPACE = {name: luthier.Float(task.LOW, task.HIGH) for name in task.NAMES}


def asks(strategy: str, n: int, count: int, seed: int) -> list[float]:
    """Milliseconds of each ask and tell after n random trials."""
    study = luthier.create_study(space=SPACE, strategy=strategy, seed=seed)
    study.add_trials(
        luthier.create_trial(params=params, value=y) for params, y in task.history(n, seed)
    )

    def ask() -> tuple[Any, Sequence[float]]:
        trial = study.ask()
        params = trial.params
        return trial, [params[name] for name in task.NAMES]

    return task.timed(ask, study.tell, count)


def whole(strategy: str, n: int, seed: int) -> list[float]:
    """Milliseconds of a study of n trials, parameters suggested one by one."""

    def objective(trial: luthier.Trial) -> float:
        return task.value([trial.suggest_float(name, task.LOW, task.HIGH) for name in task.NAMES])

    study = luthier.create_study(strategy=strategy, seed=seed)
    start = time.process_time()
    study.optimize(objective, n_trials=n)
    return [1e3 * (time.process_time() - start)]


if __name__ == "__main__":
    kind, strategy, *numbers = sys.argv[1:]
    n, count, seed = map(int, numbers)
    luthier.set_verbosity("critical")
    whole(strategy, task.WARM_UP, seed)
    cpu = asks(strategy, n, count, seed) if kind == "asks" else whole(strategy, n, seed)
    print(json.dumps({"cpu": cpu, "version": luthier.__version__}))
