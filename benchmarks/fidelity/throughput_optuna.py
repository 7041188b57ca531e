"""Optuna's side of ``throughput.py``; runs in Optuna's own environment.

Usage: python throughput_optuna.py RULE PLACE TRIALS STEPS
"""

from __future__ import annotations

import json
import sys
import tempfile
import time

import optuna


def main(rule, place, trials, steps):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    whole, bare = spent(rule, place, trials, steps), spent(rule, place, trials, 0)
    return {
        "report": (whole - bare) / trials / steps,
        "whole": whole / trials / steps,
        "version": optuna.__version__,
    }


def spent(rule, place, trials, steps):
    """CPU seconds of a study whose trials all make so many steps."""
    pruner = {
        "median": optuna.pruners.MedianPruner(),
        "asha": optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
    }[rule]

    def objective(trial):
        x = trial.suggest_float("x", 0, 1)
        for step in range(1, steps + 1):
            trial.report(x + 1 / step, step)
            trial.should_prune()
        return x

    with tempfile.TemporaryDirectory() as folder:
        storage = f"sqlite:///{folder}/study.db" if place == "sqlite" else None
        study = optuna.create_study(
            storage=storage, sampler=optuna.samplers.RandomSampler(seed=0), pruner=pruner
        )
        study.optimize(objective, n_trials=1)
        start = time.process_time()
        study.optimize(objective, n_trials=trials)
        return time.process_time() - start


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))))
