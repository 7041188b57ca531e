"""Compare trajectories: mean rank, geometric-mean regret, wins, CPU.

Regret is 0 at the best known value and 1 at a typical random configuration (``task.regret``).
Ranks are taken for each problem and seed over all samplers compared, ties shared.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.efficiency.problems import family

FLOOR = 1e-3
BUDGETS = (25, 50, 100, 200)
Trajectories = dict[str, dict[str, dict[str, Any]]]  # sampler -> problem -> seed -> run


def show(kept: Trajectories, problems: dict[str, Any], seeds: int | None) -> None:
    """Print the tables."""
    shared = [n for n in problems if all(n in runs for runs in kept.values())]
    print(f"{len(shared)} problems that all {len(kept)} samplers have run\n")
    for budget in BUDGETS:
        table = regrets(kept, problems, shared, budget, seeds)
        if table is None:
            continue
        print(f"after {budget} trials ({table.shape[1]} runs)")
        ranks = _ranks(table).mean(axis=1)
        geometric = np.exp(np.log(np.maximum(table, FLOOR)).mean(axis=1))
        order = np.argsort(ranks)
        names = list(kept)
        for k in order:
            others = np.delete(table, k, axis=0)
            wins = (table[k] < others.min(axis=0)).mean() if len(others) else 1.0
            print(
                f"  {names[k]:28} rank {ranks[k]:5.2f}   regret {geometric[k]:7.4f}"
                f"   alone best {wins:4.0%}"
            )
        print()
    _show_by_problem(kept, problems, shared, seeds)
    _show_cpu(kept)


def regrets(
    kept: Trajectories, problems: dict[str, Any], shared: list[str], budget: int, seeds: int | None
) -> NDArray[np.float64] | None:
    """Regret of the best value so far, shape (samplers, runs); None if no run is that long."""
    rows = []
    for runs in kept.values():
        row = []
        for name in shared:
            numbers = sorted(set.intersection(*(set(r[name]) for r in kept.values())), key=int)
            for seed in numbers[:seeds]:
                values = runs[name][seed]["values"]
                if len(values) < budget and not _exhausted(problems[name], values):
                    return None
                row.append(_regret(problems[name], values[:budget]))
        rows.append(row)
    return np.array(rows)


def _exhausted(problem: Any, values: list[float | None]) -> bool:
    return all(p["type"] != "float" for p in problem.space)


def _regret(problem: Any, values: list[float | None]) -> float:
    best = min((v for v in values if v is not None), default=math.inf)
    regret = float(problem.regret(best)) if math.isfinite(best) else 1.0
    return max(regret, 0.0)


def _ranks(table: NDArray[np.float64]) -> NDArray[np.float64]:
    below = (table[:, None, :] > table[None, :, :] + 1e-12).sum(axis=1)
    equal = (np.abs(table[:, None, :] - table[None, :, :]) <= 1e-12).sum(axis=1)
    ranks: NDArray[np.float64] = below + (equal + 1) / 2
    return ranks


def _show_by_problem(
    kept: Trajectories, problems: dict[str, Any], shared: list[str], seeds: int | None
) -> None:
    budget = max(
        (b for b in BUDGETS if regrets(kept, problems, shared, b, seeds) is not None), default=0
    )
    print(f"median regret by problem after {budget} trials")
    print(f"  {'':24}{'':14}" + "".join(f"{name[-14:]:>16}" for name in kept))
    for name in shared:
        table = regrets(kept, problems, [name], budget, seeds)
        assert table is not None
        cells = "".join(f"{np.median(row):16.4g}" for row in table)
        print(f"  {name:24}{family(name):14}{cells}")
    print()


def _show_cpu(kept: Trajectories) -> None:
    print("CPU milliseconds a trial, median over problems")
    for name, runs in kept.items():
        cpu = [run["cpu_per_trial"] for seeds in runs.values() for run in seeds.values()]
        print(f"  {name:28}{1e3 * float(np.median(cpu)):8.2f}")
