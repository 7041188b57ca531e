"""The cells of a grid over a space, numbered: from place to configuration and back.

Without conditions and relations the grid is a product, and a place is a number whose digits are
the places along the axes; nothing is ever listed. Otherwise the cells are the leaves of a tree,
listed as far as they are needed.
"""

from __future__ import annotations

import hashlib
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from threading import Lock
from typing import Any, Final, final

import numpy as np

from luthier.core.trial import FrozenTrial
from luthier.errors import ArgumentError
from luthier.space import Param, Space
from luthier.space.enumeration import walk
from luthier.space.relations import Check

__all__ = ["Cells", "Points", "cells_of"]

Points = int | tuple[tuple[str, int], ...]
"""How many values continuous parameters get: one number for all, or one by name."""
DEFAULT_POINTS: Final = 10
_MAX_LISTED: Final = 1_000_000


@lru_cache(maxsize=8)
def cells_of(space: Space, checks: tuple[Check, ...], points: Points) -> Cells:
    """Return the cells of a grid.

    Args:
        space: The space, with at least one parameter.
        checks: Its compiled relations: two spaces may differ only in the functions they hold.
        points: How many values continuous parameters get.
    """
    if checks or space.activity.rules:
        return _Tree(space, points)
    return _Product(space, points)


@final
class Axis:
    """The values of one parameter in a grid, in order.

    Args:
        param: The parameter.
        points: How many values, if it's continuous.
    """

    __slots__ = ("_param", "_places", "_values", "size")

    def __init__(self, param: Param, points: int) -> None:
        self._param = param
        self._values = param.grid(points) if param.size == math.inf else None
        self._places = {value: k for k, value in enumerate(self._values or ())}
        self.size = int(param.size) if self._values is None else len(self._values)

    def value_at(self, k: int) -> Any:
        """Return the k-th value."""
        return self._param.value_at(k) if self._values is None else self._values[k]

    def place(self, value: Any) -> int | None:
        """Return where a value stands, or None if it isn't in the grid."""
        return self._param.index(value) if self._values is None else self._places.get(value)


class Cells(ABC):
    """The cells of a grid.

    Attributes:
        digest: Tells grids apart, in all processes.
    """

    def __init__(self, space: Space, points: Points) -> None:
        default, by_name = (
            (points, {}) if isinstance(points, int) else (DEFAULT_POINTS, dict(points))
        )
        self._space = space
        self._points = {name: by_name.get(name, default) for name in space}
        self._axes = {name: Axis(param, self._points[name]) for name, param in space.items()}
        text = json.dumps([space.fingerprint, points])
        self.digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    @property
    @abstractmethod
    def size(self) -> int:
        """The number of cells."""

    @property
    @abstractmethod
    def label(self) -> str:
        """The number of cells in words, where it's known without counting; else nothing."""

    @abstractmethod
    def has(self, k: int) -> bool:
        """Whether there are more than k cells."""

    @abstractmethod
    def __getitem__(self, k: int) -> dict[str, Any]:
        """The k-th cell."""

    @abstractmethod
    def _rank(self, cell: Mapping[str, Any]) -> int | None:
        """The place of a configuration whose values all lie on the axes."""

    def draw(self, rng: np.random.Generator) -> int:
        """Return a random place."""
        size = self.size
        if size < 1 << 62:
            return int(rng.integers(size))
        return int.from_bytes(rng.bytes(size.bit_length() // 8 + 8), "little") % size

    def place(self, trial: FrozenTrial) -> int | None:
        """Return the cell that a trial tries, or None if it tries none.

        Parameters that a trial doesn't have (yet) count as the first of their values, where
        that is what it will be given.
        """
        data = trial.origin.data
        if data.get("grid") == self.digest:
            return int(data["cell"])
        values = trial.params
        if trial.origin.fill == "first":
            values = self._filled(values)
        names = self._space.active(values)
        if any(n not in values or self._axes[n].place(values[n]) is None for n in names):
            return None
        return self._rank({n: values[n] for n in names})

    def _filled(self, values: dict[str, Any]) -> dict[str, Any]:
        for name in self._space.activity.order:
            if name not in values and self._space.activity.holds(name, values):
                values[name] = self._axes[name].value_at(0)
        return values


@final
class _Product(Cells):
    """The grid of a space without conditions and relations; the last axis varies fastest."""

    def __init__(self, space: Space, points: Points) -> None:
        super().__init__(space, points)
        self._size = math.prod(axis.size for axis in self._axes.values())
        self._upwards = list(reversed(self._axes.items()))

    @property
    def size(self) -> int:
        return self._size

    @property
    def label(self) -> str:
        return f" of {self._size}"

    def has(self, k: int) -> bool:
        return k < self._size

    def __getitem__(self, k: int) -> dict[str, Any]:
        cell: dict[str, Any] = {}
        for name, axis in self._upwards:
            k, digit = divmod(k, axis.size)
            cell[name] = axis.value_at(digit)
        return dict(reversed(cell.items()))

    def _rank(self, cell: Mapping[str, Any]) -> int | None:
        k = 0
        for name, axis in self._axes.items():
            digit = axis.place(cell[name])
            assert digit is not None
            k = k * axis.size + digit
        return k


@final
class _Tree(Cells):
    """The grid of a space with conditions or relations, listed as far as needed."""

    def __init__(self, space: Space, points: Points) -> None:
        super().__init__(space, points)
        self._rest = walk(space, self._points)
        self._listed: list[dict[str, Any]] = []
        self._places: dict[tuple[Any, ...], int] = {}
        self._lock = Lock()

    @property
    def size(self) -> int:
        if self.has(_MAX_LISTED):
            raise ArgumentError(
                f"A grid over a space with conditions or relations is shuffled by listing its "
                f"cells, at most {_MAX_LISTED:,}; this one has more. Use fewer points, "
                "shuffle=False, or the random sampler.",
                limit=_MAX_LISTED,
            )
        return len(self._listed)

    @property
    def label(self) -> str:
        return ""

    def has(self, k: int) -> bool:
        with self._lock:
            while len(self._listed) <= k and (cell := next(self._rest, None)) is not None:
                self._listed.append(cell)
            return k < len(self._listed)

    def __getitem__(self, k: int) -> dict[str, Any]:
        if not self.has(k):
            raise IndexError(k)
        return dict(self._listed[k])

    def _rank(self, cell: Mapping[str, Any]) -> int | None:
        if not self._space.allows(cell):
            return None
        key = self._space.key(cell)
        while key not in self._places and self.has(k := len(self._places)):
            self._places[self._space.key(self._listed[k])] = k
        return self._places.get(key)
