"""Fronts: the order of trials with several objectives, and which of thousands are in the running.

They are ordered by fronts, and within a front by the hypervolume that they add.

Volume is measured in ranks: each objective counts by the share of the trials that are better. So
the order, like that of a single objective, doesn't change with the scale of the values. Trials that
break constraints come after all others, the least violation first.

Of thousands of trials only those are ranked that may be among the best: of each 256 and the best
before them some dozens remain, so that an ask costs the same after 100,000 trials.

    name      meaning                                                          shape
    F         share of the trials that are better, for each objective          (n, m)

References:
    Ozaki et al., Multiobjective tree-structured Parzen estimator for computationally expensive
    optimization problems, GECCO 2020: fronts, and the last one by hypervolume.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.numerics.pareto import covering, non_dominated_ranks

__all__ = ["by_fronts", "contenders"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]
_BLOCK: Final = 256
_SPARE: Final = 2  # candidates kept for each that may be wanted


def contenders(history: History, most: int) -> Places:
    """Return the places of completed trials that may be among the best.

    Args:
        history: The study, of several objectives.
        most: How many of the best are of interest, at least 1.

    Returns:
        All places of at most 255 trials; else about as many and 2 ``most``.
    """
    n, kept = len(history.completed), _SPARE * most

    def step(before: Places | None, block: slice) -> Places:
        return _ranked(history, _joined(before, np.arange(block.start, block.stop)), kept)[:kept]

    leading = history.fold(("fronts", kept), history.completed, _BLOCK, step)
    return _joined(leading, np.arange(n // _BLOCK * _BLOCK, n))


def by_fronts(history: History, k: int, most: int) -> tuple[Array, Places]:
    """Rank the completed trials of a study.

    Args:
        history: The study, of several objectives.
        k: How many of the best are wanted.
        most: How many may ever be, at least k.

    Returns:
        The standing of each trial, 0 for the best, n for those that are out of the running, shape
        (n,); and the places of the best k, the best first.
    """
    n = len(history.completed)
    ranked = _ranked(history, contenders(history, most), k)
    standing = np.full(n, float(n))
    standing[ranked] = np.arange(len(ranked))
    return standing, ranked[:k]


def _joined(before: Places | None, new: Places) -> Places:
    return new if before is None else np.concatenate([before, new])


def _ranked(history: History, places: Places, k: int) -> Places:
    """The same places, the best first; from the front on that holds the k-th the oldest first."""
    violations = history.violations[places]
    feasible, broken = places[violations <= 0], places[violations > 0]
    Y = history.Y[feasible]
    ranks = non_dominated_ranks(Y)
    F = _shares_better(Y)
    order: list[Places] = []
    for rank in range(int(ranks.max(initial=-1)) + 1):
        front = np.flatnonzero(ranks == rank)
        chosen = front[covering(F[front], k)] if k > 0 else front[:0]
        order += [chosen, np.setdiff1d(front, chosen)]
        k -= len(front)
    least = np.argsort(violations[violations > 0], kind="stable")
    return np.concatenate([feasible[np.concatenate([*order, feasible[:0]])], broken[least]])


def _shares_better(Y: Array) -> Array:
    columns = [np.searchsorted(np.sort(y), y) for y in Y.T]
    return np.column_stack(columns) / max(len(Y), 1)
