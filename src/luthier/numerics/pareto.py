"""Pareto fronts, the points that no other point dominates; and one objective made of several.

Y stands for objective vectors, lower is better, shape (n, m).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["chebyshev", "non_dominated"]

_RHO: Final = 0.05


def non_dominated(Y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mark the points that no other point dominates.

    A point dominates another if it is nowhere worse and somewhere better. Equal points don't
    dominate each other.

    Args:
        Y: Objective vectors, lower is better, shape (n, m), without NaN.

    Returns:
        A mask, shape (n,).

    Example:
        >>> non_dominated(np.array([[0.0, 2.0], [1.0, 1.0], [2.0, 2.0]])).tolist()
        [True, True, False]
    """
    n = len(Y)
    front = np.ones(n, dtype=np.bool_)
    left = np.lexsort(Y.T[::-1])  # a point can only be dominated by one before it
    while len(left):
        first, rest = left[0], left[1:]
        beaten = (Y[first] <= Y[rest]).all(axis=1) & (Y[first] < Y[rest]).any(axis=1)
        front[rest[beaten]] = False
        left = rest[~beaten]
    return front


def chebyshev(Y: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Make one objective of several: max_j w_j y_j + 0.05 sum_j w_j y_j, w random.

    Args:
        Y: Objective vectors, lower is better, shape (n, m), n at least 1; infinite values count
            as the worst and best finite ones.
        rng: Draws the weights, evenly from all that add up to 1.

    Returns:
        Shape (n,).

    Example:
        >>> Y = np.array([[0.0, 0.0], [1.0, 1.0]])
        >>> chebyshev(Y, np.random.default_rng(0)).round(2).tolist()
        [0.0, 0.65]

    References:
        Knowles, ParEGO, IEEE Transactions on Evolutionary Computation 10 (2006), eq. 2.
    """
    finite = np.where(np.isfinite(Y), Y, np.nan)
    finite[:, np.isnan(finite).all(axis=0)] = 0.0
    low, high = np.nanmin(finite, axis=0), np.nanmax(finite, axis=0)
    unit = (np.clip(Y, low, high) - low) / np.where(high > low, high - low, 1.0)
    weighted = unit * rng.dirichlet(np.ones(Y.shape[1]))
    total: NDArray[np.float64] = weighted.max(axis=1) + _RHO * weighted.sum(axis=1)
    return total
