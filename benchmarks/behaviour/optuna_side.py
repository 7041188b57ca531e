"""Optuna's worker, as ``luthier_side.py``, with one slot; runs in Optuna's own environment."""

from __future__ import annotations

import json
import sys
import warnings

import optuna
import problems

from benchmarks.spaces.in_optuna import suggested


def sampler_of(name, seed):
    samplers = optuna.samplers
    if name == "gp":
        return samplers.GPSampler(seed=seed)
    if name == "tpe-group":
        return samplers.TPESampler(seed=seed, multivariate=True, group=True)
    return {"tpe": samplers.TPESampler, "random": samplers.RandomSampler}[name](seed=seed)


def run(sampler, problem, budget, seed):
    study = optuna.create_study(sampler=sampler_of(sampler, seed))
    values = []
    for _ in range(budget):
        trial = study.ask()
        value = problem.function(suggested(trial, problem.space))
        state = optuna.trial.TrialState.FAIL if value is None else None
        study.tell(trial, value, state=state)
        values.append(value)
    different = {json.dumps(trial.params, sort_keys=True) for trial in study.trials}
    return {"values": values, "different": len(different)}


if __name__ == "__main__":
    sampler, name, *numbers = sys.argv[1:]
    budget, slots, *seeds = map(int, numbers)
    if slots != 1:
        raise SystemExit("optuna_side.py runs one trial at a time")
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    problem = problems.load(name)
    for seed in seeds:
        print(json.dumps({"seed": seed, **run(sampler, problem, budget, seed)}), flush=True)
