"""Reflection: steps that would leave the unit interval come back from its ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["reflected"]


def reflected(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers of [0, 1] as they are, others as if 0 and 1 were mirrors.

    Args:
        u: Numbers, of any shape.

    Example:
        >>> reflected(np.array([-0.25, 0.5, 1.25])).tolist()
        [0.25, 0.5, 0.75]
    """
    return np.asarray(1 - np.abs(1 - np.abs(u) % 2))
