"""Optuna's worker; runs in Optuna's own environment. A failed trial raises, and is caught."""

from __future__ import annotations

import evaluation
import optuna
from problems import is_active


def sampler_of(name, seed):
    samplers = optuna.samplers
    return {
        "random": lambda: samplers.RandomSampler(seed=seed),
        "tpe": lambda: samplers.TPESampler(seed=seed),
        "tpe-group": lambda: samplers.TPESampler(
            seed=seed, multivariate=True, group=True, warn_independent_sampling=False
        ),
        "gp": lambda: samplers.GPSampler(seed=seed),
        "cmaes": lambda: samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False),
    }[name]()


def suggest(trial, item):
    if item["type"] == "cat":
        return trial.suggest_categorical(item["name"], item["choices"])
    log = item.get("log", False)
    if item["type"] == "int":
        step = item.get("step", 1)
        return trial.suggest_int(item["name"], item["low"], item["high"], step=step, log=log)
    return trial.suggest_float(item["name"], item["low"], item["high"], log=log)


def run(strategy, problem, budget, seed, evaluate):
    def objective(trial):
        config = {}
        for item in problem.space:
            if is_active(item, config):
                config[item["name"]] = suggest(trial, item)
        value = evaluate(config)
        if value is None:
            raise RuntimeError("this configuration crashes")
        return value

    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    study = optuna.create_study(sampler=sampler_of(strategy, seed))
    study.optimize(objective, n_trials=budget, catch=(RuntimeError,))


if __name__ == "__main__":
    evaluation.main(run, "optuna", "numpy", "scipy")
