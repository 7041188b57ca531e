"""Luthier's searches: BOHB with a sampler of any name."""

from __future__ import annotations

import luthier
from benchmarks.fidelity.curves import STEPS, OutOfBudgetError, Search, main
from benchmarks.spaces.in_luthier import space_of

PLENTY = 100_000


def search(sampler: str, found: Search, seed: int) -> None:
    """Run BOHB with a sampler until the budget is spent."""

    def objective(trial: luthier.Trial) -> float:
        return found.train(trial.number, trial.params, trial.budget or STEPS)

    study = luthier.create_study(
        space=space_of(found.table.space), strategy=luthier.bohb(STEPS, sampler=sampler), seed=seed
    )
    try:
        study.optimize(objective, n_trials=PLENTY, catch=())
    except OutOfBudgetError:
        return


if __name__ == "__main__":
    main(search)
