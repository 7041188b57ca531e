"""What the search must know of a space's columns: how points move, and where they may rest.

A point of the search is a row without gaps: it has a value for every column, also for those of
inactive parameters, so that a parameter that is switched on has somewhere to start. The model
sees rows in which numbers are snapped to values that exist and inactive columns are NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.axes import parents_of
from luthier.space import Ordinal, Space
from luthier.space.numeric import codec_of

__all__ = ["Columns", "columns_of", "splits"]

Array = NDArray[np.float64]
_FINE: Final = 1024  # more values than this are as good as continuous
_COARSE: Final = 16  # up to this many values are searched one by one
_STRIDES: Final = (1, 2, 4, 8, 16)
_MOST_SWAPS: Final = 40
_MOST_WITHIN: Final = 24


@final
class Columns:
    """The columns of a space's encoding.

    Args:
        space: The space.

    Attributes:
        categories: For each column the number of choices, or 0 for a number.
        choices: Which columns are choices.
        numbers: Which are numbers.
        smooth: Whether a column may be moved along a gradient, shape (d,).
    """

    def __init__(self, space: Space) -> None:
        columns = space.encoding.columns
        self._space = space
        self.categories = tuple(column.categories for column in columns)
        self.choices = np.flatnonzero(self.categories)
        self.numbers = np.flatnonzero(np.array(self.categories) == 0)
        self._tables = {
            j: _values(space, column.name)
            for j, column in enumerate(columns)
            if column.kind == "discrete" and column.size <= _FINE
        }
        self._names = [column.name for column in columns]
        self._orders = [
            np.array([j for j, column in enumerate(columns) if column.name == name])
            for name in dict.fromkeys(c.name for c in columns if c.kind == "permutation")
        ]
        self._parents = np.zeros(len(columns), dtype=bool)
        self._parents[parents_of(space)] = True
        coarse = [len(self._tables.get(j, ())) for j in range(len(columns))]
        self.smooth: NDArray[np.bool_] = np.asarray(
            (np.array(self.categories) == 0)
            & ((np.array(coarse) == 0) | (np.array(coarse) > _COARSE))
            & ~self._parents
        )
        for order in self._orders:
            self.smooth[order] = False

    def snapped(self, Z: Array) -> Array:
        """Move rows to the nearest values that exist, shape (n, d)."""
        ranks = [
            Z[:, order].argsort(axis=1, kind="stable").argsort(axis=1) for order in self._orders
        ]
        Z = Z.copy()
        Z[:, self.numbers] = np.clip(Z[:, self.numbers], 0.0, 1.0)
        for j, table in self._tables.items():
            middles = (table[1:] + table[:-1]) / 2
            Z[:, j] = table[np.searchsorted(middles, Z[:, j])]
        for j in self.choices.tolist():
            Z[:, j] = np.clip(np.rint(Z[:, j]), 0, self.categories[j] - 1)
        for order, rank in zip(self._orders, ranks, strict=True):
            Z[:, order] = (rank + 0.5) / len(order)
        return Z

    def inputs(self, Z: Array) -> Array:
        """Blank out what is inactive in snapped rows; that is what models are given."""
        if not self._space.activity.rules or not len(Z):
            return Z
        _, first, inverse = np.unique(
            Z[:, self._parents], axis=0, return_index=True, return_inverse=True
        )
        configs = self._space.encoding.decode(Z[first])
        active = np.array([[name in config for name in self._names] for config in configs])
        return np.where(active[inverse.ravel()], Z, np.nan)

    def filled(self, X: Array, values: Array) -> Array:
        """Fill the gaps of rows: from a row of values, and what it lacks from the middle."""
        spare = np.where(np.isnan(values), np.where(self.categories, 0.0, 0.5), values)
        return np.where(np.isnan(X), spare, X)

    def incomplete(self, X: Array) -> NDArray[np.bool_]:
        """Which rows lack the value of a parameter that is active in them, shape (n,)."""
        gaps = np.isnan(X)
        if not gaps.any():
            return np.zeros(len(X), dtype=bool)
        known = self.inputs(self.snapped(self.filled(X, np.full(X.shape[1], np.nan))))
        return np.asarray((gaps & ~np.isnan(known)).any(axis=1))

    def neighbours(self, z: Array) -> Array:
        """All rows that differ from a snapped one in a single choice, number or swap.

        Args:
            z: Shape (d,).

        Returns:
            Shape (k, d). Fine numbers go only some strides; continuous ones don't move.
        """
        active = ~np.isnan(self.inputs(z[None])[0])
        rows = [z[None][:0]]
        for j in np.flatnonzero(active).tolist():
            if self.categories[j]:
                rows.append(_with(z, j, np.delete(np.arange(self.categories[j]), int(z[j]))))
            elif j in self._tables:
                rows.append(_with(z, j, _near(self._tables[j], z[j])))
        for order in self._orders:
            if active[order].all():
                rows.append(_swaps(z, order))
        return np.concatenate(rows)


@lru_cache(maxsize=16)
def columns_of(space: Space) -> Columns:
    """Return the columns of a space, made once."""
    return Columns(space)


def _values(space: Space, name: str) -> Array:
    """The places of a discrete parameter's values in [0, 1], in order."""
    param = space[name]
    k = int(param.size)
    if isinstance(param, Ordinal):
        return (np.arange(k) + 0.5) / k
    to_unit = codec_of(param).to_unit  # type: ignore[arg-type]
    return np.sort(np.array([to_unit(param.value_at(i)) for i in range(k)], dtype=np.float64))


def _near(table: Array, value: float) -> Array:
    here, n = int(np.searchsorted(table, value - 1e-12)), len(table)
    if n <= _COARSE:
        return np.delete(table, here)
    strides = np.array([*_STRIDES, n // 4])
    places = np.unique(np.concatenate([here - strides, here + strides]))
    near: Array = table[places[(places >= 0) & (places < n)]]
    return near


def _with(z: Array, j: int, values: NDArray[np.generic]) -> Array:
    rows: Array = np.repeat(z[None], len(values), axis=0)
    rows[:, j] = values
    return rows


def _swaps(z: Array, order: NDArray[np.intp]) -> Array:
    pairs = list(combinations(range(len(order)), 2))
    pairs = pairs[:: len(pairs) // _MOST_SWAPS + 1]
    rows = np.repeat(z[None], len(pairs), axis=0)
    for row, (a, b) in zip(rows, pairs, strict=True):
        row[order[a]], row[order[b]] = z[order[b]], z[order[a]]
    return rows


def splits(categories: Sequence[int]) -> bool:
    """Whether numbers are modelled anew within each choice: there are both, and few of them.

    What matters under one kernel of a support vector machine may not under others.

    Args:
        categories: For each column the number of choices, or 0 for a number.
    """
    return 0 < sum(categories) * list(categories).count(0) <= _MOST_WITHIN
