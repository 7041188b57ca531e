"""Enumeration: every allowed configuration of a finite space, once.

A depth-first walk, parents first. Inactive parameters aren't assigned, which leaves no
duplicates. A relation is asked as soon as the last parameter it names is decided, so that
forbidden branches are never entered.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from luthier.space.values import refused

if TYPE_CHECKING:
    from luthier.space.relations import Check
    from luthier.space.space import Space

__all__ = ["COUNTING_LIMIT", "count", "every", "walk"]

COUNTING_LIMIT = 100_000
"""Up to how many configurations are counted one by one."""

_MAX_VISITS = 4 * COUNTING_LIMIT
_LOOKS_EACH = 20

Points = int | Mapping[str, int] | None
"""How many values of each continuous parameter: one number for all, or one by name."""


def walk(space: Space, points: Points = None) -> Iterator[dict[str, Any]]:
    """Yield every allowed configuration, the last parameter varying fastest.

    Raises:
        SpaceError: There is a continuous parameter and ``points`` wasn't given.

    Example:
        >>> from luthier.space import Int, Space
        >>> list(walk(Space(a=Int(0, 1))))
        [{'a': 0}, {'a': 1}]
    """
    grids: dict[str, list[Any]] = {}
    for name, param in space.items():
        if param.size == math.inf:
            number = points.get(name) if isinstance(points, Mapping) else points
            if number is None:
                raise refused(
                    f"enumerate: {type(param).__name__} {name!r} is continuous, so that points "
                    "must be given",
                    "Example: space.enumerate(points=5)",
                    got="none",
                    name=name,
                )
            grids[name] = param.grid(number)
    for config in _visit(space, grids, math.inf):
        if config is not None:
            yield config


def count(space: Space) -> int | None:
    """Return the number of allowed configurations, or None if infinite or too many to count.

    Without conditions and relations any number is exact; else they are counted, up to 100,000.

    Example:
        >>> from luthier.space import Float, Int, Space
        >>> count(Space(a=Int(1, 10**9), b=Int(1, 10**9))), count(Space(x=Float(0, 1)))
        (1000000000000000000, None)
    """
    if not space.is_finite:
        return None
    if not space.activity.rules and not space.relations:
        return math.prod(int(param.size) for param in space.values())
    found = 0
    for config in _visit(space, {}, _MAX_VISITS):
        found += 1
        if config is None or found > COUNTING_LIMIT:
            return None
    return found


def every(space: Space, most: int) -> list[dict[str, Any]] | None:
    """Return all allowed configurations if they are few, and found without much looking.

    Args:
        space: The space.
        most: How many are few.

    Returns:
        None if there are more, or if nearly all combinations would have to be looked at.

    Example:
        >>> from luthier.space import Int, Space
        >>> every(Space(a=Int(0, 1)), 2), every(Space(a=Int(0, 1)), 1)
        ([{'a': 0}, {'a': 1}], None)
    """
    if not space.is_finite:
        return None
    if not space.activity.rules and not space.checks and (count(space) or 0) > most:
        return None
    found: list[dict[str, Any]] = []
    for config in _visit(space, {}, _LOOKS_EACH * most):
        if config is None or len(found) == most:
            return None
        found.append(config)
    return found


_INACTIVE, _END = object(), object()


def _visit(
    space: Space, grids: Mapping[str, list[Any]], visits: float
) -> Iterator[dict[str, Any] | None]:
    """Walk the tree; a None at the end says that the allowed visits didn't suffice."""
    order, activity = space.activity.order, space.activity
    if not order:
        yield {}
        return
    due = _due(space)
    values: dict[str, Any] = {}

    def enter(name: str) -> Iterator[Any]:
        if not activity.holds(name, values):
            return iter((_INACTIVE,))
        param = space[name]
        return iter(grids[name]) if name in grids else map(param.value_at, range(int(param.size)))

    levels = [enter(order[0])]
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
            levels.append(enter(order[depth + 1]))
        else:
            yield {name: values[name] for name in activity.names if name in values}


def _due(space: Space) -> list[list[Check]]:
    """Return the relations that are decided at each depth."""
    depth_of = {name: depth for depth, name in enumerate(space.activity.order)}
    due: list[list[Check]] = [[] for _ in depth_of]
    for check in space.checks:
        names = depth_of if check.names is None else check.names
        due[max(depth_of[name] for name in names)].append(check)
    return due
