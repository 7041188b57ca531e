"""GA beside DEAP's eaSimple, DE beside SciPy's and Nevergrad's: the best value of all evaluations.

    python -m benchmarks.evolution.genetic ga --seeds 15

needs deap, scipy and nevergrad beside Luthier (tools/peers.sh evolution). ``luthier`` has the
peer's settings as far as there are such, ``defaults`` our own. DEAP runs its customary real-coded
setup (population 100, tournaments of 3, SBX and polynomial mutation in bounds, probabilities 0.9
and 0.2); SciPy its defaults (population 150) without polishing, Nevergrad its defaults (population
30). Runs are kept in results/genetic.jsonl, and what is there isn't run again.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.evolution.genetic_problems import PROBLEMS, D
from benchmarks.evolution.recorded import Recorded

Objective = Callable[[np.ndarray], float]
LOW, HIGH = -5.0, 5.0
EQUAL: dict[str, dict[str, Any]] = {
    "ga": {
        "population": 100,
        "replacement": "generational",
        "elite": 0,
        "eta_crossover": 15.0,
        "mutations": 0.2,  # a child in five, one number of it
        "eta_mutation": 20.0,
    },
    "de": {"population": 150},
}
PEERS = {"ga": ("deap",), "de": ("scipy", "nevergrad")}


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


def luthier_side(name: str, settings: dict[str, Any], f: Objective, n: int, seed: int) -> float:
    import luthier
    from luthier import Float, Space

    budget = Budget(f, n)
    space = Space({f"x{i}": Float(LOW, HIGH) for i in range(D)})
    sampler: Any = {"name": name, **settings}
    study = luthier.create_study(space=space, sampler=sampler, seed=seed)
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


def nevergrad_side(f: Objective, n: int, seed: int) -> float:
    import nevergrad as ng

    box = ng.p.Array(init=np.zeros(D)).set_bounds(LOW, HIGH)
    box.random_state.seed(seed)
    budget = Budget(f, n)
    ng.optimizers.DE(parametrization=box, budget=n).minimize(budget)
    return budget.best


def value(side: str, algorithm: str, f: Objective, n: int, seed: int) -> float:
    peers = {"deap": deap_side, "scipy": scipy_side, "nevergrad": nevergrad_side}
    if side in peers:
        return peers[side](f, n, seed)
    return luthier_side(algorithm, EQUAL[algorithm] if side == "luthier" else {}, f, n, seed)


def row(problem: str, *medians: float) -> str:
    """Return a row of the table."""
    return f"| {problem} | {' | '.join(f'{v:.1e}' for v in medians)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("algorithm", choices=tuple(EQUAL))
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS))
    parser.add_argument("--seeds", type=int, default=15)
    parser.add_argument("--evaluations", type=int, default=5000)
    parser.add_argument("--sides", nargs="+")
    options = parser.parse_args()
    recorded = Recorded("genetic")
    sides = options.sides or [*PEERS[options.algorithm], "luthier", "defaults"]
    print(f"| problem | {' | '.join(sides)} |\n|{'---|' * (len(sides) + 1)}")
    ahead = dict.fromkeys(sides, 0)
    for name in options.problems:
        medians = {}
        for side in sides:
            what = {"algorithm": options.algorithm, "problem": name, "side": side}
            run = partial(value, side, options.algorithm, PROBLEMS[name], options.evaluations)
            medians[side] = recorded.median(what, options.evaluations, options.seeds, run)
        best = min(v for side, v in medians.items() if side in PEERS[options.algorithm])
        for side, v in medians.items():
            ahead[side] += v <= best
        print(row(name, *medians.values()), flush=True)
    print(f"| not behind the best peer | {' | '.join(map(str, ahead.values()))} |")


if __name__ == "__main__":
    main()
