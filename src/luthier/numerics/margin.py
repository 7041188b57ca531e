"""Margins: on which side of an edge points lie, and how far from it, as far as points can tell.

A model of the labels 1 and -1 has a step to learn. The distance to the nearest point of the other
class, with the class as its sign, crosses zero at the same place, is nearly linear there, and grows
on both sides: a smooth function, which a Gaussian process extrapolates well.

    name      meaning                                       shape
    F         features of points                            (n, p)
    inside    which of them are in the class of interest    (n,)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["margins"]

Array = NDArray[np.float64]


def margins(F: Array, inside: NDArray[np.bool_]) -> Array:
    """Return the distance of each point to the nearest of the other class.

    Args:
        F: Shape (n, p).
        inside: Shape (n,).

    Returns:
        Shape (n,): negative inside and positive outside; -1 and 1 if there is only one class.

    Example:
        >>> margins(np.array([[0.0], [1.0], [3.0]]), np.array([True, True, False])).tolist()
        [-3.0, -2.0, 2.0]
    """
    sign = np.where(inside, -1.0, 1.0)
    A, B = F[inside], F[~inside]
    if not len(A) or not len(B):
        return sign
    square = np.square(A).sum(axis=1)[:, None] + np.square(B).sum(axis=1) - 2.0 * A @ B.T
    distance = np.empty(len(F))
    distance[inside], distance[~inside] = square.min(axis=1), square.min(axis=0)
    return np.asarray(sign * np.sqrt(np.maximum(distance, 0.0)))
