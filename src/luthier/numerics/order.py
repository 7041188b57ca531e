"""Order statistics: ranks with ties, and the correlation of ranks.

name      meaning                                             shape
r, s      average ranks of two samples                        (n,)

rho  =  cov(r, s) / (std(r) std(s))                           Spearman (1904)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["average_ranks", "rank_correlation"]

Array = NDArray[np.float64]


def average_ranks(values: ArrayLike) -> Array:
    """Return ranks from 1; equal values share the mean of theirs.

    Args:
        values: Not NaN, shape (n,).

    Returns:
        Shape (n,).

    Example:
        >>> average_ranks([5.0, 1.0, 5.0, 9.0]).tolist()
        [2.5, 1.0, 2.5, 4.0]
    """
    _, inverse, counts = np.unique(
        np.asarray(values, dtype=np.float64), return_inverse=True, return_counts=True
    )
    ends = np.cumsum(counts)
    ranks: Array = (ends - (counts - 1) / 2)[inverse.reshape(-1)]
    return ranks


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Return Spearman's rank correlation.

    Args:
        first: Values, not NaN, shape (n,).
        second: Others, shape (n,).

    Returns:
        From -1 to 1; NaN where either has fewer than two different values.

    Example:
        >>> rank_correlation([1, 2, 3, 4], [1, 4, 9, 16])
        1.0
    """
    r, s = average_ranks(first), average_ranks(second)
    middle = (len(r) + 1) / 2
    r, s = r - middle, s - middle
    norm = float(np.sqrt((r @ r) * (s @ s)))
    return float(np.clip(r @ s / norm, -1.0, 1.0)) if norm > 0 else float("nan")
