"""Enumeration: every allowed configuration of a finite space, once.

A depth-first walk, parents first. Inactive parameters aren't assigned, which leaves no
duplicates. A relation is asked as soon as the last parameter it names is decided, so that
forbidden branches are never entered.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from luthier.errors import SpaceError
from luthier.space.relations import Check

if TYPE_CHECKING:
    from luthier.space.params import Param
    from luthier.space.space import Space

__all__ = ["COUNTING_LIMIT", "count", "walk"]

COUNTING_LIMIT = 100_000
"""Up to how many configurations are counted one by one."""

_MAX_VISITS = 4 * COUNTING_LIMIT


Points = int | Mapping[str, int] | None
"""How many values of each continuous parameter: one number for all, or one by name."""


def walk(space: Space, points: Points = None) -> Iterator[dict[str, Any]]:
    """Yield every allowed configuration, the last parameter varying fastest.

    Args:
        space: The space.
        points: How many values of each continuous parameter, one number or by name; needed if
            there is one.

    Raises:
        SpaceError: There is a continuous parameter and ``points`` wasn't given.

    Example:
        >>> from luthier.space import Int, Space
        >>> list(walk(Space(a=Int(0, 1))))
        [{'a': 0}, {'a': 1}]
    """
    for name, param in space.items():
        if param.size == math.inf and _of(name, points) is None:
            raise SpaceError(
                f"enumerate: {type(param).__name__} {name!r} is continuous, so that points must "
                "be given. Example: space.enumerate(points=5).",
                name=name,
            )
    for config in _visit(space, points, math.inf):
        if config is not None:
            yield config


def count(space: Space) -> int | None:
    """Return the number of allowed configurations, or None if infinite or too many to count.

    Args:
        space: The space. Without conditions and relations, any number is exact; otherwise the
            configurations are counted, up to 100,000.

    Example:
        >>> from luthier.space import Float, Int, Space
        >>> count(Space(a=Int(1, 10**9), b=Int(1, 10**9))), count(Space(x=Float(0, 1)))
        (1000000000000000000, None)
    """
    if any(param.size == math.inf for param in space.values()):
        return None
    if not space.activity.rules and not space.relations:
        return math.prod(int(param.size) for param in space.values())
    found = 0
    for config in _visit(space, None, _MAX_VISITS):
        found += 1
        if config is None or found > COUNTING_LIMIT:
            return None
    return found


def _visit(space: Space, points: Points, visits: float) -> Iterator[dict[str, Any] | None]:
    """Walk the tree; a None at the end says that the allowed visits didn't suffice."""
    order, activity = space.activity.order, space.activity
    due = _due(space.checks, order)
    domains = [_values(space[name], _of(name, points)) for name in order]
    reorder = order != activity.names
    values: dict[str, Any] = {}
    levels: list[Iterator[Any]] = []

    def enter(depth: int) -> Iterator[Any]:
        return iter(domains[depth]) if activity.holds(order[depth], values) else iter((_INACTIVE,))

    if not order:
        yield {}
        return
    levels.append(enter(0))
    while levels:
        depth = len(levels) - 1
        values.pop(order[depth], None)
        value = next(levels[-1], _END)
        if value is _END:
            levels.pop()
            continue
        visits -= 1
        if visits < 0:
            yield None
            return
        if value is not _INACTIVE:
            values[order[depth]] = value
        if not all(check.passes(values) for check in due[depth]):
            continue
        if depth + 1 < len(order):
            levels.append(enter(depth + 1))
        else:
            names = activity.names if reorder else values
            yield {name: values[name] for name in names if name in values}


_INACTIVE, _END = object(), object()


def _due(checks: Iterable[Check], order: tuple[str, ...]) -> list[list[Check]]:
    """Return the relations that are decided at each depth."""
    depth_of = {name: depth for depth, name in enumerate(order)}
    due: list[list[Check]] = [[] for _ in order]
    for check in checks:
        last = len(order) - 1 if check.names is None else max(depth_of[n] for n in check.names)
        due[last].append(check)
    return due


def _of(name: str, points: Points) -> int | None:
    return points.get(name) if isinstance(points, Mapping) else points


def _values(param: Param, points: int | None) -> Iterable[Any]:
    if param.size == math.inf:
        return param.grid(1 if points is None else points)
    return _Values(param)


class _Values:
    """The values of a finite parameter, made one by one since there may be many."""

    def __init__(self, param: Param) -> None:
        self._param = param

    def __iter__(self) -> Iterator[Any]:
        return map(self._param.value_at, range(int(self._param.size)))
