"""Running workers: ours always anew, a peer's once, and what comes of a run.

Peers' runs are kept in ``recorded/LIBRARY-SAMPLER.json.gz``, with the version that made them.
Delete a file to record it anew.
"""

from __future__ import annotations

import gzip
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.behaviour.problems import Problem
from benchmarks.peers import interpreter, run

HERE = Path(__file__).parent
RECORDED = HERE / "recorded"
FLOOR = 1e-3  # regrets below are all the same


@dataclass(frozen=True)
class Run:
    """One study.

    Attributes:
        values: In the order in which trials ended; None is a crash.
        different: How many configurations were different.
    """

    values: tuple[float | None, ...]
    different: int

    @property
    def crashes(self) -> int:
        """How many trials crashed."""
        return sum(value is None for value in self.values)

    def gap(self, best: float, budget: int | None = None) -> float:
        """The best value among the first trials, minus the best possible one; inf if all crashed.

        Args:
            best: The best possible value.
            budget: How many trials count; all if None.
        """
        seen = [value for value in self.values[:budget] if value is not None]
        return max(min(seen) - best, 0.0) if seen else float("inf")

    def found_after(self, best: float) -> int | None:
        """The number of trials until the best possible value was seen; None if it never was."""
        hits = (n for n, v in enumerate(self.values, 1) if v is not None and v <= best + 1e-9)
        return next(hits, None)


def runs_of(sampler: str, problem: str, budget: int, seeds: int, slots: int = 1) -> list[Run]:
    """Run a sampler on a problem.

    Args:
        sampler: One of our strategies, or LIBRARY:SAMPLER.
        problem: A name of ``problems``.
        budget: How many trials.
        seeds: How many runs.
        slots: How many trials run at the same time.

    Returns:
        One run a seed; none if the library isn't installed and has nothing recorded.
    """
    library, _, name = sampler.rpartition(":")
    if library in ("", "luthier"):
        lines = _worked("luthier", name, problem, budget, slots, range(seeds))
    else:
        lines = _recorded(library, name, problem, budget, seeds)
    return [Run(tuple(line["values"][:budget]), line["different"]) for line in lines]


def _worked(
    library: str, name: str, problem: str, budget: int, slots: int, seeds: Sequence[int]
) -> list[dict[str, Any]]:
    return run(library, HERE / f"{library}_side.py", name, problem, budget, slots, *seeds)


def _recorded(
    library: str, name: str, problem: str, budget: int, seeds: int
) -> list[dict[str, Any]]:
    path = RECORDED / f"{library}-{name}.json.gz"
    kept = json.loads(gzip.decompress(path.read_bytes())) if path.exists() else {}
    key = f"{problem}/{budget}"
    old = kept.setdefault(key, {})
    missing = [seed for seed in range(seeds) if str(seed) not in old]
    if missing and interpreter(library) is not None:
        for line in _worked(library, name, problem, budget, 1, missing):
            old[str(line["seed"])] = line
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.compress(json.dumps(kept).encode(), mtime=0))
    return [old[str(seed)] for seed in range(seeds) if str(seed) in old]


def median_regret(runs: Sequence[Run], problem: Problem, budget: int | None = None) -> float:
    """The median regret: 0 at the best value, 1 at a typical random configuration.

    Args:
        runs: At least one.
        problem: What they minimised.
        budget: How many trials count; all if None.
    """
    return statistics.median(run.gap(problem.best, budget) for run in runs) / problem.typical()
