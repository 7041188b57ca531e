"""The step of differential evolution: mutants from differences, crossed with their targets.

    name      meaning                                               shape
    X         targets, in the space's encoding, without NaN         (n, d)
    S         where the mutants' steps start                        (n, d)
    A, B      the pairs whose difference is the step                (n, d)
    F, CR     step sizes, crossover rates                           (n, 1), (n, 1)

    v = s + F (a - b)                   u_j = v_j with probability CR, for one j at least; else x_j

A choice of v is that of s; where those of a and b differ it is a's with probability F; now and
then it is drawn at random, so that none is lost for good.

References:
    Storn and Price, Differential evolution, Journal of Global Optimization 11 (1997).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from luthier.samplers.evolution.variation import Genes

__all__ = ["crossed_with_mutants"]

Array = NDArray[np.float64]
_STRAY: Final = 0.02  # how often a choice is drawn at random


def crossed_with_mutants(
    genes: Genes,
    X: Array,
    S: Array,
    pairs: tuple[Array, Array],
    F: Array,
    CR: Array,
    rng: np.random.Generator,
) -> Array:
    """Return a child of each target, encoded, shape (n, d).

    Args:
        genes: Which columns mean what.
        X: Targets.
        S: Where steps start.
        pairs: A and B.
        F: Step sizes.
        CR: Crossover rates.
        rng: Draws choices, and which genes are crossed.
    """
    (n, d), (A, B) = X.shape, pairs
    V = S + F * (A - B)
    V = np.where(V < 0, X / 2, np.where(V > 1, (X + 1) / 2, V))  # half of the way to the bound
    if len(genes.choices):
        c = genes.choices
        moved = (A[:, c] != B[:, c]) & (rng.random((n, len(c))) < F)
        codes = np.where(moved, A[:, c], S[:, c])
        stray = rng.random((n, len(c))) < _STRAY
        V[:, c] = np.where(stray, np.floor(rng.random((n, len(c))) * genes.sizes), codes)
    taken = rng.random((n, d)) < CR
    taken[np.arange(n), rng.integers(d, size=n)] = True
    return np.where(taken, V, X)
