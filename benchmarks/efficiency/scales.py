"""What a value is worth: regret, 0 at the best known value, 1 at the median of random search.

Random search is Optuna's, as recorded. Its median after n trials is taken over resamples of all
its recorded trials on a problem, since the median of fifteen runs would be a noisy yardstick. The
best known value is the optimum where that is known, else the best that anybody has ever seen. Both
are kept in ``scales.json``: ``python -m benchmarks.efficiency scales`` brings it up to date. A best
value stays when the run that saw it isn't kept, such as the long ones that set the first scales; if
a problem changes, its line must be deleted first.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.efficiency import recording
from benchmarks.efficiency.problems import load, names

PATH = Path(__file__).parent / "scales.json"
BUDGETS: Final = (1, 5, 10, 15, 20, 25, 30, 40, 50, 60, 70, 80, 100, 120, 150, 200)
WORST: Final = 10.0  # regret of a study in which every trial failed, and of nothing worse
LEAST_GAP: Final = 1e-4  # of the gap at one trial: where random search finds the best itself
RESAMPLES: Final = 2001
RANDOM: Final = "optuna-random"


@dataclass(frozen=True)
class Scale:
    """The yardstick of one problem.

    Args:
        best: Best known value.
        random: Median of random search's incumbent after each of ``BUDGETS`` trials.
    """

    best: float
    random: tuple[float, ...]

    def regret(self, value: float, budget: int) -> float:
        """Return the regret of a value, at most ``WORST``.

        Args:
            value: True value of the incumbent; infinite or NaN if every trial failed.
            budget: After how many trials.
        """
        if not math.isfinite(value):
            return WORST
        logs = np.log(BUDGETS)
        gap = float(np.interp(math.log(budget), logs, np.array(self.random) - self.best))
        gap = max(gap, LEAST_GAP * (self.random[0] - self.best))
        return min(max(value - self.best, 0.0) / gap, WORST) if gap > 0 else 0.0


@cache
def scales() -> Mapping[str, Scale]:
    """Return the yardsticks by problem."""
    kept: dict[str, Any] = json.loads(PATH.read_text())
    return {name: Scale(row["best"], tuple(row["random"])) for name, row in kept.items()}


def make(folders: Iterable[Path]) -> dict[str, Scale]:
    """Return the yardsticks of all problems that random search has been recorded on.

    Args:
        folders: Where trajectories are kept; all are asked for the best value.
    """
    before = scales() if PATH.exists() else {}
    random = recording.read(RANDOM)
    everyone = [recording.read(x, folder) for folder in folders for x in recording.labels(folder)]
    made = {}
    for name, problem in load([n for n in names() if n in random]).items():
        known = [problem.optimum] if problem.optimum is not None else _best(before.get(name))
        seen = [
            value
            for runs in everyone
            for run in runs.get(name, {}).values()
            for value in recording.true_values(run)
            if value is not None
        ]
        made[name] = Scale(min([*known, *seen]), medians(list(random[name].values())))
    return made


def _best(scale: Scale | None) -> list[float]:
    return [] if scale is None else [scale.best]


def medians(runs: list[recording.Run]) -> tuple[float, ...]:
    """Return the median of random search's incumbent after each of ``BUDGETS`` trials."""
    observed = _pooled([run["values"] for run in runs])
    true = _pooled([recording.true_values(run) for run in runs])
    picks = np.random.default_rng(0).integers(len(observed), size=(RESAMPLES, max(BUDGETS)))
    at = incumbents(observed[picks])
    values = np.take_along_axis(true[picks], at, axis=1)
    worst = float(np.max(true[np.isfinite(true)]))
    values[np.isinf(np.take_along_axis(observed[picks], at, axis=1))] = worst
    return tuple(float(np.median(values[:, budget - 1])) for budget in BUDGETS)


def incumbents(observed: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return which trial is the best observed so far, after each one.

    Args:
        observed: Values, shape (studies, trials), infinite where a trial failed.
    """
    least = np.minimum.accumulate(observed, axis=1)
    fresh = np.ones(observed.shape, bool)
    fresh[:, 1:] = least[:, 1:] < least[:, :-1]
    return np.maximum.accumulate(np.where(fresh, np.arange(observed.shape[1]), 0), axis=1)


def write(made: Mapping[str, Scale]) -> None:
    """Keep yardsticks in ``scales.json``."""
    rows = (
        f"{json.dumps(name)}: {json.dumps({'best': scale.best, 'random': list(scale.random)})}"
        for name, scale in sorted(made.items())
    )
    PATH.write_text("{\n" + ",\n".join(rows) + "\n}\n")


def _pooled(rows: list[list[float | None]]) -> NDArray[np.float64]:
    return np.array([math.inf if v is None else v for row in rows for v in row], float)
