"""The trust region: a box around the best trial that grows with success and shrinks without it.

Its size isn't remembered, but read off the history: each trial proposed in the box says so in its
origin, and the completed ones are gone through in order.

    name      meaning
    L         side of the box, in units of the cube, before it is stretched by length scales
    l         length scales

References:
    Eriksson et al., Scalable global optimization via local Bayesian optimization (TuRBO),
    arXiv:1910.01739.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History

__all__ = ["IN_BOX", "box", "side_length"]

Array = NDArray[np.float64]
IN_BOX: Final = "in_box"
_FIRST: Final = 0.8
_MOST: Final = 1.6
_LEAST: Final = 2.0**-7
_AGAIN: Final = 0.4
_SUCCESSES: Final = 2
_FAILURES: Final = 4
_LOOK_BACK: Final = 600


def side_length(history: History, y: Array, d: int) -> float:
    """Return the side of the box after all that has happened.

    Args:
        history: The history.
        y: Values of its completed trials, lower is better, shape (n,); of thousands, the latest
            and the best.
        d: How many columns there are.
    """
    first = max(0, len(y) - _LOOK_BACK)
    best = float(np.min(y[:first], initial=np.inf))
    length, successes, failures = _FIRST, 0, 0
    latest = history.completed[len(history.completed) - len(y) + first :]
    for trial, value in zip(latest, y[first:].tolist(), strict=True):
        better = value < best
        best = min(best, value)
        if not trial.origin.data.get(IN_BOX):
            continue
        successes, failures = (successes + 1, 0) if better else (0, failures + 1)
        if successes >= _SUCCESSES:
            length, successes = min(2 * length, _MOST), 0
        elif failures >= max(_FAILURES, d):
            length, failures = length / 2, 0
            length = _AGAIN if length < _LEAST else length
    return length


def box(center: Array, lengths: Array, side: float) -> tuple[Array, Array]:
    """Return the lower and upper ends of the box.

    Args:
        center: Shape (d,).
        lengths: Length scales, by which sides are stretched, shape (d,).
        side: See ``side_length``.

    Example:
        >>> box(np.array([0.5]), np.array([2.0]), 0.8)
        (array([0.1]), array([0.9]))
    """
    stretch = lengths / np.exp(np.log(lengths).mean()) if len(lengths) else lengths
    half = 0.5 * side * np.clip(stretch, 0.2, 5.0)
    return np.maximum(center - half, 0.0), np.minimum(center + half, 1.0)
