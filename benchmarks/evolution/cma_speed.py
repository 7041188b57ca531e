"""What 100,000 asks and tells of CMA-ES cost in 10-d, beside ``cmaes`` and ``cma``.

    tools/peers.sh optuna nevergrad      (``cmaes`` and ``cma`` come with them)
    python -m benchmarks.evolution.cma_speed [--n 100000]

Values are random, so that the search neither converges nor ends, and nothing but the library is
timed; generations of ten. Ours asks for a generation at once, and once more point by point as the
others do. CPU seconds, the median of three; written to ``benchmarks/results/cmaes.json``.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

D, POPULATION = 10, 10


def ours(n, whole):
    from luthier.numerics import cma

    rng = np.random.default_rng(0)
    state = cma.start(np.full(D, 0.5), 0.2)
    for y in values(n):
        Z = cma.draws(POPULATION, D, rng)
        if whole:
            X = cma.ask(state, Z)
        else:
            X = np.concatenate([cma.ask(state, z[None]) for z in Z])
        state = cma.tell(state, X, y)


def luthier_side(n):
    ours(n, True)


def pointwise_side(n):
    ours(n, False)


def cmaes_side(n):
    from cmaes import CMA

    search = CMA(np.full(D, 0.5), 0.2, population_size=POPULATION, seed=0)
    for y in values(n):
        search.tell([(search.ask(), value) for value in y.tolist()])


def cma_side(n):
    import cma

    options = {"verbose": -9, "popsize": POPULATION, "seed": 1}
    search = cma.CMAEvolutionStrategy(np.full(D, 0.5), 0.2, options)
    for y in values(n):
        search.tell(search.ask(), y.tolist())


def values(n):
    """What is told, generation by generation."""
    return np.random.default_rng(1).random((n // POPULATION, POPULATION))


SIDES = {
    "luthier": ("luthier", luthier_side),
    "luthier, point by point": ("luthier", pointwise_side),
    "cmaes": ("optuna", cmaes_side),
    "cma": ("nevergrad", cma_side),
}


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evolution.cma_speed")
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--side", choices=SIDES, help="time it in this process, and print it")
    given = parser.parse_args()
    if given.side:
        start = time.process_time()
        SIDES[given.side][1](given.n)
        print(json.dumps([time.process_time() - start]))
        return
    from benchmarks.evolution.cma_bbob import record
    from benchmarks.peers import run

    seconds = {name: [] for name in SIDES}
    for _ in range(3):
        for name, (library, _) in SIDES.items():
            arguments = ("--side", name, "--n", given.n)
            seconds[name] += run(library, Path(__file__), *arguments)[0]
    medians = {name: round(float(np.median(times)), 3) for name, times in seconds.items()}
    for name, time_ in medians.items():
        print(f"{name:25} {time_:.2f} s of CPU", flush=True)
    record(f"{given.n} asks and tells in {D}-d, CPU seconds", medians)


if __name__ == "__main__":
    main()
