"""Normalised hypervolume of recorded runs, and who is ahead where.

Each problem's reference point is, in every objective, a quantile of 500 random configurations that
meet its constraints: the median of two objectives, and of m the one that 0.5^(1/(m-1)) of them
are below, since hardly anything is below the median of many. Its unit is the box between that point
and the best value of each objective among them. Both were fixed once, in ``scales.json``. A run is
worth the hypervolume of its feasible trials in that unit: 1 would be a trial as good in all
objectives as 500 random ones are in each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.efficiency import recording
from benchmarks.efficiency.problems import draw
from benchmarks.fronts import problems
from luthier.numerics.pareto import hypervolume

SCALES: Final = Path(__file__).parent / "scales.json"
RECORDED: Final = Path(__file__).parent / "recorded"
PAGE: Final = Path(__file__).parents[2] / "docs" / "benchmarks" / "fronts.md"
RANDOM: Final = 500
LOWEST_SEEDS: Final = 3  # below that a median says little

Volumes = dict[str, dict[str, NDArray[np.float64]]]
"""Label -> problem -> normalised hypervolumes by seed."""


@dataclass(frozen=True)
class Results:
    """Recorded runs.

    Args:
        volumes: Normalised hypervolumes.
        seconds: Label -> median seconds of CPU a trial, without the objective.
    """

    volumes: Volumes
    seconds: dict[str, float]


def measured() -> dict[str, dict[str, Any]]:
    """Return the reference point and the unit of each problem, from random configurations."""
    return {name: _scale(problem) for name, problem in problems.load().items()}


def _scale(problem: problems.Problem) -> dict[str, Any]:
    rng, rows = np.random.default_rng(0), []
    while len(rows) < RANDOM:
        values, excess = problem.evaluate(draw(problem.space, rng))
        if all(part <= 0 for part in excess):
            rows.append(values)
    level = 0.5 ** (1 / (problem.n_objectives - 1))
    reference, best = np.quantile(rows, level, axis=0), np.min(rows, axis=0)
    return {
        "reference": [float(f"{v:.6g}") for v in reference],
        "unit": float(f"{np.prod(reference - best):.6g}"),
    }


def results(folders: Sequence[Path], wanted: Sequence[str] = ()) -> Results:
    """Return what is recorded in some folders; all labels if none is wanted."""
    scales = json.loads(SCALES.read_text())
    volumes: Volumes = {}
    seconds = {}
    for folder in folders:
        for label in recording.labels(folder):
            if wanted and label not in wanted:
                continue
            runs = recording.read(label, folder)
            volumes[label] = {
                name: np.array([volume(run["values"], **scales[name]) for run in found.values()])
                for name, found in runs.items()
                if name in scales and len(found) >= LOWEST_SEEDS
            }
            times = [run["cpu_per_trial"] for found in runs.values() for run in found.values()]
            seconds[label] = float(np.median(times))
    return Results(volumes, seconds)


def volume(values: list[list[float] | None], reference: list[float], unit: float) -> float:
    """Return the normalised hypervolume of a run.

    Args:
        values: Of each trial; None if it broke a constraint.
        reference: The reference point.
        unit: The hypervolume that counts as 1.
    """
    feasible = [row for row in values if row is not None]
    return hypervolume(feasible, reference) / unit if feasible else 0.0


def duel(ours: str, peer: str, volumes: Volumes) -> tuple[int, int]:
    """Return on how many problems the first's median is above the second's, and of how many.

    Only problems count that both have run, and as many seeds of each.
    """
    shared = [name for name in volumes[ours] if name in volumes[peer]]
    medians = [_medians((ours, peer), name, volumes) for name in shared]
    return sum(first > second for first, second in medians), len(shared)


def _medians(labels: Sequence[str], name: str, volumes: Volumes) -> list[float]:
    """Medians over the seeds that all have run: the first ones."""
    n = min(len(volumes[label][name]) for label in labels)
    return [float(np.median(volumes[label][name][:n])) for label in labels]


def text(found: Results) -> str:
    """Return tables: medians by problem, then who is ahead of whom on how many."""
    labels = sorted(found.volumes, key=lambda label: (not label.startswith("luthier-"), label))
    return "\n".join([*_table(labels, found), "", *_duels(labels, found.volumes)])


def _table(labels: Sequence[str], found: Results) -> Iterator[str]:
    yield "| problem | " + " | ".join(labels) + " |"
    yield "|---" * (len(labels) + 1) + "|"
    for name in problems.names():
        cells = [found.volumes[label].get(name) for label in labels]
        shown = ["" if v is None else f"{np.median(v):.3f}{_few(v)}" for v in cells]
        yield f"| {name} | " + " | ".join(shown) + " |"
    milliseconds = [f"{1e3 * found.seconds[label]:.2g}" for label in labels]
    yield "| ms a trial | " + " | ".join(milliseconds) + " |"


def _few(volumes: NDArray[np.float64]) -> str:
    return "" if len(volumes) >= 15 else f" ({len(volumes)})"


def _duels(labels: Sequence[str], volumes: Volumes) -> Iterator[str]:
    peers = [label for label in labels if not label.startswith("luthier-")]
    ours = [label for label in labels if label not in peers]
    yield "| ahead of | " + " | ".join(peers) + " |"
    yield "|---" * (len(peers) + 1) + "|"
    for label in ours:
        counts = ["{} of {}".format(*duel(label, peer, volumes)) for peer in peers]
        yield f"| {label} | " + " | ".join(counts) + " |"


def publish(found: Results) -> None:
    """Write the tables where the documentation includes them."""
    PAGE.write_text(f"{text(found)}\n")
