"""What both workers share: evaluating trials, timing what is not evaluation, printing the runs.

A worker defines ``run(strategy, problem, budget, seed, evaluate)`` and hands it to ``main``.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from benchmarks.fronts.problems import Found, Problem, load

DIGITS = 6  # significant ones kept of a value


class Evaluations:
    """Evaluates the trials of one study in order; keeps their values and the CPU time they took."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.values: list[list[float] | None] = []  # None: infeasible
        self.inside = 0.0

    def __call__(self, config: dict[str, Any]) -> Found:
        """Return the values of a configuration, and what its constraints say."""
        start = time.process_time()
        values, excess = self.problem.evaluate(config)
        feasible = all(part <= 0 for part in excess)
        self.values.append([float(f"{v:.{DIGITS}g}") for v in values] if feasible else None)
        self.inside += time.process_time() - start
        return values, excess


Run = Callable[[str, Problem, int, int, Evaluations], None]


def main(run: Run, *packages: str) -> None:
    """Run what the command line says: STRATEGY PROBLEM BUDGET SEED [SEED ...].

    Prints a line of JSON for each seed.
    """
    strategy, name, budget, *seeds = sys.argv[1:]
    problem = load([name])[name]
    for seed in map(int, seeds):
        evaluate = Evaluations(problem)
        start = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run(strategy, problem, int(budget), seed, evaluate)
        cpu = time.process_time() - start - evaluate.inside
        done = {
            "seed": seed,
            "values": evaluate.values,
            "cpu_per_trial": float(f"{cpu / int(budget):.3g}"),
            "versions": {package: version(package) for package in packages},
        }
        print("\n" + json.dumps(done), flush=True)
