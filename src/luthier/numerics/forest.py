"""Random forests for regression, with uncertainty, on mixed and conditional data.

Extremely randomised trees: a node looks at one random threshold for every feature and takes the
one that explains most. All trees grow together, level by level, so that growing is a few dozen
array operations however many trees and nodes there are. Categories are read in the order of
their mean target, by each tree in that of its own sample; values that are missing (an inactive
parameter) all go to one side, which each split chooses at random, or are split off from the others.

    name      meaning                                               shape
    X, y      data and targets                                      (n, d), (n,)
    T         number of trees
    rows      samples of all trees, those of a node side by side    (n T,)
    S, c      sum of targets and number of samples of a node
    gain      S_l^2 / c_l + S_r^2 / c_r, maximal where the squared error is minimal

    mean(x) = mean_t m_t(x)      var(x) = var_t m_t(x) + mean_t v_t(x)

with m_t, v_t the mean and the variance of the leaf of tree t. (Hutter et al. 2014, eq. 4 and 5)

References:
    Geurts, Ernst, Wehenkel, Extremely randomized trees, Machine Learning 63 (2006).
    Hutter et al., Algorithm runtime prediction, arXiv:1211.0906.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.errors import ArgumentError
from luthier.numerics.checks import check_codes, data, points, targets

__all__ = ["Forest", "fit"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]
_Level = tuple[Places, Array, NDArray[np.bool_], Places, Places, Array, Array]
_LEAF: Final = -1


@final
@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """A fitted forest; made by ``fit``.

    Attributes:
        n_trees: Number of trees.
        width: Number of columns of the data.
        codes: For each categorical column, where each tree puts its codes, shape (T, K).
        feature: The column a node looks at, -1 in a leaf, shape (nodes,). The roots come first.
        threshold: Values up to it go left.
        missing_left: Whether missing values do.
        left: The left child; the right one is next to it.
        count: Number of samples in a node.
        mean: Mean target of the samples in a node.
        variance: Their variance.

    Example:
        >>> fit([[0.0], [1.0]], [2.0, 2.0], [0], np.random.default_rng(0), n_trees=3).mean.tolist()
        [2.0, 2.0, 2.0]
    """

    n_trees: int
    width: int
    codes: dict[int, Array]
    feature: Places
    threshold: Array
    missing_left: NDArray[np.bool_]
    left: Places
    count: Places
    mean: Array
    variance: Array

    def predict(self, X: ArrayLike) -> tuple[Array, Array]:
        """Return mean and standard deviation at points.

        Args:
            X: Shape (c, d); NaN is missing. Codes must be those that ``fit`` was told of.

        Returns:
            Two arrays of shape (c,), in the units of y.

        Raises:
            ArgumentError: Another number of columns, or codes of no category.

        Example:
            >>> fit([[0.0]], [2.0], [0], np.random.default_rng(0)).predict([[0.5]])[0].tolist()
            [2.0]
        """
        leaves = self._leaves(points(X, self.width, "Forest: X"))
        means = self.mean[leaves]
        variance = means.var(axis=0) + self.variance[leaves].mean(axis=0)
        return means.mean(axis=0), np.sqrt(variance)

    def by_tree(self, X: ArrayLike) -> Array:
        """Return what each tree says of the mean at points.

        Args:
            X: Shape (c, d), as for ``predict``.

        Returns:
            Shape (T, c), in the units of y.

        Raises:
            ArgumentError: See ``predict``.

        Example:
            >>> fit([[0.0]], [2.0], [0], np.random.default_rng(0)).by_tree([[0.5]]).shape
            (10, 1)
        """
        return self.mean[self._leaves(points(X, self.width, "Forest: X"))]

    def gains(self) -> Array:
        """Return by how much the splits of each column lower the squared error, shape (d,).

        Summed over the samples of all trees: the mean decrease of impurity, times their number.

        Example:
            >>> fit(np.eye(2), [1.0, 1.0], [0, 0], np.random.default_rng(0)).gains().tolist()
            [0.0, 0.0]
        """
        inner = np.flatnonzero(self.feature != _LEAF)
        error, left = self.count * self.variance, self.left[inner]
        gain = error[inner] - error[left] - error[left + 1]
        return np.bincount(self.feature[inner], gain, self.width).astype(np.float64)

    def updated(self, X: ArrayLike, y: ArrayLike) -> Forest:
        """Return a forest of the same trees whose leaves hold more samples; much faster than a fit.

        Args:
            X: Data, shape (m, d).
            y: Finite targets, shape (m,). Every tree sees all of them.

        Raises:
            ArgumentError: See ``fit``.

        Example:
            >>> forest = fit([[0.0]], [0.0], [0], np.random.default_rng(0))
            >>> forest.updated(np.ones((3, 1)), np.ones(3)).predict([[1.0]])[0].tolist()
            [0.75]
        """
        x = data(X, [0] * self.width, "Forest: X")  # codes are checked when they are read
        new = np.tile(targets(y, len(x), "Forest: y"), self.n_trees)
        leaves, n = self._leaves(x).ravel(), len(self.mean)
        count = self.count + np.bincount(leaves, minlength=n)
        shift = np.bincount(leaves, new - self.mean[leaves], n) / count
        spread = np.bincount(leaves, (new - self.mean[leaves]) ** 2, n)
        variance = (self.count * self.variance + spread) / count - shift**2
        return replace(
            self, count=count, mean=self.mean + shift, variance=np.maximum(variance, 0.0)
        )

    def _leaves(self, X: Array) -> Places:
        """The leaf of every point in every tree, shape (T, c)."""
        c = len(X)
        values = _read_codes(X, self.codes, self.n_trees)  # (T or 1, c, d)
        flat, stride = values.ravel(), values.strides[0] // 8 if len(values) > 1 else 0
        starts = np.arange(self.n_trees)[:, None] * stride + np.arange(c) * self.width
        at = np.repeat(np.arange(self.n_trees), c)
        starts, todo = starts.ravel(), np.arange(at.size)
        while len(todo := todo[self.feature[at[todo]] != _LEAF]):
            node = at[todo]
            u = flat[starts[todo] + self.feature[node]]
            goes_left = np.where(np.isnan(u), self.missing_left[node], u <= self.threshold[node])
            at[todo] = self.left[node] + ~goes_left
        return at.reshape(self.n_trees, c)


def fit(
    X: ArrayLike,
    y: ArrayLike,
    categories: Sequence[int],
    rng: np.random.Generator,
    *,
    n_trees: int = 10,
    min_leaf: int = 1,
    max_features: float = 5 / 6,
    share: float = 0.7,
) -> Forest:
    """Fit a forest.

    Args:
        X: Data, finite or NaN where missing, shape (n, d), n at least 1.
        y: Finite targets, shape (n,).
        categories: Number of categories of each column, 0 for numbers, length d; a categorical
            column holds codes 0 .. K - 1.
        rng: Source of randomness.
        n_trees: How many trees, at least 1.
        min_leaf: The smallest number of samples in a leaf, at least 1; more for noisy data.
        max_features: The share of features that a node looks at, above 0 and at most 1.
        share: The share of the data that each tree sees, drawn without replacement, above 0 and
            at most 1. All of it makes a forest interpolate, and be certain at the data.

    Raises:
        ArgumentError: Shapes that don't match, X or y that isn't finite, bad codes or settings.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> X = rng.random((200, 2))
        >>> forest = fit(X, 3 * X[:, 0], [0, 0], rng)
        >>> mean, std = forest.predict([[0.5, 0.5]])
        >>> bool(abs(mean[0] - 1.5) < 0.2)
        True
    """
    x = data(X, categories, "Forest: X", least=1)
    values = targets(y, len(x), "Forest: y")
    _check_settings((n_trees, min_leaf), (max_features, share))
    n, width = x.shape
    samples = np.argsort(rng.random((n_trees, n)), axis=1)[:, : math.ceil(share * n)]
    columns = {j: k for j, k in enumerate(categories) if k}
    codes = {j: _order_of_codes(x[:, j], values, samples, k) for j, k in columns.items()}
    read = _read_codes(x, codes, n_trees)
    tree = np.arange(n_trees)[:, None] if len(read) > 1 else 0
    rows = read[tree, samples].reshape(-1, width).T
    grower = _Grower(np.ascontiguousarray(rows), values[samples].ravel(), n_trees)
    while grower.grow(rng, min_leaf, max_features):
        pass
    return Forest(n_trees, width, codes, *grower.nodes())


@final
class _Grower:
    """Trees while they grow: the samples of the nodes of the last level, node after node."""

    def __init__(self, X: Array, y: Array, n_trees: int) -> None:
        self._X, self._y = X, y
        self._starts = np.arange(n_trees) * (len(y) // n_trees)
        self._n_nodes = n_trees
        self._has_missing = bool(np.isnan(X).any())
        self._levels: list[_Level] = []

    def nodes(self) -> _Level:
        """What ``Forest`` wants to know of all nodes."""
        feature, threshold, missing_left, left, count, mean, variance = map(
            np.concatenate, zip(*self._levels, strict=True)
        )
        return feature, threshold, missing_left, left, count, mean, variance

    def grow(self, rng: np.random.Generator, min_leaf: int, max_features: float) -> bool:
        """Split the nodes of the last level; False if there are none."""
        k = len(self._starts)
        if not k:
            return False
        counts = np.diff(self._starts, append=len(self._y))
        mean = np.add.reduceat(self._y, self._starts) / counts
        centred = self._y - np.repeat(mean, counts)
        variance = np.add.reduceat(centred * centred, self._starts) / counts
        feature, threshold = np.full(k, _LEAF), np.zeros(k)
        missing_left, left = np.zeros(k, dtype=bool), np.full(k, _LEAF)
        split = (counts >= 2 * min_leaf) & (variance > 1e-14 * (1 + mean * mean))
        if split.any():
            self._keep(split, counts)
            centred = centred[np.repeat(split, counts)]
            feature[split], threshold[split], missing_left[split] = self._split(
                centred, counts[split], rng, min_leaf, max_features
            )
        inner = feature != _LEAF
        left[inner] = self._n_nodes + 2 * np.arange(np.count_nonzero(inner))
        self._levels.append((feature, threshold, missing_left, left, counts, mean, variance))
        if not inner.any():
            self._starts = self._starts[:0]
            return False
        self._keep(inner[split], counts[split])
        self._descend(counts[inner], feature[inner], threshold[inner], missing_left[inner])
        return True

    def _keep(self, nodes: NDArray[np.bool_], counts: Places) -> None:
        """Forget the samples of all other nodes."""
        if not nodes.all():
            rows = np.repeat(nodes, counts)
            self._X, self._y = self._X[:, rows], self._y[rows]
            self._starts = np.cumsum(counts[nodes]) - counts[nodes]

    def _split(
        self,
        centred: Array,
        counts: Places,
        rng: np.random.Generator,
        min_leaf: int,
        max_features: float,
    ) -> tuple[Places, Array, NDArray[np.bool_]]:
        """Try a random threshold on every feature of every node, and take the best."""
        X, starts = self._X, self._starts
        low, high = np.fmin.reduceat(X, starts, axis=1), np.fmax.reduceat(X, starts, axis=1)
        thresholds = low + rng.random(low.shape) * (high - low)
        missing_left = rng.random(low.shape) < 0.5
        if self._has_missing:
            missing = np.isnan(X)
            some_missing = np.logical_or.reduceat(missing, starts, axis=1)
            apart = some_missing & ((rng.random(low.shape) < 0.5) | (low == high))
            thresholds[apart], missing_left[apart] = np.inf, False
        goes_left = np.repeat(thresholds, counts, axis=1) >= X
        if self._has_missing:
            goes_left |= missing & np.repeat(missing_left, counts, axis=1)
        c_left = np.add.reduceat(goes_left, starts, axis=1, dtype=np.float64)
        s_left = np.add.reduceat(goes_left * centred, starts, axis=1)
        c_right = counts - c_left
        gain = s_left**2 * (1 / np.maximum(c_left, 1) + 1 / np.maximum(c_right, 1))
        gain[rng.random(gain.shape) >= max_features] *= 1e-9  # only if there is nothing else
        gain[(c_left < min_leaf) | (c_right < min_leaf)] = -1.0
        best = gain.argmax(axis=0)
        node = np.arange(len(best))
        feature = np.where(gain[best, node] >= 0, best, _LEAF)
        return feature, thresholds[best, node], missing_left[best, node]

    def _descend(
        self, counts: Places, feature: Places, threshold: Array, missing_left: NDArray[np.bool_]
    ) -> None:
        """Hand the samples to the children."""
        node = np.repeat(np.arange(len(counts)), counts)
        u = self._X[feature[node], np.arange(len(node))]
        goes_left = u <= threshold[node]
        if self._has_missing:
            goes_left |= np.isnan(u) & missing_left[node]
        child = 2 * node + ~goes_left
        order = np.argsort(child, kind="stable")
        self._X, self._y = np.take(self._X, order, axis=1), self._y[order]
        self._starts = np.flatnonzero(np.diff(child[order], prepend=-1))
        self._n_nodes += len(self._starts)


def _order_of_codes(codes: Array, y: Array, samples: Places, k: int) -> Array:
    """Where each tree puts each code: its rank by mean target, in [0, 1], shape (T, k)."""
    n_trees = len(samples)
    known = ~np.isnan(codes[samples])
    cell = (np.arange(n_trees)[:, None] * k + np.nan_to_num(codes[samples])).astype(np.intp)[known]
    count = np.bincount(cell, minlength=n_trees * k)
    total = np.bincount(cell, (y - y.mean())[samples][known], minlength=n_trees * k)
    mean = (total / np.maximum(count, 1)).reshape(n_trees, k)  # unseen: as all together
    ranks: Array = np.argsort(np.argsort(mean, axis=1, kind="stable"), axis=1) / max(k - 1, 1)
    return ranks


def _read_codes(X: Array, codes: dict[int, Array], n_trees: int) -> Array:
    """The data as each tree reads it, shape (T, n, d); (1, n, d) without categories."""
    if not codes:
        return np.ascontiguousarray(X)[None]
    values = np.repeat(X[None], n_trees, axis=0)
    for j, table in codes.items():
        check_codes(X[:, j], table.shape[1], f"Forest: column {j} of X")
        missing = np.isnan(X[:, j])
        known = ~missing if missing.any() else slice(None)  # much faster
        values[:, known, j] = table[:, X[known, j].astype(np.intp)]
    return values


def _check_settings(counts: tuple[int, int], shares: tuple[float, float]) -> None:
    if min(counts) < 1 or not 0 < min(shares) <= max(shares) <= 1:
        raise ArgumentError(
            "Forest: n_trees and min_leaf must be at least 1, max_features and share above 0 and "
            f"at most 1, got {counts[0]}, {counts[1]}, {shares[0]} and {shares[1]}."
        )
