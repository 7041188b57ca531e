"""One library's CMA-ES on BBOB functions; run by ``cma_bbob.py`` in that library's environment.

    python cma_worker.py LIBRARY DIMENSION FUNCTIONS FIRST LAST

prints a JSON line {"function", "seed", "error"} for each run of the seeds from FIRST up to,
without, LAST: the distance to the least value after 200 evaluations a dimension, at least 1e-8.
Seed s gets instance 1 + s mod 5. All begin in the centre with a fifth of the range as standard
deviation, know the box, and restart by BIPOP from anywhere in it.

"luthier" is ``numerics.cma`` with the sampler's settings and restarts, "sampler" the sampler.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

LOW, HIGH = -5.0, 5.0
SIGMA = 0.2 * (HIGH - LOW)
PRECISION = 1e-8


class UsedUpError(Exception):
    """There are no evaluations left."""


class Budget:
    """A function that counts, remembers the best value, and ends the search when it's used up."""

    def __init__(self, f, n):
        self.f, self.left, self.best = f, n, np.inf

    def __call__(self, x):
        if not self.left:
            raise UsedUpError
        self.left -= 1
        value = float(self.f(x))
        self.best = min(self.best, value)
        return value


def sampler_side(f, d, seed):
    """The sampler, through a history."""
    from luthier.samplers import CMAES
    from luthier.space import Float, Space
    from luthier.testing.rehearsal import Rehearsal

    play = Rehearsal(Space({f"x{i}": Float(LOW, HIGH) for i in range(d)}), seed=seed)
    play.optimise(CMAES(sigma=0.2), lambda p: f(np.array(list(p.values()))), f.left + 1)


def luthier_side(f, d, seed):
    """What the sampler does where trials come one after the other, without a history."""
    from luthier.numerics import cma
    from luthier.samplers.evolution.bipop import Run, usual_population

    rng = np.random.default_rng(seed)
    run = Run(usual_population(d), usual_population(d))
    search, bests = cma.start(np.full(d, 0.5), 0.2, bounded=True), []
    while True:
        k = run.population
        X = cma.ask(search, cma.draws(k, d, rng))
        y = np.array([f(LOW + (HIGH - LOW) * x) for x in np.clip(X, 0, 1)])
        search, run = cma.tell(search, X, y), run.counting(k)
        bests.append(y.min())
        if cma.stopped(search, bests[-cma.flat_window(d, k) :], k):
            run, width = run.next(rng)
            search, bests = cma.start(rng.random(d), 0.2 * width, bounded=True), []


def cma_side(f, d, seed):
    import cma

    rng = np.random.default_rng(seed)
    elsewhere = (rng.uniform(LOW, HIGH, d) for _ in itertools.count())
    starts = itertools.chain([np.zeros(d)], elsewhere)
    options = {"bounds": [LOW, HIGH], "seed": seed + 1, "verbose": -9}
    cma.fmin2(f, lambda: next(starts), SIGMA, options, restarts=9, bipop=True)


def cmaes_side(f, d, seed):
    """Its documentation's BIPOP: the first run counts as a small one."""
    from cmaes import CMA

    rng = np.random.default_rng(seed)
    bounds = np.tile([LOW, HIGH], (d, 1))

    def started(mean, population, sigma):
        return CMA(mean, sigma, bounds, seed=int(rng.integers(2**31)), population_size=population)

    search = started(np.zeros(d), None, SIGMA)
    usual, doublings, small, spent = search.population_size, 0, True, [0, 0]
    while True:
        points = [search.ask() for _ in range(search.population_size)]
        search.tell([(x, f(x)) for x in points])
        spent[small] += len(points)
        if search.should_stop():
            small = spent[True] < spent[False]
            doublings += not small
            share = rng.random() ** 2 if small else 1.0
            population = int(usual * (2**doublings * (0.5 if small else 1)) ** share)
            sigma = SIGMA * (10 ** (-2 * rng.random()) if small else 1)
            search = started(rng.uniform(LOW, HIGH, d), max(population, 4), sigma)


SIDES = {
    "luthier": luthier_side,
    "sampler": sampler_side,
    "cma": cma_side,
    "cmaes": cmaes_side,
}


def problem(function, d, instance):
    """A BBOB function and its least value, which COCO writes to a file."""
    import cocoex

    cocoex.log_level("warning")
    wanted = f"function_indices: {function} dimensions: {d}"
    suites = [cocoex.Suite("bbob", f"instances: {instance}", wanted) for _ in range(2)]
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        suites[0][0]._best_parameter("print")
        (written,) = Path(folder).iterdir()
        best = np.array(written.read_text().split(), float)
    return suites, suites[0][0](best)


def main():
    library, functions = sys.argv[1], map(int, sys.argv[3].split(","))
    d, first, last = (int(sys.argv[k]) for k in (2, 4, 5))
    for function in functions:
        for seed in range(first, last):
            suites, least = problem(function, d, 1 + seed % 5)
            budget = Budget(suites[1][0], 200 * d)
            with contextlib.suppress(UsedUpError):
                SIDES[library](budget, d, seed)
            error = max(budget.best - least, PRECISION)
            print(json.dumps({"function": function, "seed": seed, "error": error}), flush=True)


if __name__ == "__main__":
    main()
