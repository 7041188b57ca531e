"""Shrinkage: what a candidate's mean score says of its true one, knowing all the others'.

The best of many noisy means is too good. A hierarchical model says by how much. Scores of
candidate i on split j are

    y_ij  =  mu_i + d_j + e_ij,      mu_i ~ G,      e_ij ~ N(0, s2)

with an effect d_j of the split, which all candidates share, and an unknown distribution G of what
candidates are worth. G is fitted by maximum likelihood with no shape assumed (Kiefer and Wolfowitz
1956): weights on a grid of values, by expectation maximisation. So a tail of bad candidates, which
every search has, doesn't hide that the many good ones differ less than their noise, as one normal
distribution for all would.

    name     meaning                                                     shape
    y        scores; NaN where a candidate wasn't scored                 (n, J)
    z        mean scores of the candidates, split effects taken off      (n,)
    v        variance of the noise of z, s2 over the number of scores    (n,)
    grid, w  support and weights of G                                    (m,)

References:
    Kiefer, Wolfowitz, Annals of Mathematical Statistics 27 (1956); Jiang, Zhang, General maximum
    likelihood empirical Bayes estimation of normal means, Annals of Statistics 37 (2009).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.analysis.comparison import checked_scores

__all__ = ["Shrunk", "shrunk"]

Array = NDArray[np.float64]
_GRID: Final = 120
_STEPS: Final = 300
_SWEEPS: Final = 20
_BELOW: Final = 12.0  # standard deviations below the best mean at which the grid begins


@final
@dataclass(frozen=True, slots=True, eq=False)
class Shrunk:
    """What is believed of each candidate's true score.

    Attributes:
        mean: Posterior means, shape (n,).
        std: Posterior standard deviations, shape (n,).
        observed: Mean scores with the splits' effects taken off, shape (n,).
    """

    mean: Array
    std: Array
    observed: Array


def shrunk(scores: ArrayLike) -> Shrunk:
    """Shrink the mean scores of candidates towards those they can't be told from.

    Args:
        scores: Higher is better, shape (n, J); NaN where a candidate wasn't scored on a split. With
            J = 1 the noise can't be told, and nothing is shrunk.

    Returns:
        The posterior of every candidate's mean over splits.

    Raises:
        ArgumentError: A candidate without scores, or infinite ones.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> found = shrunk(0.9 + 0.02 * rng.normal(size=(50, 5)))
        >>> bool(np.std(found.mean) < 0.7 * np.std(found.observed))
        True
    """
    y = checked_scores(scores, "shrunk", partial=True)
    y = y[:, np.isfinite(y).any(axis=0)]
    z, rest = _without_split_effects(y)
    s2 = _noise(z, rest)
    v = s2 / np.sum(np.isfinite(y), axis=1)
    if s2 == 0:
        return Shrunk(z, np.zeros(len(z)), z)
    low = max(z.min(), z.max() - _BELOW * np.sqrt(v.max()))
    near = np.maximum(z, low)  # how bad the bad are doesn't matter
    grid = np.linspace(low, z.max(), _GRID)
    log_likelihood = -0.5 * (near[:, None] - grid) ** 2 / v[:, None]
    likelihood = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    posterior = _mixed(likelihood)
    mean = posterior @ grid
    std = np.sqrt(np.maximum(posterior @ grid**2 - mean**2, 0.0))
    return Shrunk(np.where(z < low, z, mean), std, z)


def _mixed(likelihood: Array) -> Array:
    """Each candidate's posterior over the grid, with the weights fitted to all; shape (n, m)."""
    w = np.full(likelihood.shape[1], 1 / likelihood.shape[1])
    posterior = likelihood
    for _ in range(_STEPS):
        weighted = likelihood * w
        posterior = weighted / weighted.sum(axis=1, keepdims=True)
        w = posterior.mean(axis=0)
    return posterior


def _without_split_effects(y: Array) -> tuple[Array, Array]:
    """Means of the candidates, by alternating least squares, and what is left; (n,), (n, J)."""
    z = np.nanmean(y, axis=1)
    effects = np.zeros(y.shape[1])
    for _ in range(_SWEEPS if np.isnan(y).any() else 1):
        effects = np.nanmean(y - z[:, None], axis=0)
        effects -= effects.mean()
        z = np.nanmean(y - effects, axis=1)
    return z, y - z[:, None] - effects


def _noise(z: Array, rest: Array) -> float:
    """The variance of one score's noise, among the better half of the candidates; 0 if unknown."""
    good = rest[z >= np.median(z)]
    good = good[:, np.isfinite(good).any(axis=0)]
    good = good - np.nanmean(good, axis=0)
    n, splits = good.shape
    freedom = np.isfinite(good).sum() - n - splits + 1
    variance = float(np.nansum(good**2) / max(freedom, 1))
    return variance if freedom > 0 and variance > 1e-12 * np.nanvar(z) + 1e-300 else 0.0
