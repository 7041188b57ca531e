"""Luthier's worker."""

from __future__ import annotations

from typing import Any

import luthier
from benchmarks.fronts import evaluation
from benchmarks.fronts.problems import Problem
from benchmarks.spaces.in_luthier import space_of


def run(
    strategy: str, problem: Problem, budget: int, seed: int, evaluate: evaluation.Evaluations
) -> None:
    """Run one study."""
    objectives = [f"f{j}" for j in range(problem.n_objectives)]
    limits = [f"g{j}" for j in range(problem.n_constraints)]

    def objective(trial: luthier.Trial) -> dict[str, Any]:
        values, excess = evaluate(dict(trial.params))
        return dict(zip([*objectives, *limits], [*values, *excess], strict=True))

    luthier.set_verbosity("critical")
    study = luthier.create_study(
        space=space_of(problem.space),
        metrics=dict.fromkeys(objectives, "minimize"),
        constraints=[f"{limit} <= 0" for limit in limits],
        strategy=strategy,
        seed=seed,
    )
    study.optimize(objective, n_trials=budget)


if __name__ == "__main__":
    evaluation.main(run, "luthier", "numpy")
