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

from luthier.errors import SpaceError
from luthier.space.activity import Activity
from luthier.space.numeric import codec_of
from luthier.space.params import Categorical, Constant, Float, Int, Ordinal, Param, Permutation
from luthier.space.scales import Codec, indexed

__all__ = ["Column", "Encoding"]

Array = NDArray[np.float64]
Read = Callable[[Any], Any]


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
    kind: Literal["continuous", "discrete", "categorical", "permutation"]
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
    warp: Callable[[Array], Array] | None = None


@final
class Encoding:
    """Translates between configurations and arrays; get it from ``space.encoding``.

    Args:
        params: The parameters of a space.
        activity: Its compiled conditions.

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

    __slots__ = (
        "_activity",
        "_drawers",
        "_fields",
        "_plain",
        "_reorder",
        "_warps",
        "columns",
        "width",
    )

    def __init__(self, params: Mapping[str, Param], activity: Activity) -> None:
        self.columns: tuple[Column, ...] = tuple(
            column for name, param in params.items() for column in _columns(name, param)
        )
        self.width = len(self.columns)
        starts: dict[str, int] = {}
        for name in params:
            starts[name] = sum(params[before].width for before in starts)
        self._activity = activity
        self._fields = tuple(_field(name, params[name], starts[name]) for name in activity.order)
        self._drawers = tuple((field.name, field.draw) for field in self._fields)
        self._warps = tuple((f.start, f.warp) for f in self._fields if f.warp is not None)
        self._plain = not activity.rules and all(field.width == 1 for field in self._fields)
        self._reorder = activity.order != activity.names

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
        """Read rows as configurations.

        Args:
            X: Shape (n, d). Numbers outside of the unit interval are clipped, codes rounded;
                NaN means missing.

        Returns:
            n dicts of the active parameters in the order of the space.

        Raises:
            SpaceError: The array has another number of columns.
        """
        rows = self._rows(X)
        if self._plain:
            readers = [(field.name, field.read) for field in self._fields]
            return [
                {name: read(u) for (name, read), u in zip(readers, row, strict=True) if u == u}
                for row in rows
            ]
        return [self._read(row, [field.read for field in self._fields]) for row in rows]

    def from_unit(self, U: ArrayLike) -> list[dict[str, Any]]:
        """Turn uniform numbers into configurations distributed as the priors say.

        Args:
            U: Shape (n, d), random or quasi-random numbers in [0, 1).

        Returns:
            n dicts of the active parameters in the order of the space.

        Raises:
            SpaceError: The array has another number of columns.
        """
        rows = self._rows(self._warped(U))
        if self._plain:
            drawers = self._drawers
            return [
                {name: draw(u) for (name, draw), u in zip(drawers, row, strict=True)}
                for row in rows
            ]
        return [self._read(row, [field.draw for field in self._fields]) for row in rows]

    def _warped(self, U: ArrayLike) -> ArrayLike:
        if not self._warps:
            return U
        array = np.array(U, dtype=np.float64)
        if array.shape[1:] == (self.width,):
            for column, warp in self._warps:
                array[:, column] = warp(array[:, column])
        return array

    def _rows(self, X: ArrayLike) -> list[list[float]]:
        array = np.asarray(X, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != self.width:
            raise SpaceError(
                f"An encoded array must have shape (n, {self.width}), got {array.shape}. "
                "For a single row use X[None, :].",
                shape=array.shape,
            )
        return array.tolist()  # type: ignore[no-any-return]

    def _read(self, row: list[float], readers: list[Read]) -> dict[str, Any]:
        activity = self._activity
        values: dict[str, Any] = {}
        for field, read in zip(self._fields, readers, strict=True):
            if not activity.holds(field.name, values):
                continue
            if field.width == 1:
                cell: Any = row[field.start]
                missing = cell != cell
            else:
                cell = row[field.start : field.start + field.width]
                missing = any(u != u for u in cell)
            if not missing:
                values[field.name] = read(cell)
        if not self._reorder:
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
                cell = field.write(config[name])
            except (TypeError, ValueError, OverflowError):
                continue
            known[name] = config[name]
            if field.width == 1:
                row[field.start] = cell
            else:
                row[field.start : field.start + field.width] = cell
        return row


def _columns(name: str, param: Param) -> list[Column]:
    if isinstance(param, Categorical):
        return [Column(name, "categorical", param.size, param.size)]
    if isinstance(param, Permutation):
        return [Column(name, "permutation", 0, param.width)] * param.width
    if isinstance(param, Constant):
        return []
    kind: Literal["continuous", "discrete"] = "continuous" if param.size == math.inf else "discrete"
    return [Column(name, kind, 0, param.size)]


def _field(name: str, param: Param, start: int) -> _Field:
    write, read, draw = _functions(param)
    warp = _warp(param) if isinstance(param, Float | Int) else None
    return _Field(name, start, param.width, write, read, draw, warp)


def _functions(param: Param) -> tuple[Callable[[Any], Any], Read, Read]:
    if isinstance(param, Float | Int):
        codec = codec_of(param)
        return codec.to_unit, codec.to_value, _numeric_draw(param, codec)
    if isinstance(param, Ordinal):
        codec = indexed(param.size, param.index, param.value_at)
        return codec.to_unit, codec.to_value, _weighted_draw(param) or codec.to_value
    if isinstance(param, Categorical):
        return _categorical_functions(param)
    if isinstance(param, Permutation):
        return _permutation_functions(param)
    return lambda value: [], lambda cells: param.value_at(0), lambda cells: param.value_at(0)


def _numeric_draw(param: Float | Int, codec: Codec) -> Read:
    if param.prior is None:
        return codec.to_value
    return lambda value: _nearest(param, codec, value)


def _warp(param: Float | Int) -> Callable[[Array], Array] | None:
    """Return the quantile function of a prior that is cut off at the parameter's range."""
    prior = param.prior
    if prior is None:
        return None
    lower, upper = param.edges
    start = float(prior.cdf(lower))
    share = float(prior.cdf(upper)) - start
    return lambda u: prior.ppf(start + u * share)


def _nearest(param: Float | Int, codec: Codec, value: float) -> Any:
    """The value of the domain that is nearest to a number, as decoding would give it."""
    inside = min(max(value, param.low), param.high)
    if param.scale == "power_of_two":
        return param.low * 2 ** round(math.log2(inside / param.low))
    if param._grid is not None:
        return param._grid.value_at(param._grid.nearest(inside))
    return codec.to_value(codec.to_unit(inside))


def _weighted_draw(param: Categorical | Ordinal) -> Read | None:
    if param.prior is None:
        return None
    total = sum(param.prior)
    edges = [edge / total for edge in accumulate(param.prior)][:-1]
    value_at = param.value_at
    return lambda u: value_at(bisect_right(edges, u))


def _categorical_functions(param: Categorical) -> tuple[Callable[[Any], Any], Read, Read]:
    last, size, value_at, index = param.size - 1, param.size, param.value_at, param.index

    def write(value: Any) -> float:
        k = index(value)
        return math.nan if k is None else float(k)

    def read(code: float) -> Any:
        return value_at(min(max(round(code), 0), last))

    def draw(u: float) -> Any:
        return value_at(min(max(int(u * size), 0), last))

    def draw_plain(u: float) -> Any:  # without the copies that lists and dicts need
        return choices[int(u * size) if u < 1.0 else last]

    choices = param.choices
    plain = not any(isinstance(choice, list | dict | tuple) for choice in choices)
    return write, read, _weighted_draw(param) or (draw_plain if plain else draw)


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
