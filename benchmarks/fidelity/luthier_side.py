"""Luthier's searches: MFES-HB, DEHB, and BOHB with a sampler of any name."""

from __future__ import annotations

import luthier
from benchmarks.fidelity.curves import STEPS, OutOfBudgetError, Search, main
from benchmarks.spaces.in_luthier import space_of

PLENTY = 100_000


def search(name: str, found: Search, seed: int) -> None:
    """Run a pair by its name, or BOHB with a sampler of that name, until the budget is spent."""
    pairs = {"mfes": luthier.mfes, "dehb": luthier.dehb}
    pair = pairs[name](STEPS) if name in pairs else luthier.bohb(STEPS, sampler=name)

    def objective(trial: luthier.Trial) -> float:
        return found.train(trial.number, trial.params, trial.budget or STEPS)

    study = luthier.create_study(space=space_of(found.table.space), strategy=pair, seed=seed)
    try:
        study.optimize(objective, n_trials=PLENTY, catch=())
    except OutOfBudgetError:
        return


if __name__ == "__main__":
    main(search)
