"""Distributions of configurations: normal over numbers, with independent choices beside it.

A row stands for all columns of a space's encoding, before anything is clipped or rounded; that is
what is learnt from, so that a number between two integers keeps its place. Orders are numbers, one
for each item, that are sorted.

    name      meaning                                              shape
    X         rows, codes in the columns of choices                (k, d)
    active    where a parameter had an effect                      (k, d)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.axes import axes_of
from luthier.numerics import asng, cma
from luthier.numerics.parzen import Axis
from luthier.space import Space

__all__ = ["Distribution", "anywhere", "believed"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]
_LEAST_STD: Final = 0.1  # around a good trial; alpha of Nomura et al., WS-CMA-ES
_DOUBT: Final = 10  # trials that the usual width counts for
_EVEN: Final = math.sqrt(1 / 12)  # standard deviation of even numbers


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Which columns are what.

    Attributes:
        numbers: Columns that a normal distribution draws, shape (p,).
        choices: Columns that hold codes, shape (c,).
        axes: Of each number.
        shares: The user's probabilities of each choice's codes.
    """

    numbers: Places
    choices: Places
    axes: tuple[Axis, ...]
    shares: tuple[Array, ...]


@lru_cache(maxsize=16)
def _columns_of(space: Space) -> _Columns:
    wide = [axis for axis in axes_of(space) for _ in range(axis.width)]
    numbers = [j for j, axis in enumerate(wide) if axis.kind != "choice"]
    choices = [j for j, axis in enumerate(wide) if axis.kind == "choice"]
    return _Columns(
        np.array(numbers, dtype=np.intp),
        np.array(choices, dtype=np.intp),
        tuple(wide[j] for j in numbers),
        tuple(wide[j].shares for j in choices),
    )


@final
@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """A distribution of rows; ``believed`` and ``anywhere`` make the first.

    Attributes:
        columns: What the columns are.
        numbers: The normal distribution of the numbers.
        choices: The probabilities of the choices.
    """

    columns: _Columns
    numbers: cma.State
    choices: asng.Choices

    def draw(self, k: int, rng: np.random.Generator) -> Array:
        """Draw k rows: in directions that spread evenly, and choices in even strata."""
        at, codes = self.columns.numbers, self.columns.choices
        X = np.empty((k, len(at) + len(codes)))
        X[:, at] = cma.ask(self.numbers, cma.draws(k, len(at), rng))
        strata = np.argsort(rng.random((k, len(codes))), axis=0)
        X[:, codes] = asng.draw(self.choices, (strata + rng.random((k, len(codes)))) / k)
        return X

    def shortened(self, X: Array) -> Array:
        """Return rows from elsewhere, the numbers of those too far away moved nearer."""
        X, at = X.copy(), self.columns.numbers
        X[:, at] = cma.shortened(self.numbers, X[:, at])
        return X

    def centred(self, X: Array) -> Array:
        """Return configurations as rows, with the mean where a number is NaN."""
        X, at = X.copy(), self.columns.numbers
        X[:, at] = np.where(np.isnan(X[:, at]), self.numbers.mean, X[:, at])
        return X

    def told(self, X: Array, active: NDArray[np.bool_], ranks: Array) -> Distribution:
        """Learn from a generation.

        Numbers that had no effect don't move the mean; they still tell how wide and in which
        direction the distribution was drawn, as they would if they were chosen at random.

        Args:
            X: Rows, shape (k, d), codes NaN where they aren't known.
            active: Shape (k, d).
            ranks: The better, the lower; shape (k,).
        """
        at, numbers, choices = self.columns.numbers, self.numbers, self.choices
        codes = np.where(active, X, np.nan)[:, self.columns.choices]
        if len(at):
            moved = np.where(active[:, at], X[:, at], numbers.mean)
            numbers = cma.tell(numbers, X[:, at], ranks, moved)
            edges = [axis.edges for axis in self.columns.axes]
            least = 1 / (len(at) * len(X))  # section 4.3, Hamano et al.
            numbers = cma.with_margins(numbers, edges, least)
        if codes.shape[1]:
            choices = asng.tell(choices, codes, cma.rank_weights(ranks))
        return replace(self, numbers=numbers, choices=choices)


def believed(space: Space, good: Array, known: int, sigma: float, adapt: bool) -> Distribution:
    """Return the first distribution: what the user believes, and the best of earlier trials.

    The mean is that of the good trials; without any, the user's defaults, or the mean of the
    priors, or the centre. The widths of the priors give way to those of the good trials, the more
    so the more trials these were chosen from.

    Args:
        space: The space.
        good: The best earlier trials, encoded, NaN where inactive, shape (n, d).
        known: How many trials there were earlier.
        sigma: Width of the distribution if nothing is known, in ranges of the parameters.
        adapt: Whether learning rates are adapted.

    References:
        Nomura et al., Warm starting CMA-ES for hyperparameter optimization, arXiv:2012.06932.
    """
    columns = _columns_of(space)
    mean, widths = _belief(space, columns)
    variances, shares = np.square(sigma * widths), columns.shares
    covariance = np.diag(variances)
    if len(good):
        X = good[:, columns.numbers]
        doubt = (known * _LEAST_STD**2 + _DOUBT * variances) / (known + _DOUBT)
        mean, covariance = cma.warm_start(np.where(np.isnan(X), mean, X), doubt)
        codes = (good[:, j] for j in columns.choices.tolist())
        shares = tuple(_counted(c, share) for c, share in zip(codes, shares, strict=True))
    unit = math.exp(np.linalg.slogdet(covariance)[1] / max(len(mean), 1))
    numbers = cma.start(mean, math.sqrt(unit), covariance / unit, bounded=True, adapt=adapt)
    return Distribution(columns, numbers, asng.start(shares))


def anywhere(space: Space, sigma: float, adapt: bool, rng: np.random.Generator) -> Distribution:
    """Return a distribution to begin anew from, its mean drawn evenly.

    Args:
        space: The space.
        sigma: Its width.
        adapt: Whether learning rates are adapted.
        rng: Source of randomness.
    """
    columns = _columns_of(space)
    numbers = cma.start(rng.random(len(columns.numbers)), sigma, bounded=True, adapt=adapt)
    even = [np.full(len(share), 1 / len(share)) for share in columns.shares]
    return Distribution(columns, numbers, asng.start(even))


def _belief(space: Space, columns: _Columns) -> tuple[Array, Array]:
    """Mean and relative width of each number, as the user believes, shape (p,)."""
    mean, widths = np.full(len(columns.numbers), 0.5), np.ones(len(columns.numbers))
    for i, axis in enumerate(columns.axes):
        if axis.prior is not None:
            ends = np.linspace(0, 1, len(axis.prior) + 1) if axis.edges is None else axis.edges
            at = (ends[1:] + ends[:-1]) / 2
            mean[i] = axis.prior @ at
            widths[i] = max(math.sqrt(axis.prior @ np.square(at - mean[i])) / _EVEN, _LEAST_STD)
    default = space.default()
    if default is not None:
        x = space.encoding.encode([default])[0, columns.numbers]
        mean = np.where(np.isnan(x), mean, x)
    return mean, widths


def _counted(codes: Array, share: Array) -> Array:
    """Probabilities of choices, the user's and those of good trials taken together."""
    counts = np.bincount(codes[~np.isnan(codes)].astype(np.intp), minlength=len(share))
    return np.asarray((counts + len(share) * share) / (counts.sum() + len(share)))
