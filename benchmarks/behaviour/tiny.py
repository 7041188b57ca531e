"""A tiny space: 48 configurations and 48 trials must be 48 different ones, the best among them.

With eight slots too: what is running mustn't be proposed again. ``found after`` is the median
number of trials until the best configuration was tried; 24 for random search without repeats.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.behaviour.problems import load
from benchmarks.behaviour.runs import runs_of

SIZE, SEEDS, SLOTS = 48, 10, 8
PEERS = ("optuna:tpe",)
OTHERS = ("random", "sobol", "halton", "lhs", "grid", "random_grid")


def measure(strategies: Sequence[str], seeds: int | None = None) -> list[dict[str, Any]]:
    """Return a row for each sampler and number of slots."""
    samplers = [*strategies, *(s for s in OTHERS if s not in strategies)]
    cases = [(s, slots) for s in samplers for slots in (1, SLOTS)] + [(s, 1) for s in PEERS]
    rows = (row(sampler, slots, seeds or SEEDS) for sampler, slots in cases)
    return [r for r in rows if r is not None]


def row(sampler: str, slots: int, seeds: int) -> dict[str, Any] | None:
    """Return a sampler's row; None if it can't be run."""
    runs = runs_of(sampler, "tiny", SIZE, seeds, slots)
    if not runs:
        return None
    found = [run.found_after(load("tiny").best) for run in runs]
    different = min(run.different for run in runs)
    return {
        "sampler": sampler,
        "slots": slots,
        "different": different,
        "best found": f"{sum(n is not None for n in found)} of {len(runs)}",
        "found after": statistics.median(n or SIZE + 1 for n in found),
        "met": different == SIZE and None not in found,
    }
