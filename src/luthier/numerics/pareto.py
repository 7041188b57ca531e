"""Pareto fronts: the points that no other point dominates.

Y stands for objective vectors, lower is better, shape (n, m).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["non_dominated"]


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
