"""What importance is averaged over: every parameter even on its own scale, independently.

Numbers are even on the unit scale of the encoding (a logarithmic parameter in its logarithm), whole
numbers and choices have the share of a draw. Where trials were made doesn't matter: a search that
stayed near its best still has its model judged over the whole space.

A parameter that isn't active has no say. So the objective is the same for all its values there, and
is taken as a function of all parameters everywhere; trials get a random value of it. Then inputs
are independent, and what a conditional parameter does can be asked where it is active: its
ancestors are drawn as they are there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.axes import axes_of
from luthier.numerics.fanova import Factor, Measure
from luthier.numerics.parzen import Axis
from luthier.space import Constant, Float, Int, Param, Space
from luthier.space.numeric import codec_of

__all__ = ["Domain", "Where", "domain_of"]

Array = NDArray[np.float64]
_DRAWN: Final = 2_000
_ATOMS: Final = 200


@final
@dataclass(frozen=True, slots=True, eq=False)
class Where:
    """Where some parameters are active.

    Attributes:
        share: The share of the space that is.
        measures: How those parameters are distributed there that decide about it, by place.
    """

    share: float
    measures: dict[int, Measure]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Domain:
    """The parameters of a space that can vary; made by ``domain_of``.

    Attributes:
        names: Their names.
        factors: Their columns and how their values are distributed.
        ancestors: For each, the places of those that decide whether it is active.
        categories: Number of choices of each column, 0 for numbers.
        constants: Names of the parameters that have a single value.
    """

    names: tuple[str, ...]
    factors: tuple[Factor, ...]
    ancestors: tuple[frozenset[int], ...]
    categories: tuple[int, ...]
    constants: tuple[str, ...]
    _drawn: Array  # points of the space, NaN where inactive; none without conditions

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Draw points with a value in every column, shape (n, d)."""
        X = np.zeros((n, len(self.categories)))
        for factor in self.factors:
            X[:, factor.columns] = factor.draw(n, rng)
        return X

    def filled(self, X: Array, rng: np.random.Generator) -> Array:
        """Return points in which all that is missing was drawn; constants are 0."""
        varying = [column for factor in self.factors for column in factor.columns]
        points = np.zeros_like(X)
        points[:, varying] = X[:, varying]
        missing = np.isnan(points)
        return np.where(missing, self.draw(len(X), rng), points) if missing.any() else points

    def where(self, places: Iterable[int]) -> Where:
        """Return where parameters, by place, are active."""
        chosen = list(places)
        deciding = sorted({a for place in chosen for a in self.ancestors[place]})
        if not deciding:
            return Where(1.0, {})
        columns = [self.factors[place].columns[0] for place in chosen]
        active = self._drawn[~np.isnan(self._drawn[:, columns]).any(axis=1)]
        share = len(active) / len(self._drawn)
        if not len(active):
            return Where(0.0, {})
        return Where(share, {a: self._seen(a, active) for a in deciding})

    def _seen(self, place: int, X: Array) -> Measure:
        (column,) = self.factors[place].columns
        u = X[:, column]
        if k := self.categories[column]:
            counts = np.bincount(u.astype(np.intp), minlength=k)
            return Measure(np.arange(k, dtype=np.float64), counts / len(u))
        values, counts = np.unique(u, return_counts=True)
        return Measure(values, counts / len(u))


def domain_of(space: Space, rng: np.random.Generator, *, drawn: bool = True) -> Domain:
    """Return the domain of a space.

    Args:
        space: The space. What it forbids isn't left out.
        rng: Draws configurations of a space with conditions, and permutations.
        drawn: Whether ``where`` will be asked, for which such configurations are needed.
    """
    axes = axes_of(space)
    varying: list[str] = []
    factors: list[Factor] = []
    start = 0
    for name, axis in zip(_with_columns(space), axes, strict=True):
        if space[name].size > 1:
            varying.append(name)
            factors.append(_factor(axis, start, space[name], rng))
        start += axis.width
    place = {name: k for k, name in enumerate(varying)}
    parents = {n: p.when.names if p.when is not None else () for n, p in space.items()}
    ancestors = [_ancestors(name, parents) for name in varying]
    conditional = drawn and bool(space.activity.rules)
    return Domain(
        tuple(varying),
        tuple(factors),
        tuple(frozenset(place[a] for a in found if a in place) for found in ancestors),
        tuple(column.categories for column in space.encoding.columns),
        tuple(name for name in space if name not in place),
        _configurations(space, rng) if conditional else np.empty((0, start)),
    )


def _with_columns(space: Space) -> list[str]:
    return [name for name, param in space.items() if not isinstance(param, Constant)]


def _configurations(space: Space, rng: np.random.Generator) -> Array:
    encoding = space.encoding
    even = rng.random((_DRAWN, encoding.width))
    for j, column in enumerate(encoding.columns):
        if column.categories:
            even[:, j] = np.floor(even[:, j] * column.categories)
    return encoding.encode(encoding.decode(even))


def _factor(axis: Axis, start: int, param: Param, rng: np.random.Generator) -> Factor:
    columns = tuple(range(start, start + axis.width))
    if axis.kind == "order":
        orders = np.argsort(rng.random((_ATOMS, axis.size)), axis=1)
        return Factor(columns, atoms=(np.argsort(orders, axis=1) + 0.5) / axis.size)
    if axis.kind == "choice":
        k = axis.size
        return Factor(columns, Measure(np.arange(k, dtype=np.float64), np.full(k, 1 / k)))
    if axis.edges is None:
        return Factor(columns)
    values = (axis.edges[1:] + axis.edges[:-1]) / 2
    if isinstance(param, Float | Int):
        to_unit = codec_of(param).to_unit
        values = np.array([to_unit(param.value_at(i)) for i in range(len(values))])
    return Factor(columns, Measure(values, np.diff(axis.edges)))


def _ancestors(name: str, parents: dict[str, tuple[str, ...]]) -> set[str]:
    found: set[str] = set()
    todo = list(parents[name])
    while todo:
        parent = todo.pop()
        if parent not in found:
            found.add(parent)
            todo += parents.get(parent, ())
    return found
