"""Hypervolume of NSGA-II and NSGA-III beside pymoo, of all points that each evaluated.

    python -m benchmarks.evolution.nsga zdt1 dtlz2 --seeds 5 --evaluations 5000

needs pymoo beside Luthier. Prints the median of each and the ratio; appends every run to --out.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.evolution.nsga_problems import PROBLEMS, Problem
from luthier.numerics.pareto import das_dennis, hypervolume

ALGORITHMS = ("nsga2", "nsga3")
LIBRARIES = ("luthier", "pymoo")


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


def pymoo_side(
    algorithm: str, problem: Problem, n: int, seed: int, settings: dict[str, Any]
) -> np.ndarray:
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.algorithms.moo.nsga3 import NSGA3
    from pymoo.core.problem import ElementwiseProblem
    from pymoo.optimize import minimize

    found: list[list[float]] = []
    m = len(problem.reference)

    class Recorded(ElementwiseProblem):
        def __init__(self) -> None:
            super().__init__(n_var=problem.d, n_obj=m, xl=0.0, xu=1.0)

        def _evaluate(self, x: Any, out: Any, *args: Any, **kwargs: Any) -> None:
            found.append(problem.evaluate(x))
            out["F"] = found[-1]

    peer = (
        NSGA2(pop_size=100)
        if algorithm == "nsga2"
        else NSGA3(das_dennis(m, 99 if m == 2 else 12), pop_size=100 if m == 2 else 92)
    )
    minimize(Recorded(), peer, ("n_eval", n), seed=seed)
    return np.array(found[:n])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS))
    parser.add_argument("--algorithms", nargs="+", default=ALGORITHMS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--evaluations", type=int, default=5000)
    parser.add_argument("--settings", type=json.loads, default={})
    parser.add_argument("--libraries", nargs="+", default=LIBRARIES)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    sides = {"luthier": luthier_side, "pymoo": pymoo_side}
    for name in options.problems:
        for algorithm in options.algorithms:
            medians, seconds = {}, {}
            for library in options.libraries:
                volumes, start = [], time.process_time()
                for seed in range(options.seeds):
                    side = sides[library]
                    Y = side(algorithm, PROBLEMS[name], options.evaluations, seed, options.settings)
                    volumes.append(hypervolume(Y, PROBLEMS[name].reference))
                seconds[library] = (time.process_time() - start) / options.seeds
                medians[library] = float(np.median(volumes))
                if options.out:
                    row = {"problem": name, "algorithm": algorithm, "library": library}
                    with options.out.open("a") as file:
                        file.write(json.dumps(row | {"hypervolumes": volumes}) + "\n")
            ratio = medians["luthier"] / medians["pymoo"] if len(medians) == 2 else float("nan")
            shown = "  ".join(f"{k} {v:.4f} ({seconds[k]:.2f} s)" for k, v in medians.items())
            print(f"{name:6} {algorithm}  {shown}  ratio {ratio:.4f}", flush=True)


if __name__ == "__main__":
    main()
