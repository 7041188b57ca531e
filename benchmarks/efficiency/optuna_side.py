"""Optuna's worker, as ``luthier_side.py``; runs in Optuna's own environment."""

from __future__ import annotations

import json
import math
import sys
import time

import problems


def sampler_of(name, seed):
    import optuna

    return {
        "random": lambda: optuna.samplers.RandomSampler(seed=seed),
        "tpe": lambda: optuna.samplers.TPESampler(seed=seed),
        "tpe-multivariate": lambda: optuna.samplers.TPESampler(
            seed=seed, multivariate=True, warn_independent_sampling=False
        ),
        "tpe-group": lambda: optuna.samplers.TPESampler(
            seed=seed, multivariate=True, group=True, warn_independent_sampling=False
        ),
        "gp": lambda: optuna.samplers.GPSampler(seed=seed),
        "cmaes": lambda: optuna.samplers.CmaEsSampler(seed=seed),
    }[name]()


def suggest(trial, item):
    if item["type"] == "cat":
        return trial.suggest_categorical(item["name"], item["choices"])
    if item["type"] == "int":
        step = item.get("step", 1)
        return trial.suggest_int(
            item["name"], item["low"], item["high"], step=step, log=item.get("log", False)
        )
    return trial.suggest_float(item["name"], item["low"], item["high"], log=item.get("log", False))


def run(strategy, problem, budget, seed):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    inside = 0.0
    true = {}

    def objective(trial):
        nonlocal inside
        config = {}
        for item in problem.space:
            condition = item.get("condition")
            if condition is None or config.get(condition["parent"]) in condition["values"]:
                config[item["name"]] = suggest(trial, item)
        start = time.process_time()
        result = problem.evaluate(config, seed=seed * 100_003 + trial.number)
        inside += time.process_time() - start
        if result["failed"] or not math.isfinite(result["value"]):
            raise RuntimeError("this configuration crashes")
        true[trial.number] = result.get("true_value", result["value"])
        return float(result["value"])

    study = optuna.create_study(sampler=sampler_of(strategy, seed))
    start = time.process_time()
    study.optimize(objective, n_trials=budget, catch=(RuntimeError,))
    cpu = time.process_time() - start - inside
    values = [true.get(n) for n in range(len(study.trials))]
    return {"values": values, "cpu_per_trial": cpu / max(len(values), 1)}


if __name__ == "__main__":
    strategy, name, budget, *seeds = sys.argv[1:]
    import warnings

    warnings.simplefilter("ignore")
    problem = problems.load([name])[name]
    for seed in map(int, seeds):
        print(json.dumps({"seed": seed, **run(strategy, problem, int(budget), seed)}), flush=True)
