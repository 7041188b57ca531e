"""Optuna's worker; runs in Optuna's own environment. A failed trial raises, and is caught."""

from __future__ import annotations

import evaluation
import optuna

from benchmarks.spaces.in_optuna import suggested


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


def run(strategy, problem, budget, seed, evaluate):
    def objective(trial):
        value = evaluate(suggested(trial, problem.space))
        if value is None:
            raise RuntimeError("this configuration crashes")
        return value

    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    study = optuna.create_study(sampler=sampler_of(strategy, seed))
    study.optimize(objective, n_trials=budget, catch=(RuntimeError,))


if __name__ == "__main__":
    evaluation.main(run, "optuna", "numpy", "scipy")
