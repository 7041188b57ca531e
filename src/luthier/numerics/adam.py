"""Stochastic gradients from pairs of values, and what Adam makes of them.

    name     meaning                                                         shape
    E        half of what lies between the points of each pair               (p, d)
    f        differences of their values, or of what stands for them         (p,)
    g        gradient                                                        (d,)
    m, v     running means of g and of its square                            (d,)

Values come in pairs, at x + h and x - h in every coordinate at once. The difference says how steep
the way between them is, and nothing about a single coordinate; but other coordinates are noise of
mean zero to each, so that the mean over pairs goes downhill, at two values a pair instead of 2 d.

References:
    Spall, Multivariate stochastic approximation using a simultaneous perturbation gradient
    approximation, IEEE Transactions on Automatic Control 37 (1992).
    Spall, Implementation of the simultaneous perturbation algorithm for stochastic optimization,
    IEEE Transactions on Aerospace and Electronic Systems 34 (1998).
    Kingma and Ba, Adam, arXiv:1412.6980.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Adam", "centred_ranks", "gain", "robust"]

Array = NDArray[np.float64]
_BETA_1: Final = 0.9
_BETA_2: Final = 0.99  # of one pair; the slopes of a thousand ago are no longer those of now
_TINY: Final = 1e-12
_FAR: Final = 3.0


@final
@dataclass(frozen=True, slots=True, eq=False)
class Adam:
    """Running means of gradients: their mean over the root of their mean square has no unit.

    Attributes:
        m: Decaying mean, shape (d,).
        v: Decaying mean of squares, shape (d,).
        n: How many pairs have been taken in. Memories are counted in pairs: a gradient of many
            is as much as many of one.

    Example:
        >>> Adam.of(2).after(np.array([4.0, -0.01])).direction.round(3).tolist()
        [1.0, -1.0]
    """

    m: Array
    v: Array
    n: int = 0

    @classmethod
    def of(cls, d: int) -> Self:
        """Return what is known before the first gradient of d coordinates: nothing."""
        return cls(np.zeros(d), np.zeros(d))

    def after(self, g: Array, pairs: int = 1) -> Adam:
        """Take in a gradient, shape (d,), the mean over so many pairs."""
        beta_1, beta_2 = _BETA_1**pairs, _BETA_2**pairs
        m = beta_1 * self.m + (1 - beta_1) * g
        return Adam(m, beta_2 * self.v + (1 - beta_2) * g**2, self.n + pairs)

    @property
    def direction(self) -> Array:
        """Uphill, shape (d,); 1 or -1 where all gradients agree, nearer to 0 where they don't."""
        if not self.n:
            return self.m
        m = self.m / (1 - _BETA_1**self.n)
        v = self.v / (1 - _BETA_2**self.n)
        return np.asarray(m / (np.sqrt(v) + _TINY))


def gain(k: int, first: float, decay: float, delay: float = 0.0) -> float:
    """Return the k-th of a falling sequence: first ((1 + delay) / (1 + delay + k))^decay.

    Args:
        k: From 0.
        first: What it starts with.
        decay: 0.602 for steps and 0.101 for perturbations is advised (Spall 1998, section III).
        delay: How long it takes to begin to fall; a tenth of all steps is advised there.

    Example:
        >>> gain(0, 0.5, 0.602), round(gain(3, 0.5, 1.0), 3)
        (0.5, 0.125)
    """
    return float(first * ((1 + delay) / (1 + delay + k)) ** decay)


def robust(f: Array, usual: Array) -> Array:
    """Return differences in units of the usual one, 3 at most, so that no outlier counts for more.

    Args:
        f: Differences, infinite ones included, shape (p,).
        usual: Finite differences of the recent past, these among them, shape (n,).

    Example:
        >>> robust(np.array([2.0, -1e9]), np.array([2.0, -2.0, 2.0])).tolist()
        [1.0, -3.0]
    """
    unit = float(np.median(np.abs(usual))) if len(usual) else 0.0
    scaled = f / unit if unit > 0 else np.sign(f)
    return np.asarray(np.clip(np.nan_to_num(scaled, nan=0.0), -_FAR, _FAR))


def centred_ranks(y: Array, fault: Array) -> Array:
    """Return the share of the others that are better than each, less the share that is worse.

    Args:
        y: Values, lower is better, shape (n,).
        fault: What is wrong with each, 0 is nothing; counts before values, shape (n,).

    Returns:
        From -1 for the best to 1 for the worst, 0 where all are alike, shape (n,).

    Example:
        >>> centred_ranks(np.array([3.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.0])).tolist()
        [0.0, 1.0, -1.0]
    """
    same = fault[:, None] == fault
    better = (fault[:, None] < fault) | (same & (y[:, None] < y))
    ranks: Array = better.sum(axis=0, dtype=np.float64) - better.sum(axis=1)
    return ranks / max(len(y) - 1, 1)
