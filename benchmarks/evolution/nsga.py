"""Hypervolume of NSGA-II and NSGA-III beside pymoo, of all points that each evaluated.

    python -m benchmarks.evolution.nsga --seeds 15

needs pymoo beside Luthier (tools/peers.sh evolution). ``luthier`` has pymoo's settings,
``defaults`` our own; pymoo's are those of its examples: 100 members, 92 for three objectives in
NSGA-III. Runs are kept in results/nsga.jsonl, and what is there isn't run again.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import numpy as np

from benchmarks.evolution.nsga_problems import PROBLEMS, Problem
from benchmarks.evolution.recorded import Recorded
from luthier.numerics.pareto import das_dennis, hypervolume

ALGORITHMS = ("nsga2", "nsga3")
SIDES = ("pymoo", "luthier", "defaults")


def population_of(algorithm: str, m: int) -> int:
    return 92 if (algorithm, m) == ("nsga3", 3) else 100


def luthier_side(
    algorithm: str, problem: Problem, n: int, seed: int, settings: dict[str, Any]
) -> np.ndarray:
    import luthier
    from luthier import Float, Space

    m = len(problem.reference)
    study = luthier.create_study(
        directions=["minimize"] * m,
        space=Space({f"x{i}": Float(0, 1) for i in range(problem.d)}),
        sampler={"name": algorithm, **settings},  # type: ignore[arg-type]
        seed=seed,
    )
    found = []
    for _ in range(n):
        trial = study.ask()
        found.append(problem.evaluate(np.array(list(trial.params.values()))))
        study.tell(trial, found[-1])
    return np.array(found)


def pymoo_side(algorithm: str, problem: Problem, n: int, seed: int) -> np.ndarray:
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.algorithms.moo.nsga3 import NSGA3
    from pymoo.core.problem import ElementwiseProblem
    from pymoo.optimize import minimize

    found: list[list[float]] = []
    m = len(problem.reference)

    class Watched(ElementwiseProblem):
        def __init__(self) -> None:
            super().__init__(n_var=problem.d, n_obj=m, xl=0.0, xu=1.0)

        def _evaluate(self, x: Any, out: Any, *args: Any, **kwargs: Any) -> None:
            found.append(problem.evaluate(x))
            out["F"] = found[-1]

    size = population_of(algorithm, m)
    peer = (
        NSGA2(pop_size=size)
        if algorithm == "nsga2"
        else NSGA3(das_dennis(m, 99 if m == 2 else 12), pop_size=size)
    )
    minimize(Watched(), peer, ("n_eval", n), seed=seed)
    return np.array(found[:n])


def volume(side: str, algorithm: str, problem: Problem, n: int, seed: int) -> float:
    if side == "pymoo":
        Y = pymoo_side(algorithm, problem, n, seed)
    else:
        size = population_of(algorithm, len(problem.reference))
        equal = {"population": size, "offspring": size}
        Y = luthier_side(algorithm, problem, n, seed, equal if side == "luthier" else {})
    return hypervolume(Y, problem.reference)


def row(algorithm: str, problem: str, theirs: float, *ours: float) -> str:
    """Return a row of the table: medians, ours with their ratio to the peer's."""
    shown = " | ".join(f"{value:.3f} ({value / theirs:.2f})" for value in ours)
    return f"| {algorithm} | {problem} | {theirs:.3f} | {shown} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS))
    parser.add_argument("--algorithms", nargs="+", default=ALGORITHMS)
    parser.add_argument("--seeds", type=int, default=15)
    parser.add_argument("--evaluations", type=int, default=5000)
    options = parser.parse_args()
    recorded = Recorded("nsga")
    print("| algorithm | problem | pymoo | Luthier, equal settings | Luthier, defaults |")
    print("|---|---|---|---|---|")
    for algorithm in options.algorithms:
        for name in options.problems:
            medians = []
            for side in SIDES:
                what = {"algorithm": algorithm, "problem": name, "side": side}
                run = partial(volume, side, algorithm, PROBLEMS[name], options.evaluations)
                medians.append(recorded.median(what, options.evaluations, options.seeds, run))
            print(row(algorithm, name, *medians), flush=True)


if __name__ == "__main__":
    main()
