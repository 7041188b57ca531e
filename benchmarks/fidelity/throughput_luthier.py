"""Luthier's side of ``throughput.py``.

Usage: python throughput_luthier.py RULE PLACE TRIALS STEPS
"""

from __future__ import annotations

import json
import sys
import tempfile
import time

import luthier
from luthier.schedulers import Asha, Median

STEPS = 100


def main(rule: str, place: str, trials: int, steps: int) -> dict[str, object]:
    luthier.set_verbosity("error")
    whole, bare = spent(rule, place, trials, steps), spent(rule, place, trials, 0)
    return {
        "report": (whole - bare) / trials / steps,
        "whole": whole / trials / steps,
        "version": luthier.__version__,
    }


def spent(rule: str, place: str, trials: int, steps: int) -> float:
    """CPU seconds of a study whose trials all make so many steps."""
    scheduler = {"median": Median(), "asha": Asha(STEPS, mode="stopping")}[rule]

    def objective(trial: luthier.Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        for step in range(1, steps + 1):
            trial.report(x + 1 / step, step)
            trial.should_prune()  # asked, and not obeyed: every trial makes all its steps
        return x

    with tempfile.TemporaryDirectory() as folder:
        storage = f"{folder}/study.db" if place == "sqlite" else None
        study = luthier.create_study(storage=storage, sampler="random", scheduler=scheduler, seed=0)
        study.optimize(objective, n_trials=1)  # what is loaded late is loaded now
        start = time.process_time()
        study.optimize(objective, n_trials=trials)
        return time.process_time() - start


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))))
