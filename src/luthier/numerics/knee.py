"""The knee of a Pareto front: where a little more of one thing begins to cost much of another.

    name      meaning                                                      shape
    Y         the front, lower is better                                   (n, m)
    u         its objectives in units of the front's range, 0 the best     (n, m)
    b         bulge: how far a point lies beyond the plane sum_j u_j = 1   (n,)

References:
    Das, On characterizing the "knee" of the Pareto curve based on normal-boundary intersection,
    Structural Optimization 18 (1999).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["knee"]

Array = NDArray[np.float64]
_DIGITS: Final = 9  # rounding must not decide between points of a straight front


def knee(Y: Array) -> int:
    """Return the place of the point that lies furthest from the plane, towards the ideal point.

    b = (1 - sum_j u_j) / sqrt(m) is the distance from the plane through the m points that are
    worst in one objective and best in all others; of two objectives these are the ends of the
    front. No point of a front that is straight or bends away from the ideal lies beyond the plane:
    there, and among equals, the point whose worst u_j is least is taken, then the first.

    Args:
        Y: Points of which none dominates another, lower is better, shape (n, m), n at least 1,
            without NaN. Infinitely bad points come last; infinitely good values count as the best
            finite ones. An objective in which all are equal doesn't count.

    Returns:
        A place, from 0 to n - 1.

    Example:
        >>> knee(np.array([[0.0, 10.0], [1.0, 2.0], [5.0, 1.0], [9.0, 0.0]]))
        1
    """
    u = _in_units_of_range(Y)
    b = np.maximum((1 - u.sum(axis=1)) / np.sqrt(Y.shape[1]), 0.0)
    return int(np.lexsort((u.max(axis=1).round(_DIGITS), -b.round(_DIGITS)))[0])


def _in_units_of_range(Y: Array) -> Array:
    half = Y / 2  # so that no range overflows
    finite = np.isfinite(half)
    low = np.min(half, axis=0, where=finite, initial=np.inf)
    high = np.max(half, axis=0, where=finite, initial=-np.inf)
    low, high = np.where(finite.any(axis=0), [low, high], 0.0)
    return np.asarray((np.maximum(half, low) - low) / np.where(high > low, high - low, 1.0))
