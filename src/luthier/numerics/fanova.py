"""Functional ANOVA of a random forest, exact: how much of a tree's variance is owed to what.

A tree is constant in its leaves, and these are boxes. Under a measure that is a product over
factors (a factor is a parameter) its marginals are therefore sums over leaves, piecewise constant
between the tree's own thresholds, and their variances need no sampling:

    name      meaning                                               shape
    T, L      number of trees, of their leaves altogether
    m_j(l)    share of factor j that is inside leaf l               (L, p)
    v(l)      share of the space: prod_j m_j(l)                     (L,)
    y(l)      mean of the leaf                                      (L,)
    f_0       sum_l v(l) y(l), of a tree                            (T,)

    V         = sum_l v(l) y(l)^2 - f_0^2
    f_j(u)    = sum over leaves around u of y(l) v(l) / m_j(l)
    V_j       = E f_j(u)^2 - f_0^2
    V_jk      = E f_jk(u, w)^2 - f_0^2 - V_j - V_k

Everything is measured in shares: a leaf's interval of a column runs from P(u <= low) to
P(u <= high). Then f_j is a sum of steps up at lower and down at upper ends (in two dimensions: at
four corners), which cumulative sums turn into values, all trees at once.

A permutation's columns depend on each other. Its factor has permutations as atoms, of which each
leaf holds some.

References:
    Hutter, Hoos, Leyton-Brown, An efficient approach for assessing hyperparameter importance, ICML
    2014: the variances of a tree by its leaves (their algorithm 2, for all values at once here).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.numerics.forest import Forest

__all__ = ["Factor", "Leaves", "Measure", "Shares", "leaves_of"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]
_MOST_CELLS: Final = 2_000_000


@final
@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """How a column's values are distributed.

    Args:
        values: Increasing values in [0, 1], or the codes 0 .. K - 1 of a column of choices, shape
            (k,). None: even over [0, 1].
        shares: Their probabilities, shape (k,).
    """

    values: Array | None = None
    shares: Array | None = None

    def below(self, thresholds: Array) -> Array:
        """Return the probability of values up to thresholds, shape as theirs."""
        if self.values is None or self.shares is None:
            return np.clip(thresholds, 0.0, 1.0)
        cumulative = np.concatenate([[0.0], np.cumsum(self.shares)])
        below: Array = cumulative[np.searchsorted(self.values, thresholds, side="right")]
        return below

    def codes_below(self, thresholds: Array, tree: Places, ranks: Array) -> Array:
        """Return the probability of codes that trees put up to thresholds.

        Args:
            thresholds: Shape (L,).
            tree: Their trees, shape (L,).
            ranks: Where each tree puts each code, in [0, 1], shape (T, K).

        Returns:
            Shape (L,).
        """
        assert self.shares is not None
        k = ranks.shape[1]
        ordered = self.shares[np.argsort(ranks, axis=1)]
        cumulative = np.concatenate([np.zeros((len(ranks), 1)), np.cumsum(ordered, axis=1)], axis=1)
        scaled = np.clip(np.floor(thresholds * (k - 1) + 1e-9), -1, k - 1)
        below: Array = cumulative[tree, scaled.astype(np.intp) + 1]
        return below


@final
@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """A parameter: a column, or the columns of a permutation.

    Args:
        columns: Its columns.
        measure: How the values of its only column are distributed.
        atoms: Values of all its columns that are equally likely, shape (A, columns); in place of
            a measure.
    """

    columns: tuple[int, ...]
    measure: Measure = Measure()
    atoms: Array | None = None

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Draw values, shape (n, columns)."""
        if self.atoms is not None:
            return self.atoms[rng.integers(len(self.atoms), size=n)]
        u = rng.random((n, 1))
        values, shares = self.measure.values, self.measure.shares
        if values is None or shares is None:
            return u
        place = np.searchsorted(np.cumsum(shares), u, side="right")
        return values[np.minimum(place, len(values) - 1)]

    def spread(self, n: int) -> Array:
        """Return up to n values evenly over the distribution, shape (up to n, columns).

        Example:
            >>> Factor((0,)).spread(4).ravel().tolist()
            [0.125, 0.375, 0.625, 0.875]
        """
        if self.atoms is not None:
            return self.atoms[:n]
        u = (np.arange(n) + 0.5)[:, None] / n
        values, shares = self.measure.values, self.measure.shares
        if values is None or shares is None:
            return u
        if len(values) <= n and np.ptp(shares) < 1e-9:
            return values[:, None]
        return values[np.minimum(np.searchsorted(np.cumsum(shares), u), len(values) - 1)]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Leaves:
    """The leaves of a forest's trees as boxes; made by ``leaves_of``.

    Attributes:
        forest: The forest.
        tree: Whose they are, increasing, shape (L,).
        low: A leaf holds values above these ...
        high: ... and up to these, shape (L, d).
        mean: Their predictions, shape (L,).
    """

    forest: Forest
    tree: Places
    low: Array
    high: Array
    mean: Array

    def under(self, factors: Sequence[Factor]) -> Shares:
        """Return the leaves measured in shares of the factors.

        Args:
            factors: All that the forest was grown on.

        Example:
            >>> from luthier.numerics.forest import fit
            >>> X = np.linspace(0, 1, 64)[:, None] * np.ones(2)
            >>> forest = fit(X, X[:, 0], [0, 0], np.random.default_rng(0))
            >>> shares = leaves_of(forest).under([Factor((0,)), Factor((1,))])
            >>> total = shares.total()
            >>> explained = shares.main(0) + shares.main(1) + shares.pair(0, 1)
            >>> bool(np.allclose(explained, total))
            True
        """
        spans = {k: self._span(f) for k, f in enumerate(factors) if f.atoms is None}
        inside = {k: self._inside(f) for k, f in enumerate(factors) if f.atoms is not None}
        return Shares(self, tuple(factors), spans, inside)

    def _span(self, factor: Factor) -> tuple[Array, Array]:
        (j,) = factor.columns
        ranks = self.forest.codes.get(j)
        ends = self.low[:, j], self.high[:, j]
        if ranks is None:
            low, high = (factor.measure.below(end) for end in ends)
        else:
            low, high = (factor.measure.codes_below(end, self.tree, ranks) for end in ends)
        return low, high

    def _inside(self, factor: Factor) -> NDArray[np.bool_]:
        assert factor.atoms is not None
        inside = np.ones((len(self.tree), len(factor.atoms)), dtype=np.bool_)
        for j, values in zip(factor.columns, factor.atoms.T, strict=True):
            inside &= (values > self.low[:, j, None]) & (values <= self.high[:, j, None])
        return inside


@final
class Shares:
    """Leaves measured in shares; made by ``Leaves.under``. Variances are of each tree, (T,)."""

    def __init__(
        self,
        leaves: Leaves,
        factors: tuple[Factor, ...],
        spans: dict[int, tuple[Array, Array]],
        inside: dict[int, NDArray[np.bool_]],
    ) -> None:
        self._leaves, self._factors = leaves, factors
        self._spans, self._inside = spans, inside
        columns = [self._mass(k) for k in range(len(factors))]
        self._masses = np.column_stack(columns)
        self._volume = self._masses.prod(axis=1)
        self._grids: dict[int, _Grid] = {}
        tree, n_trees = leaves.tree, leaves.forest.n_trees
        self._n_trees = n_trees
        centre = np.bincount(tree, self._volume * leaves.mean, n_trees)
        self._y = leaves.mean - centre[tree]  # so that f_0 is 0
        self._weight = self._volume * self._y
        self._mains: dict[int, Array] = {}

    def restricted(self, measures: Mapping[int, Measure]) -> Shares:
        """Return the leaves under other measures of some factors, by place."""
        if not measures:
            return self
        factors, spans = list(self._factors), dict(self._spans)
        for k, measure in measures.items():
            factors[k] = Factor(self._factors[k].columns, measure)
            spans[k] = self._leaves._span(factors[k])
        return Shares(self._leaves, tuple(factors), spans, self._inside)

    def total(self) -> Array:
        """Return the variance of each tree."""
        weight = self._volume * self._y**2
        return np.bincount(self._leaves.tree, weight, self._n_trees).astype(np.float64)

    def main(self, k: int) -> Array:
        """Return the variance that a factor explains by itself."""
        if k not in self._mains:
            self._mains[k] = self._main(k)
        return self._mains[k]

    def _main(self, k: int) -> Array:
        weight = self._without(k)
        if k in self._inside:
            starts = np.searchsorted(self._leaves.tree, np.arange(self._n_trees))
            values = np.add.reduceat(self._inside[k] * weight[:, None], starts, axis=0)
            explained: Array = (values**2).mean(axis=1)
            return explained
        grid = self._grid(k)
        cells = self._leaves.tree * grid.size
        size = self._n_trees * grid.size
        steps = np.bincount(cells + grid.low, weight, size)
        steps -= np.bincount(cells + grid.high, weight, size)
        values = np.cumsum(steps.reshape(self._n_trees, -1), axis=1)
        variance: Array = np.einsum("ta,ta,ta->t", values, values, grid.widths)
        return variance

    def pair(self, j: int, k: int) -> Array:
        """Return the variance that two factors explain together and neither alone.

        Factors with atoms have no pairs.
        """
        weight = self._without(j, k)
        a, b = self._grid(j), self._grid(k)
        tree = self._leaves.tree
        at_once = max(1, _MOST_CELLS // (a.size * b.size))
        found = []
        for first in range(0, self._n_trees, at_once):
            last = min(first + at_once, self._n_trees)
            rows = slice(*np.searchsorted(tree, [first, last]))
            shape = (last - first, a.size, b.size)
            start, c = (tree[rows] - first) * a.size, weight[rows]
            lower, upper = (start + end[rows] for end in (a.low, a.high))
            corners = [(lower, b.low, c), (upper, b.high, c), (lower, b.high, -c)]
            steps = np.zeros(shape[0] * shape[1] * shape[2])
            for row, column, step in [*corners, (upper, b.low, -c)]:
                steps += np.bincount(row * b.size + column[rows], step, len(steps))
            values = steps.reshape(shape).cumsum(axis=1).cumsum(axis=2)
            values *= values
            inner = np.matmul(values, b.widths[first:last, :, None])[:, :, 0]
            found.append((inner * a.widths[first:last]).sum(axis=1))
        return np.concatenate(found) - self.main(j) - self.main(k)

    def _mass(self, k: int) -> Array:
        if k in self._inside:
            share: Array = self._inside[k].mean(axis=1)
            return share
        low, high = self._spans[k]
        return high - low

    def _without(self, *factors: int) -> Array:
        """y(l) v(l) without some factors' shares; 0 where a leaf has no share of them."""
        mass = self._masses[:, factors[0]]
        for k in factors[1:]:
            mass = mass * self._masses[:, k]
        weight: Array = np.divide(self._weight, mass, out=np.zeros_like(mass), where=mass > 0)
        return weight

    def _grid(self, k: int) -> _Grid:
        if k not in self._grids:
            self._grids[k] = _grid(*self._spans[k], self._leaves.tree, self._n_trees)
        return self._grids[k]


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """The cells between all ends of leaves along a factor, numbered within each tree.

    Attributes:
        size: The greatest number of ends of a tree, A.
        low: The cell at which a leaf begins, shape (L,).
        high: The cell before which it ends, shape (L,).
        widths: Shares of the cells, shape (T, A); the last one's is 0.
    """

    size: int
    low: Places
    high: Places
    widths: Array


def _grid(low: Array, high: Array, tree: Places, n_trees: int) -> _Grid:
    ends, owner = np.concatenate([low, high]), np.concatenate([tree, tree])
    order = np.lexsort((ends, owner))
    at, whose = ends[order], owner[order]
    new_tree = np.diff(whose, prepend=-1) > 0
    is_new = new_tree | (np.diff(at, prepend=-1.0) != 0)
    number = np.cumsum(is_new) - 1
    first = number[new_tree]  # every tree has a leaf
    place = np.empty_like(number)
    place[order] = number - first[whose]
    size = int(place.max()) + 1
    corners = np.ones((n_trees, size))
    corners[owner, place] = ends
    return _Grid(size, place[: len(low)], place[len(low) :], np.diff(corners, axis=1, append=1.0))


def leaves_of(forest: Forest) -> Leaves:
    """Return the leaves of a forest that was grown on data without missing values."""
    n_trees, d = forest.n_trees, forest.width
    node = tree = np.arange(n_trees)
    low, high = np.full((n_trees, d), -np.inf), np.full((n_trees, d), np.inf)
    found = []
    while len(node):
        is_leaf = forest.feature[node] < 0
        found.append((tree[is_leaf], low[is_leaf], high[is_leaf], forest.mean[node[is_leaf]]))
        node, tree, low, high = node[~is_leaf], tree[~is_leaf], low[~is_leaf], high[~is_leaf]
        row, feature, threshold = np.arange(len(node)), forest.feature[node], forest.threshold[node]
        end, start = high.copy(), low.copy()
        end[row, feature] = threshold
        start[row, feature] = threshold
        left = forest.left[node]
        node, tree = np.concatenate([left, left + 1]), np.concatenate([tree, tree])
        low, high = np.concatenate([low, start]), np.concatenate([end, high])
    tree, low, high, mean = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.argsort(tree, kind="stable")
    return Leaves(forest, tree[order], low[order], high[order], mean[order])
