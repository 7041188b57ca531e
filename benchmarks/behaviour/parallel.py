"""Parallel slots on a virtual clock: what is lost by not seeing what is still running.

Each trial takes a random time (log-normal), and the one that ends first is told first. Compared is
the gap to the optimum after 100 trials, with as many slots as said and with one.

    ratio = geometric mean over problems of
            (geometric mean over seeds of the regret with slots / the same with one slot)

Regret is 1 where random search is after as many trials, in the median, and at least FLOOR.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.behaviour.problems import load, random_search
from benchmarks.behaviour.runs import FLOOR, Run, runs_of
from benchmarks.efficiency.problems import public

FUNCTIONS = (
    "branin",
    "hartmann6",
    "rosenbrock5",
    "ackley5",
    "rastrigin5",
    "levy5",
    "styblinski5",
)
PUBLIC = ("mixint_f15_d05",)
BUDGET, SEEDS = 100, 10
SLOTS = (8, 32)
MOST = {8: 1.3}


def measure(strategies: Sequence[str], seeds: int | None = None) -> list[dict[str, Any]]:
    """Return a row for each strategy and number of slots."""
    names = [*FUNCTIONS, *(PUBLIC if public.there() else ())]
    return [r for strategy in strategies for r in rows(strategy, names, seeds or SEEDS)]


def rows(strategy: str, names: Sequence[str], seeds: int) -> list[dict[str, Any]]:
    """Return the rows of a strategy."""
    logs = {slots: logs_of(strategy, names, seeds, slots) for slots in (1, *SLOTS)}
    table = []
    for slots in SLOTS:
        worse = {name: math.exp(logs[slots][name] - logs[1][name]) for name in names}
        ratio = math.exp(statistics.fmean(math.log(r) for r in worse.values()))
        line: dict[str, Any] = {"sampler": strategy, "slots": slots, "ratio": ratio}
        limit = MOST.get(slots)
        table.append(line | worse | {"met": None if limit is None else ratio <= limit})
    return table


def logs_of(strategy: str, names: Sequence[str], seeds: int, slots: int) -> dict[str, float]:
    """Return the mean log regret by problem."""
    return {n: mean_log(runs_of(strategy, n, BUDGET, seeds, slots), n) for n in names}


def mean_log(runs: Sequence[Run], name: str) -> float:
    """Return the mean log regret of some runs."""
    best, unit = load(name).best, random_search(name, BUDGET)
    return statistics.fmean(math.log(max(run.gap(best) / unit, FLOOR)) for run in runs)
