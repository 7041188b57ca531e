"""Optuna's worker; runs in Optuna's own environment."""

from __future__ import annotations

import optuna

from benchmarks.fronts import evaluation
from benchmarks.spaces.in_optuna import suggested


def sampler_of(name, seed, constraints_func):
    kind = {
        "tpe": optuna.samplers.TPESampler,
        "gp": optuna.samplers.GPSampler,
        "nsgaii": optuna.samplers.NSGAIISampler,
        "random": optuna.samplers.RandomSampler,
    }[name]
    if constraints_func is None or name == "random":
        return kind(seed=seed)
    return kind(seed=seed, constraints_func=constraints_func)


def run(strategy, problem, budget, seed, evaluate):
    def objective(trial):
        values, excess = evaluate(suggested(trial, problem.space))
        trial.set_user_attr("excess", excess)
        return values

    constraints_func = (lambda t: t.user_attrs["excess"]) if problem.n_constraints else None
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    study = optuna.create_study(
        directions=["minimize"] * problem.n_objectives,
        sampler=sampler_of(strategy, seed, constraints_func),
    )
    study.optimize(objective, n_trials=budget)


if __name__ == "__main__":
    evaluation.main(run, "optuna", "numpy", "scipy")
