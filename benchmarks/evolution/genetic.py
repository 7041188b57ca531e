"""GA beside DEAP's eaSimple, DE beside SciPy's: the best value after the same evaluations.

    python -m benchmarks.evolution.genetic ga --seeds 5 --evaluations 5000

needs deap and scipy beside Luthier. DEAP runs its customary real-coded setup (population 100,
tournaments of 3, SBX and polynomial mutation in bounds, probabilities 0.9
and 0.2); SciPy its defaults without polishing.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.evolution.genetic_problems import PROBLEMS, D

Objective = Callable[[np.ndarray], float]
LOW, HIGH = -5.0, 5.0


class Budget:
    """Counts evaluations, and remembers the best value among those that count."""

    def __init__(self, f: Objective, n: int) -> None:
        self.f, self.n, self.best, self.used = f, n, np.inf, 0

    def __call__(self, x: Any) -> float:
        value = self.f(np.asarray(x, dtype=np.float64))
        self.used += 1
        if self.used <= self.n:
            self.best = min(self.best, value)
        return value


def luthier_side(name: str, f: Objective, n: int, seed: int) -> float:
    import luthier
    from luthier import Float, Space

    budget = Budget(f, n)
    space = Space({f"x{i}": Float(LOW, HIGH) for i in range(D)})
    study = luthier.create_study(space=space, sampler=name, seed=seed)
    study.optimize(lambda trial: budget(list(trial.params.values())), n_trials=n)
    return budget.best


def deap_side(f: Objective, n: int, seed: int, population: int = 100) -> float:
    from deap import algorithms, base, creator, tools

    if not hasattr(creator, "Lowest"):
        creator.create("Lowest", base.Fitness, weights=(-1.0,))
        creator.create("Individual", list, fitness=creator.Lowest)
    random.seed(seed)
    budget, box = Budget(f, n), base.Toolbox()
    box.register("gene", random.uniform, LOW, HIGH)
    box.register("individual", tools.initRepeat, creator.Individual, box.gene, D)
    box.register("population", tools.initRepeat, list, box.individual)
    box.register("mate", tools.cxSimulatedBinaryBounded, eta=15.0, low=LOW, up=HIGH)
    box.register("mutate", tools.mutPolynomialBounded, eta=20.0, low=LOW, up=HIGH, indpb=1 / D)
    box.register("select", tools.selTournament, tournsize=3)
    box.register("evaluate", lambda individual: (budget(individual),))
    members = box.population(n=population)
    while budget.used < n:  # the last offspring may go beyond; that doesn't count
        members, _ = algorithms.eaSimple(members, box, 0.9, 0.2, ngen=1, verbose=False)
    return budget.best


def scipy_side(f: Objective, n: int, seed: int) -> float:
    from scipy.optimize import differential_evolution

    budget = Budget(f, n)
    differential_evolution(
        budget,
        [(LOW, HIGH)] * D,
        maxiter=n,
        rng=seed,
        polish=False,
        tol=0,
        callback=lambda *_: budget.used >= n,
    )
    return budget.best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("algorithm", choices=("ga", "de"))
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--evaluations", type=int, default=5000)
    options = parser.parse_args()
    peer = deap_side if options.algorithm == "ga" else scipy_side
    wins = 0
    for name in options.problems:
        f, seeds = PROBLEMS[name], range(options.seeds)
        start = time.process_time()
        ours = [luthier_side(options.algorithm, f, options.evaluations, s) for s in seeds]
        middle = time.process_time()
        theirs = [peer(f, options.evaluations, s) for s in seeds]
        end = time.process_time()
        a, b = float(np.median(ours)), float(np.median(theirs))
        wins += a <= b
        print(
            f"{name:18} luthier {a:9.2e} ({(middle - start) / len(seeds):.2f} s)  "
            f"peer {b:9.2e} ({(end - middle) / len(seeds):.2f} s)  {'ahead' if a <= b else '-'}",
            flush=True,
        )
    print(f"not behind on {wins} of {len(options.problems)}")


if __name__ == "__main__":
    main()
