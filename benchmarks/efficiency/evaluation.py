"""What all workers share: evaluating trials, timing what is not evaluation, talking to the runner.

A worker is a script ``LIBRARY_side.py`` that runs in its library's own environment. It defines
``run(strategy, problem, budget, seed, evaluate)`` and hands it to ``main``. This file needs
nothing but NumPy.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from statistics import median
from typing import Any

import problems
from numpy import random

DIGITS = 7  # significant ones kept of a value


class Evaluations:
    """Evaluates the trials of one study in order; keeps their values and the CPU time they took.

    Args:
        problem: The problem.
        seed: Of the study; each trial's noise has its own, derived from it.
    """

    def __init__(self, problem: problems.Problem, seed: int) -> None:
        self.problem = problem
        self.seed = seed
        self.values: list[float | None] = []
        self.true: list[float | None] = []
        self.inside = 0.0

    def __call__(self, config: dict[str, Any]) -> float | None:
        """Return the value of a configuration, None if it fails."""
        start = time.process_time()
        result = self.problem.evaluate(config, self.seed * 100_003 + len(self.values))
        failed = result["failed"]
        self.values.append(None if failed else rounded(result["value"]))
        self.true.append(None if failed else rounded(result["true_value"]))
        self.inside += time.process_time() - start
        return None if failed else float(result["value"])

    def worst(self) -> float:
        """Return the worst value so far: what to tell a library that has no failed trials.

        Before any trial has succeeded, the median of some random configurations.
        """
        seen = [value for value in self.values if value is not None]
        return max(seen) if seen else _typical(self.problem)


def _typical(problem: problems.Problem) -> float:
    rng = random.default_rng(0)
    results = [problem.evaluate(problems.draw(problem.space, rng), 0) for _ in range(64)]
    return median(result["value"] for result in results if not result["failed"])


Run = Callable[[str, problems.Problem, int, int, Evaluations], None]


def main(run: Run, *packages: str, source: str | None = None) -> None:
    """Run what the command line says; print a JSON line for each seed.

    The command line: STRATEGY PROBLEM BUDGET SEED [SEED ...].

    Args:
        run: Runs one study.
        packages: Whose versions to record.
        source: A hash of the source to record with them, if the version says too little.
    """
    strategy, name, budget, *seeds = sys.argv[1:]
    versions = {package: version(package) for package in packages}
    problem = problems.load([name])[name]
    for seed in map(int, seeds):
        evaluate = Evaluations(problem, seed)
        start = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run(strategy, problem, int(budget), seed, evaluate)
        cpu = time.process_time() - start - evaluate.inside
        done: dict[str, Any] = {"seed": seed, "values": evaluate.values}
        if evaluate.true != evaluate.values:
            done["true"] = evaluate.true
        done["cpu_per_trial"] = rounded(cpu / max(len(evaluate.values), 1))
        done["versions"] = versions
        if source is not None:
            done["source"] = source
        print("\n" + json.dumps(done), flush=True)


def rounded(value: float) -> float:
    """Return a value with as many digits as are kept."""
    return float(f"{value:.{DIGITS}g}")
