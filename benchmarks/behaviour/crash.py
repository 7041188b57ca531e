"""Crashes: how many trials are lost, and whether the best point on the edge is found all the same.

Two numbers in the unit square; 32% of it crashes; f falls towards the crashes, so that the best
point, (0.4, 0.4), lies on the edge, and a sampler that learns nothing from crashes crashes ever
more often. ``mirror`` is the problem without crashes that the regret is compared with: the same
function, values and best point wherever ``edge`` doesn't crash, and beyond the edge its mirror
image, so that nothing is to be gained there either. (Leaving the plain function there would
move the best point to a corner, and clipping it at the best value would make a third of the
square optimal: neither is the same problem.)

    ratio = median regret on edge / median regret on mirror, both at least FLOOR
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.behaviour.problems import load
from benchmarks.behaviour.runs import FLOOR, median_regret, runs_of

BUDGET, SEEDS = 100, 20
MOST_CRASHES, MOST_RATIO = 35, 2.0
PEERS = {"optuna:tpe": 20, "optuna:random": 20, "optuna:gp": 5}  # seeds; the last one is slow


def measure(strategies: Sequence[str], seeds: int | None = None) -> list[dict[str, Any]]:
    """Return a row for each sampler."""
    n = seeds or SEEDS
    cases = [*((s, n) for s in strategies), *((s, min(n, most)) for s, most in PEERS.items())]
    rows = (row(sampler, count) for sampler, count in cases)
    return [r for r in rows if r is not None]


def row(sampler: str, seeds: int) -> dict[str, Any] | None:
    """Return a sampler's row; None if it can't be run."""
    edge = runs_of(sampler, "edge", BUDGET, seeds)
    mirror = runs_of(sampler, "mirror", BUDGET, seeds)
    if not edge or not mirror:
        return None
    crashes = [run.crashes for run in edge]
    median = statistics.median(crashes)
    with_crashes = median_regret(edge, load("edge"))
    without = median_regret(mirror, load("edge"))  # in the same unit
    ratio = max(with_crashes, FLOOR) / max(without, FLOOR)
    return {
        "sampler": sampler,
        "runs": len(edge),
        "crashes": median,
        "most": max(crashes),
        "regret": with_crashes,
        "regret without": without,
        "ratio": ratio,
        "met": median <= MOST_CRASHES and ratio <= MOST_RATIO,
    }
