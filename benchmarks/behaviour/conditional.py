"""Conditional spaces, beside Optuna's ``TPESampler(multivariate=True, group=True)``.

``cash`` chooses an algorithm and its own parameters; ``tree`` is the binary tree of Jenatton et al.
(Bayesian optimization with tree-structured dependencies, ICML 2017); the others are surrogates of
real XGBoost trainings. ``wins`` is the share of seeds in which ours ended better than the peer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.behaviour.problems import load
from benchmarks.behaviour.runs import median_regret, runs_of
from benchmarks.efficiency.problems import public

OWN = ("cash", "tree")
PUBLIC = ("yahpo_xgb_188", "yahpo_xgb_40966", "mf_xgb_1468")
BUDGETS, SEEDS = (50, 100), 15
PEER = "optuna:tpe-group"


def measure(strategies: Sequence[str], seeds: int | None = None) -> list[dict[str, Any]]:
    """Return a row for each problem and strategy."""
    names = [*OWN, *(PUBLIC if public.there() else ())]
    return [r for name in names for r in rows(name, strategies, seeds or SEEDS)]


def rows(name: str, strategies: Sequence[str], seeds: int) -> list[dict[str, Any]]:
    """Return the rows of a problem."""
    problem, budget = load(name), BUDGETS[-1]
    theirs = runs_of(PEER, name, budget, seeds)
    if not theirs:
        return []
    limits = [median_regret(theirs, problem, b) for b in BUDGETS]
    table = []
    for strategy in strategies:
        ours = runs_of(strategy, name, budget, seeds)
        regrets = [median_regret(ours, problem, b) for b in BUDGETS]
        pairs = zip(ours, theirs, strict=True)
        wins = sum(a.gap(problem.best) < b.gap(problem.best) for a, b in pairs)
        line: dict[str, Any] = {"problem": name, "sampler": strategy}
        for b, regret, limit in zip(BUDGETS, regrets, limits, strict=True):
            line |= {f"regret {b}": regret, f"group {b}": limit}
        table.append(line | {"wins": wins / len(ours), "met": regrets[-1] <= limits[-1]})
    return table
