"""The model that importance is read from, and how far it can be trusted.

A random forest of all trials, with leaves as small as predict best those that it hasn't seen: five
folds are left out in turn. What it says of them gives R2 and the rank correlation. A model that
can't rank trials it hasn't seen has nothing to say of what matters, whatever shares come out.

Intervals come from the bootstrap: the same is asked of forests of trials drawn with replacement,
and 1.645 standard deviations of the answers is taken either way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.importance.domain import Domain
from luthier.analysis.importance.trials import ranks_of
from luthier.numerics import forest

__all__ = ["N_TREES", "Fold", "Surrogate", "interval", "surrogate_of"]

Array = NDArray[np.float64]
N_TREES: Final = 64
_N_FOLDS: Final = 5
_FOLD_TREES: Final = 16
_LEAVES: Final = (1, 3, 10)
_REPLICATES: Final = 16
_REPLICATE_TREES: Final = 8
_Z: Final = 1.645  # 90%


@final
@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Trials that a forest hasn't seen.

    Attributes:
        rows: Their places.
        forest: The forest of all others.
    """

    rows: NDArray[np.intp]
    forest: forest.Forest


@final
@dataclass(frozen=True, slots=True, eq=False)
class Surrogate:
    """A model of the objective; made by ``surrogate_of``.

    Attributes:
        domain: What it is a function of.
        X: Trials with a value in every column, shape (n, d).
        y: Their values on the scale that is explained, shape (n,).
        min_leaf: The least number of trials in a leaf.
        folds: Forests that haven't seen some trials each, all trials in turn.
        r2: The share of variance explained of trials not seen; below 0 is worse than their mean.
        rank_correlation: Spearman's, of predictions for trials not seen with their values.
    """

    domain: Domain
    X: Array
    y: Array
    min_leaf: int
    folds: tuple[Fold, ...]
    r2: float
    rank_correlation: float

    def grown(self, rng: np.random.Generator, n_trees: int = N_TREES) -> forest.Forest:
        """Return a forest of all trials."""
        return _grown(self.domain, self.X, self.y, self.min_leaf, n_trees, rng)

    def replicates(self, rng: np.random.Generator) -> Iterator[forest.Forest]:
        """Give small forests of trials drawn with replacement."""
        n = len(self.y)
        for _ in range(_REPLICATES):
            rows = rng.integers(n, size=n)
            X, y = self.X[rows], self.y[rows]
            yield _grown(self.domain, X, y, self.min_leaf, _REPLICATE_TREES, rng)


def surrogate_of(domain: Domain, X: Array, y: Array, rng: np.random.Generator) -> Surrogate:
    """Choose a forest by cross-validation.

    Args:
        domain: What it is a function of.
        X: Trials, NaN where inactive, shape (n, d).
        y: Finite values that differ, shape (n,).
        rng: Source of randomness.
    """
    points = domain.filled(X, rng)
    fold = rng.permutation(len(y)) % _N_FOLDS
    found = [_validated(domain, points, y, fold, least, rng) for least in _LEAVES]
    errors = [float(np.mean((y - predicted) ** 2)) for _, predicted in found]
    chosen = int(np.argmin(errors))
    folds, predicted = found[chosen]
    ranks = np.corrcoef(ranks_of(y), ranks_of(predicted)) if np.ptp(predicted) else np.zeros((2, 2))
    r2 = 1 - errors[chosen] / float(y.var())
    return Surrogate(domain, points, y, _LEAVES[chosen], folds, r2, float(ranks[0, 1]))


def interval(point: Array, replicates: Array) -> Array:
    """Return what is below and above of estimates of shares by their spread.

    Args:
        point: Shape (p,).
        replicates: The same of trials drawn with replacement, shape (b, p).

    Returns:
        Shape (p, 2), the lower end at least 0.

    Example:
        >>> interval(np.array([0.5]), np.array([[0.4], [0.6]])).round(3).tolist()
        [[0.267, 0.733]]
    """
    spread = _Z * replicates.std(axis=0, ddof=1)
    return np.column_stack([np.maximum(point - spread, 0.0), point + spread])


def _validated(
    domain: Domain, X: Array, y: Array, fold: NDArray[np.intp], least: int, rng: np.random.Generator
) -> tuple[tuple[Fold, ...], Array]:
    folds, predicted = [], np.empty(len(y))
    for k in range(_N_FOLDS):
        seen, rows = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        model = _grown(domain, X[seen], y[seen], least, _FOLD_TREES, rng)
        predicted[rows] = model.predict(X[rows])[0]
        folds.append(Fold(rows, model))
    return tuple(folds), predicted


def _grown(
    domain: Domain, X: Array, y: Array, least: int, n_trees: int, rng: np.random.Generator
) -> forest.Forest:
    return forest.fit(
        X,
        y,
        domain.categories,
        rng,
        n_trees=n_trees,
        min_leaf=least,
        max_features=1.0,
        share=1.0,
    )
