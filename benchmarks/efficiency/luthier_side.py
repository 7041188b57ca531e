"""Luthier's worker: one problem, one strategy, several seeds; prints a JSON line a seed.

Usage: python luthier_side.py STRATEGY PROBLEM BUDGET SEED [SEED ...]
"""

from __future__ import annotations

import json
import math
import sys
import time
from typing import Any

import problems

import luthier
from luthier import Categorical, Float, Int, Space


def space_of(problem: Any) -> Space:
    """The problem's space in Luthier's terms."""
    return Space({item["name"]: _param(item) for item in problem.space})


def _param(item: dict[str, Any]) -> Any:
    condition = item.get("condition")
    when = {condition["parent"]: list(condition["values"])} if condition else None
    if item["type"] == "cat":
        return Categorical(item["choices"], when=when)
    if item["type"] == "int":
        step, log = item.get("step", 1), item.get("log", False)
        return Int(item["low"], item["high"], log=log, step=step, when=when)
    return Float(item["low"], item["high"], log=item.get("log", False), when=when)


def run(strategy: str, problem: Any, budget: int, seed: int) -> dict[str, Any]:
    """One study: its values in order (null: failed), and the CPU it took beside the problem."""
    inside = 0.0

    def objective(trial: luthier.Trial) -> float:
        nonlocal inside
        start = time.process_time()
        result = problem.evaluate(trial.params, seed=seed * 100_003 + trial.number)
        inside += time.process_time() - start
        if result["failed"] or not math.isfinite(result["value"]):
            raise RuntimeError("this configuration crashes")
        true.append(result.get("true_value", result["value"]))
        return float(result["value"])

    true: list[float] = []
    luthier.set_verbosity("critical")
    study = luthier.create_study(space=space_of(problem), strategy=strategy, seed=seed)
    start = time.process_time()
    study.optimize(objective, n_trials=budget, fail_fast=None)
    cpu = time.process_time() - start - inside
    completed = iter(true)
    values = [next(completed) if t.value is not None else None for t in study.trials]
    return {"values": values, "cpu_per_trial": cpu / max(len(values), 1)}


if __name__ == "__main__":
    strategy, name, budget, *seeds = sys.argv[1:]
    problem = problems.load([name])[name]
    for seed in map(int, seeds):
        print(json.dumps({"seed": seed, **run(strategy, problem, int(budget), seed)}), flush=True)
