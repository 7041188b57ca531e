"""Optuna's searches: a sampler with HyperbandPruner.

Values are reported at the rungs only: its pruner looks at no others.
"""

from __future__ import annotations

import optuna

from benchmarks.fidelity.curves import STEPS, OutOfBudgetError, Search, main
from benchmarks.spaces.in_optuna import suggested

RUNGS = (1, 3, 9, 27)


def search(sampler: str, found: Search, seed: int) -> None:
    """Run a sampler with HyperbandPruner until the budget is spent."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    kind = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}[sampler]

    def objective(trial):
        config = suggested(trial, found.table.space)
        for step in RUNGS:
            value = found.train(trial.number, config, step)
            trial.report(value, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return value

    pruner = optuna.pruners.HyperbandPruner(1, STEPS, reduction_factor=3)
    study = optuna.create_study(sampler=kind(seed=seed), pruner=pruner, study_name="curves")
    try:
        study.optimize(objective)
    except OutOfBudgetError:
        return


if __name__ == "__main__":
    main(search)
