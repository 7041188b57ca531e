"""Encoding: the only place where values meet arrays.

A configuration becomes a row of float64:

    Float, Int, Ordinal   one column in [0, 1], in the parameter's scale, middle of the bin
    Categorical           one column, the code 0 .. K - 1 of the choice
    Permutation           one column for each item, (place + 0.5) / n
    Constant              no column
    inactive, missing     NaN

Numbers are clipped and rounded to the nearest value when a row is read, so whatever finite
numbers an optimiser writes decode to a valid configuration, and decoding, encoding and decoding
again gives exactly the same values. Functions for each column are prepared once for a space.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.space.activity import Activity
from luthier.space.numeric import codec_of
from luthier.space.params import Categorical, Float, Int, Ordinal, Param, Permutation
from luthier.space.scales import Codec, indexed
from luthier.space.values import refused

__all__ = ["Column", "Encoding"]

Array = NDArray[np.float64]
Read = Callable[[Any], Any]
Kind = Literal["continuous", "discrete", "categorical", "permutation"]


@final
@dataclass(frozen=True, slots=True)
class Column:
    """What a column of the encoding means.

    Attributes:
        name: The parameter it belongs to.
        kind: "continuous" and "discrete" columns lie in [0, 1]; "categorical" ones hold codes;
            "permutation" ones the places of the items.
        categories: Number of choices of a categorical column, 0 for others.
        size: Number of distinct values, or ``math.inf``.
    """

    name: str
    kind: Kind
    categories: int = 0
    size: float = math.inf


@final
@dataclass(frozen=True, slots=True)
class _Field:
    """One parameter in a row: where it stands and how it's written, read and drawn.

    ``warp`` turns a whole column of uniform numbers into numbers of the prior before ``draw``.
    """

    name: str
    start: int
    width: int
    write: Callable[[Any], Any]
    read: Read
    draw: Read
    warp: Callable[[Array], Array] | None


@final
class Encoding:
    """Translates between configurations and arrays; get it from ``space.encoding``.

    Attributes:
        columns: What each column means.
        width: Number of columns.

    Example:
        >>> from luthier.space import Categorical, Float, Space
        >>> encoding = Space(x=Float(0, 10), c=Categorical(["a", "b"])).encoding
        >>> encoding.encode([{"x": 2.5, "c": "b"}])
        array([[0.25, 1.  ]])
        >>> encoding.decode([[0.25, 1.0]])
        [{'x': 2.5, 'c': 'b'}]
    """

    def __init__(self, params: Mapping[str, Param], activity: Activity) -> None:
        columns: list[Column] = []
        starts: dict[str, int] = {}
        for name, param in params.items():
            starts[name] = len(columns)
            columns += [_column(name, param)] * param.width
        self.columns: tuple[Column, ...] = tuple(columns)
        self.width = len(columns)
        self._activity = activity
        fields = [_field(name, params[name], starts[name]) for name in activity.order]
        self._fields = fields
        self._read = [(field.name, field.read) for field in fields]
        self._draw = [(field.name, field.draw) for field in fields]
        self._warps = [(field.start, field.warp) for field in fields if field.warp is not None]
        self._plain = not activity.rules and all(field.width == 1 for field in fields)

    def encode(self, configs: Sequence[Mapping[str, Any]]) -> Array:
        """Write configurations as rows.

        Args:
            configs: n configurations. Values outside of their parameter's domain, and those of
                inactive or unknown parameters, are left out.

        Returns:
            Shape (n, d); NaN for what is inactive or missing.
        """
        write = self._write_plain if self._plain else self._write
        rows = [write(config) for config in configs]
        return np.array(rows, dtype=np.float64).reshape(len(rows), self.width)

    def decode(self, X: ArrayLike) -> list[dict[str, Any]]:
        """Read rows as configurations: dicts of the active parameters in the space's order.

        Args:
            X: Shape (n, d), else SpaceError. Numbers outside of the unit interval are clipped,
                codes rounded; NaN means missing.
        """
        return self._configs(self._array(X), self._read)

    def from_unit(self, U: ArrayLike) -> list[dict[str, Any]]:
        """Turn uniform numbers into configurations distributed as the priors say.

        Args:
            U: Shape (n, d), else SpaceError; random or quasi-random numbers in [0, 1).
        """
        array = self._array(U)
        if self._warps:
            array = array.copy()
            for column, warp in self._warps:
                array[:, column] = warp(array[:, column])
        return self._configs(array, self._draw)

    def _array(self, X: ArrayLike) -> Array:
        array = np.asarray(X, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != self.width:
            rule = f"An encoded array must have shape (n, {self.width})"
            advice = "For a single row use X[None, :]"
            raise refused(rule, advice, got=str(array.shape), shape=array.shape)
        return array

    def _configs(self, array: Array, readers: list[tuple[str, Read]]) -> list[dict[str, Any]]:
        rows = array.tolist()
        if not self._plain:
            return [self._config(row, readers) for row in rows]
        return [
            {name: read(u) for (name, read), u in zip(readers, row, strict=True) if u == u}
            for row in rows
        ]

    def _config(self, row: list[float], readers: list[tuple[str, Read]]) -> dict[str, Any]:
        activity = self._activity
        values: dict[str, Any] = {}
        for field, (name, read) in zip(self._fields, readers, strict=True):
            if not activity.holds(name, values):
                continue
            if field.width == 1:
                cells: Any = row[field.start]
                known = cells == cells
            else:
                cells = row[field.start : field.start + field.width]
                known = all(u == u for u in cells)
            if known:
                values[name] = read(cells)
        if activity.order == activity.names:
            return values
        return {name: values[name] for name in activity.names if name in values}

    def _write_plain(self, config: Mapping[str, Any]) -> list[float]:
        try:
            return [field.write(config[field.name]) for field in self._fields]
        except (KeyError, TypeError, ValueError, OverflowError):  # something is missing or unfit
            return self._write(config)

    def _write(self, config: Mapping[str, Any]) -> list[float]:
        row = [math.nan] * self.width
        known: dict[str, Any] = {}
        for field in self._fields:
            name = field.name
            if name not in config or not self._activity.holds(name, known):
                continue
            try:
                cells = field.write(config[name])
            except (TypeError, ValueError, OverflowError):
                continue
            known[name] = config[name]
            end = field.start + field.width
            row[field.start : end] = [cells] if field.width == 1 else cells
        return row


def _column(name: str, param: Param) -> Column:
    if isinstance(param, Categorical):
        return Column(name, "categorical", param.size, param.size)
    if isinstance(param, Permutation):
        return Column(name, "permutation", 0, param.width)
    return Column(name, "continuous" if param.size == math.inf else "discrete", 0, param.size)


def _field(name: str, param: Param, start: int) -> _Field:
    write: Callable[[Any], Any]
    warp = None
    if isinstance(param, Float | Int):
        codec = codec_of(param)
        write, read, draw = codec.to_unit, codec.to_value, codec.to_value
        if param.prior is not None:
            draw, warp = _nearest(param, codec), _warp(param)
    elif isinstance(param, Ordinal):
        codec = indexed(param.size, param.index, param.value_at)
        write, read, draw = codec.to_unit, codec.to_value, _weighted_draw(param) or codec.to_value
    elif isinstance(param, Categorical):
        write, read, draw = _categorical_functions(param)
    elif isinstance(param, Permutation):
        write, read, draw = _permutation_functions(param)
    else:
        value_at = param.value_at
        write, read, draw = lambda _: [], lambda _: value_at(0), lambda _: value_at(0)
    return _Field(name, start, param.width, write, read, draw, warp)


def _warp(param: Float | Int) -> Callable[[Array], Array]:
    """Return the quantile function of the prior, cut off at the parameter's range."""
    prior = param.prior
    assert prior is not None
    lower, upper = param.edges
    start, share = float(prior.cdf(lower)), prior.mass(lower, upper)
    return lambda u: prior.ppf(start + u * share)


def _nearest(param: Float | Int, codec: Codec) -> Read:
    """Return the function to the nearest value of the domain, as decoding would give it."""
    low, high, grid = param.low, param.high, param._grid

    def nearest(value: float) -> Any:
        inside = min(max(value, low), high)
        if grid is None:
            return codec.to_value(codec.to_unit(inside))
        return grid.value_at(grid.nearest(inside))

    return nearest


def _weighted_draw(param: Categorical | Ordinal) -> Read | None:
    if param.prior is None:
        return None
    total, value_at = sum(param.prior), param.value_at
    edges = [edge / total for edge in accumulate(param.prior)][:-1]
    return lambda u: value_at(bisect_right(edges, u))


def _categorical_functions(param: Categorical) -> tuple[Callable[[Any], Any], Read, Read]:
    choices, last, size, index = param.choices, param.size - 1, param.size, param.index
    plain = not any(isinstance(choice, list | dict | tuple) for choice in choices)
    value_at = choices.__getitem__ if plain else param.value_at  # which copies

    def write(value: Any) -> float:
        k = index(value)
        return math.nan if k is None else float(k)

    def read(code: float) -> Any:
        return value_at(min(max(round(code), 0), last))

    def draw(u: float) -> Any:
        return value_at(int(u * size) if u < 1.0 else last)

    return write, read, _weighted_draw(param) or draw


def _permutation_functions(param: Permutation) -> tuple[Callable[[Any], Any], Read, Read]:
    n = param.width

    def write(value: Any) -> list[float]:
        order = param.order(value)
        if order is None:
            return [math.nan] * n
        cells = [0.0] * n
        for place, item in enumerate(order):
            cells[item] = (place + 0.5) / n
        return cells

    def read(cells: list[float]) -> Any:
        return param.in_order(sorted(range(n), key=cells.__getitem__))

    return write, read, read
