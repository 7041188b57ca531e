"""Values: what a parameter may take, told apart by type, and written as JSON.

A value is a JSON value, a tuple or a non-finite float. ``1``, ``1.0`` and ``True`` are three
values here although Python calls them equal. What JSON lacks is tagged:
``(1, 2)`` becomes ``{"$tuple": [1, 2]}`` and infinity ``{"$float": "inf"}``.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Hashable, Iterable
from typing import Any

from luthier.errors import SpaceError

__all__ = [
    "canonical_json",
    "from_json_value",
    "hint",
    "plain",
    "refused",
    "to_json_value",
    "value_key",
]

_SCALARS = frozenset({bool, int, float, str, type(None)})


def plain(value: Any) -> Any:
    """Return a NumPy scalar as its Python twin, also inside lists, tuples and dicts.

    Example:
        >>> import numpy as np
        >>> plain((np.int64(3), "a"))
        (3, 'a')
    """
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is tuple or kind is list:
        return kind(plain(item) for item in value)
    if kind is dict:
        return {plain(key): plain(item) for key, item in value.items()}
    if kind.__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()
    return value


def value_key(value: Any) -> Hashable:
    """Return a hashable stand-in that is equal only for the same value of the same type.

    Anything but a JSON value, tuple or non-finite float is refused.

    Example:
        >>> len({value_key(v) for v in (1, 1.0, True, "1")})
        4
    """
    if value is None or type(value) is str:
        return value
    kind = type(value)
    if kind in _SCALARS:
        return (kind, value if value == value else "nan")
    if isinstance(value, tuple | list):
        return (tuple if isinstance(value, tuple) else list, tuple(map(value_key, value)))
    if isinstance(value, dict):
        _check_keys(value)
        return (dict, tuple((key, value_key(item)) for key, item in sorted(value.items())))
    raise refused(
        "A value must be a JSON value, a tuple or None",
        "Give objects a name: {'name': object, ...}",
        got=f"{value!r} of type {kind.__name__}",
        value=value,
    )


def to_json_value(value: Any) -> Any:
    """Write a value as JSON, with tags for what JSON lacks; anything else is refused.

    Example:
        >>> to_json_value((1, float("inf")))
        {'$tuple': [1, {'$float': 'inf'}]}
    """
    value = plain(value)
    if type(value) is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if type(value) in _SCALARS:
        return value
    if isinstance(value, tuple):
        return {"$tuple": [to_json_value(item) for item in value]}
    if isinstance(value, list):
        return [to_json_value(item) for item in value]
    value_key(value)  # raises unless it's a dict that JSON can hold
    if any(key.startswith("$") for key in value):
        return {"$dict": [[key, to_json_value(item)] for key, item in value.items()]}
    return {key: to_json_value(item) for key, item in value.items()}


def from_json_value(data: Any) -> Any:
    """Read what ``to_json_value`` wrote.

    Example:
        >>> from_json_value({"$tuple": [1, {"$float": "inf"}]})
        (1, inf)
    """
    if isinstance(data, list):
        return [from_json_value(item) for item in data]
    if isinstance(data, dict):
        if "$tuple" in data:
            return tuple(from_json_value(item) for item in data["$tuple"])
        if "$float" in data:
            return float(data["$float"])
        items = data["$dict"] if "$dict" in data else data.items()
        return {key: from_json_value(item) for key, item in items}
    return data


def canonical_json(data: Any) -> str:
    """Write JSON data as compact text that depends on nothing but the data."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def hint(name: str, known: Iterable[str]) -> str:
    """Return "Did you mean 'x'?", or else the list of known names, to end a message with.

    Example:
        >>> hint("batch", ["batch_size", "lr"])
        "Did you mean 'batch_size'?"
    """
    names = list(known)
    close = difflib.get_close_matches(str(name), names, n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known names: {', '.join(map(repr, names)) or 'none'}."


def refused(rule: str, advice: str, *, got: str = "", **fields: Any) -> SpaceError:
    """Return an error that says the rule, what was got (by default the fields) and what to do.

    Example:
        >>> refused("Int: low must be below high", "Swap them", low=2, high=1)
        SpaceError('Int: low must be below high, got low=2, high=1. Swap them.')
    """
    got = got or ", ".join(f"{name}={value!r}" for name, value in fields.items())
    end = "" if advice.endswith("?") else "."
    return SpaceError(f"{rule}, got {got}. {advice}{end}", **fields)


def _check_keys(value: dict[Any, Any]) -> None:
    for key in value:
        if type(key) is not str:
            raise refused(
                "A dict as a value must have string keys (JSON)",
                "Use strings, or give the dict a name: {'name': {...}}",
                got=f"the key {key!r}",
                value=value,
            )
