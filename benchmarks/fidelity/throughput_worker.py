"""One library's side of ``throughput.py``; runs in that library's own environment.

    python throughput_worker.py LIBRARY RULE PLACE TRIALS

prints the seconds of CPU that a step takes: a report and its decision alone, and with its share
of all else that trials take. The former is the difference to a study whose trials report nothing.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time

STEPS = 100


def luthier_side(rule, file):
    import luthier
    from luthier.schedulers import Asha, Median

    luthier.set_verbosity("error")
    scheduler = {"median": Median(), "asha": Asha(STEPS, mode="stopping")}[rule]
    return luthier.create_study(storage=file, sampler="random", scheduler=scheduler, seed=0)


def optuna_side(rule, file):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner = {
        "median": optuna.pruners.MedianPruner(),
        "asha": optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
    }[rule]
    sampler = optuna.samplers.RandomSampler(seed=0)
    return optuna.create_study(storage=file and f"sqlite:///{file}", sampler=sampler, pruner=pruner)


SIDES = {"luthier": luthier_side, "optuna": optuna_side}


def main(library, rule, place, trials):
    bare, whole = (spent(library, rule, place, trials, steps) for steps in (0, STEPS))
    print(json.dumps([(whole - bare) / trials / STEPS, whole / trials / STEPS]))


def spent(library, rule, place, trials, steps):
    """Seconds of CPU that a study takes whose trials report so many steps."""

    def objective(trial):
        x = trial.suggest_float("x", 0, 1)
        for step in range(1, steps + 1):
            trial.report(x + 1 / step, step)
            trial.should_prune()  # asked, and not obeyed: every trial makes all its steps
        return x

    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/study.db" if place == "sqlite" else None
        study = SIDES[library](rule, file)
        study.optimize(objective, n_trials=1)  # what is loaded late is loaded now
        start = time.process_time()
        study.optimize(objective, n_trials=trials)
        return time.process_time() - start


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
