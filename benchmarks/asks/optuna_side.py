"""Optuna's worker, as ``luthier_side.py``; runs in Optuna's own environment."""

from __future__ import annotations

import json
import sys
import time
import warnings

import optuna
import task

SPACE = {name: optuna.distributions.FloatDistribution(task.LOW, task.HIGH) for name in task.NAMES}
SAMPLERS = {"tpe": optuna.samplers.TPESampler, "gp": optuna.samplers.GPSampler}


def suggested(trial):
    return [trial.suggest_float(name, task.LOW, task.HIGH) for name in task.NAMES]


def asks(sampler, n, count, seed):
    study = optuna.create_study(sampler=SAMPLERS[sampler](seed=seed))
    study.add_trials(
        optuna.trial.create_trial(params=params, distributions=SPACE, value=y)
        for params, y in task.history(n, seed)
    )

    def ask():
        trial = study.ask()
        return trial, suggested(trial)

    return task.timed(ask, study.tell, count)


def whole(sampler, n, seed):
    study = optuna.create_study(sampler=SAMPLERS[sampler](seed=seed))
    start = time.process_time()
    study.optimize(lambda trial: task.value(suggested(trial)), n_trials=n)
    return [1e3 * (time.process_time() - start)]


if __name__ == "__main__":
    kind, sampler, *numbers = sys.argv[1:]
    n, count, seed = map(int, numbers)
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    whole(sampler, task.WARM_UP, seed)
    cpu = asks(sampler, n, count, seed) if kind == "asks" else whole(sampler, n, seed)
    print(json.dumps({"cpu": cpu, "version": optuna.__version__}))
