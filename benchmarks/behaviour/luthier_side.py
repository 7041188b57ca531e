"""Luthier's worker: one problem, one strategy, several seeds; prints a JSON line a seed.

Usage: python luthier_side.py STRATEGY PROBLEM BUDGET SLOTS SEED [SEED ...]

Trials run on a virtual clock: each takes a random time, and whichever ends next is told first.
With one slot that is an ordinary study.
"""

from __future__ import annotations

import heapq
import json
import random
import sys
from typing import Any

import problems

import luthier
from benchmarks.spaces.in_luthier import space_of
from luthier import TrialState

SPREAD = 0.5  # of the logarithm of how long a trial takes: most take between 0.4 and 2.7


def run(
    strategy: str, problem: problems.Problem, budget: int, slots: int, seed: int
) -> dict[str, Any]:
    """One study.

    Returns:
        Its values in the order in which trials ended (null: crashed), and how many configurations
        were different.
    """
    study = luthier.create_study(space=space_of(problem.space), strategy=strategy, seed=seed)
    clock = random.Random(seed)
    running: list[tuple[float, int, luthier.Trial]] = []
    values: list[float | None] = []
    now, asked = 0.0, 0
    while len(values) < budget:
        while asked < budget and len(running) < slots:
            trial = study.ask()
            heapq.heappush(running, (now + clock.lognormvariate(0, SPREAD), asked, trial))
            asked += 1
        now, _, trial = heapq.heappop(running)
        value = problem.function(trial.params)
        study.tell(trial, value, state=TrialState.FAILED if value is None else None)
        values.append(value)
    different = {json.dumps(trial.params, sort_keys=True) for trial in study.trials}
    return {"values": values, "different": len(different)}


if __name__ == "__main__":
    strategy, name, *numbers = sys.argv[1:]
    budget, slots, *seeds = map(int, numbers)
    luthier.set_verbosity("critical")
    problem = problems.load(name)
    for seed in seeds:
        print(json.dumps({"seed": seed, **run(strategy, problem, budget, slots, seed)}), flush=True)
