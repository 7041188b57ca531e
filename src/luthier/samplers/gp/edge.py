"""The edge of what works: halfway from the best trial to the nearest that crashed.

Where values get better up to the edge, the best configuration lies on it, and a model of the
crashes is too careful to find it: it knows the edge only as well as the trials next to it. Halving
the way finds it by bisection, a digit in every three trials or so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["halfway"]

Array = NDArray[np.float64]


def halfway(
    place: Array, crashed: Array, lengths: Array, choices: NDArray[np.intp]
) -> Array | None:
    """Return the middle between a trial and the nearest of those that crashed.

    Args:
        place: The trial, encoded, NaN where a parameter is inactive, shape (d,).
        crashed: Those that crashed, likewise, shape (c, d).
        lengths: Length scales, by which distances are measured, shape (d,).
        choices: The columns that are choices; those of both have to be the same.

    Returns:
        Shape (d,), not snapped to values that exist; None if there is no such trial.

    Example:
        >>> halfway(np.array([0.5]), np.array([[0.1], [0.9]]), np.ones(1), np.array([], int))
        array([0.3])
    """
    alike = np.nan_to_num(crashed[:, choices], nan=-1.0) == np.nan_to_num(place[choices], nan=-1.0)
    near = crashed[alike.all(axis=1)]
    if not len(near):
        return None
    distance = np.square(np.nan_to_num((near - place) / lengths)).sum(axis=1)
    return np.asarray((place + near[np.argmin(distance)]) / 2)
