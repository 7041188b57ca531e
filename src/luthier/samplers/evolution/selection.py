"""Selection: which members of a population become parents.

Members are given by their places in order of fitness, the best first.

References:
    Goldberg and Deb, A comparative analysis of selection schemes, FOGA 1 (1991).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["tournament", "truncation"]

Places = NDArray[np.intp]


def tournament(standing: Places, k: int, size: int, rng: np.random.Generator) -> Places:
    """Return the winners of k tournaments; in ``size`` rounds everybody fights about equally often.

    Args:
        standing: How well each member does, lower is better; ties are decided at random, shape
            (n,), n at least 1.
        k: How many winners.
        size: How many fight for a place, at least 1.
        rng: Source of randomness.

    Returns:
        Places of members, shape (k,).

    Example:
        >>> tournament(np.array([0, 1, 2]), 2, 50, np.random.default_rng(0)).tolist()
        [0, 0]
    """
    n = len(standing)
    rounds = -(-k * size // n)
    entries = rng.permuted(np.tile(np.arange(n), (rounds, 1)), axis=1).ravel()[: k * size]
    fights = rng.permutation(entries).reshape(k, size) if size > n else entries.reshape(k, size)
    return np.asarray(fights[np.arange(k), standing[fights].argmin(axis=1)])


def truncation(standing: Places, k: int, share: float, rng: np.random.Generator) -> Places:
    """Return k draws from the best share of the members.

    Args:
        standing: How well each member does, lower is better, shape (n,), n at least 1.
        k: How many.
        share: Which part may become parents, above 0 and at most 1; at least one does.
        rng: Source of randomness.

    Returns:
        Places of members, shape (k,).

    Example:
        >>> set(truncation(np.array([2, 0, 1, 3]), 20, 0.5, np.random.default_rng(0)).tolist())
        {1, 2}
    """
    best = np.argsort(standing, kind="stable")[: math.ceil(share * len(standing))]
    return np.asarray(best[rng.integers(len(best), size=k)])
