"""Statistics of regrets: ranks, means, wins, and paired tests of two samplers.

Regrets below ``FLOOR`` count as ``FLOOR``: a thousandth of what random search leaves. Means are
geometric, so that every problem has the same say. The unit of a test is the problem: the logarithm
of the ratio of two samplers' regrets is averaged over its seeds first. The interval is a bootstrap
that draws problems, and then seeds within each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FLOOR: Final = 1e-3
RESAMPLES: Final = 4000
TIE: Final = 1e-9

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Duel:
    """One sampler against another on the same problems and seeds.

    Args:
        problems: How many.
        ratio: Geometric mean of the first's regret over the second's.
        low: Lower end of the ratio's 95% interval.
        high: Upper end.
        wins: Problems on which the first is better in the geometric mean over seeds.
        losses: Problems on which it is worse.
        p: Of Wilcoxon's signed-rank test over problems, two-sided.
    """

    problems: int
    ratio: float
    low: float
    high: float
    wins: int
    losses: int
    p: float


def ranks(table: Matrix) -> Matrix:
    """Return the rank of each sampler in each run, ties shared.

    Args:
        table: Regrets, shape (samplers, runs).
    """
    below = (table[:, None, :] > table[None, :, :] + TIE).sum(axis=1)
    equal = (np.abs(table[:, None, :] - table[None, :, :]) <= TIE).sum(axis=1)
    shared: Matrix = below + (equal + 1) / 2
    return shared


def geometric(regrets: Matrix) -> float:
    """Return the geometric mean of regrets, floored."""
    return float(np.exp(np.log(np.maximum(regrets, FLOOR)).mean()))


def best_alone(table: Matrix) -> Matrix:
    """Return the share of runs in which each sampler beats all others, shape (samplers,)."""
    if len(table) == 1:
        return np.ones(1)
    others = [np.delete(table, k, axis=0).min(axis=0) for k in range(len(table))]
    shares: Matrix = np.mean(table < np.array(others) - TIE, axis=1)
    return shares


def duel(first: list[Matrix], second: list[Matrix]) -> Duel:
    """Compare two samplers.

    Args:
        first: Regrets of the one, an array over seeds for each problem.
        second: Of the other, on the same problems and seeds.

    Raises:
        ValueError: There is no problem, or the shapes differ.
    """
    if not first or [a.shape for a in first] != [b.shape for b in second]:
        raise ValueError("duel: both samplers need regrets of the same problems and seeds")
    pairs = zip(first, second, strict=True)
    logs = [np.log(np.maximum(a, FLOOR) / np.maximum(b, FLOOR)) for a, b in pairs]
    means = np.array([row.mean() for row in logs])
    low, high = _interval(logs)
    return Duel(
        problems=len(logs),
        ratio=math.exp(float(means.mean())),
        low=math.exp(low),
        high=math.exp(high),
        wins=int((means < -TIE).sum()),
        losses=int((means > TIE).sum()),
        p=_wilcoxon(means),
    )


def _interval(logs: list[Matrix]) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    drawn = np.empty((len(logs), RESAMPLES))  # means of resampled seeds
    for row, values in zip(drawn, logs, strict=True):
        row[:] = values[rng.integers(len(values), size=(RESAMPLES, len(values)))].mean(axis=1)
    chosen = rng.integers(len(logs), size=(len(logs), RESAMPLES))
    low, high = np.quantile(np.take_along_axis(drawn, chosen, axis=0).mean(axis=0), [0.025, 0.975])
    return float(low), float(high)


def _wilcoxon(differences: Matrix) -> float:
    from scipy.stats import wilcoxon

    if np.all(np.abs(differences) <= TIE):
        return 1.0
    return float(wilcoxon(differences, zero_method="zsplit").pvalue)
