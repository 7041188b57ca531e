"""Memory of an ask beside 100,000 trials.

The history itself grows, and so does its encoded matrix, which the first ask makes (80 bytes a
trial in ten dimensions). What a later ask needs on top must not: its peak beside 100,000 trials may
be twice that beside 10,000, or 16 MB.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.behaviour.runs import HERE
from benchmarks.peers import run

MODEL_FREE = (
    "random", "grid", "random_grid", "sobol", "halton", "lhs",
    "ga", "de", "cmaes", "nsga2", "nsga3", "spsa", "es", "gradient",
)  # fmt: skip
SIZES = (10_000, 100_000)
ENOUGH = 16.0
MB = 2**20


def measure(strategies: Sequence[str], seeds: int | None = None) -> list[dict[str, Any]]:
    """Return a row for each strategy; the seeds don't matter."""
    return [row(strategy) for strategy in strategies]


def row(strategy: str) -> dict[str, Any]:
    """Return a strategy's row, in megabytes."""
    few, many = (run("luthier", HERE / "memory_worker.py", strategy, n, 0)[0] for n in SIZES)
    limit = max(2 * few["later"] / MB, ENOUGH)
    return {
        "sampler": strategy,
        "peak 10,000": few["later"] / MB,
        "peak 100,000": many["later"] / MB,
        "first 100,000": many["first"] / MB,
        "kept 100,000": many["kept"] / MB,
        "met": many["later"] / MB <= limit,
    }
