"""Values: what a parameter may take, told apart by type, and written as JSON.

A value is a JSON value, a tuple or a non-finite float. ``1``, ``1.0`` and ``True`` are three
values here although Python calls them equal. What JSON lacks is tagged:
``(1, 2)`` becomes ``{"$tuple": [1, 2]}`` and infinity ``{"$float": "inf"}``.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from luthier.errors import SpaceError

__all__ = ["canonical_json", "from_json_value", "hint", "plain", "to_json_value", "value_key"]

_SCALARS = frozenset({bool, int, float, str, type(None)})


def plain(value: Any) -> Any:
    """Return a NumPy scalar as its Python twin, also inside lists, tuples and dicts.

    Args:
        value: Anything.

    Returns:
        The same value without NumPy scalars; containers are copied.

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

    Args:
        value: A JSON value, tuple or non-finite float.

    Returns:
        A hashable key, for use within this process.

    Raises:
        SpaceError: The value is none of these.

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
    raise SpaceError(
        f"A value must be a JSON value, a tuple or None, got {value!r} of type {kind.__name__}. "
        f"Give objects a name: {{'name': object, ...}}.",
        value=value,
    )


def to_json_value(value: Any) -> Any:
    """Write a value as JSON, with tags for what JSON lacks.

    Args:
        value: A JSON value, tuple or non-finite float, nested at will.

    Returns:
        Something that ``json.dumps(..., allow_nan=False)`` accepts.

    Raises:
        SpaceError: The value is none of these.

    Example:
        >>> to_json_value((1, float("inf")))
        {'$tuple': [1, {'$float': 'inf'}]}
    """
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind in _SCALARS:
        return value
    if isinstance(value, tuple):
        return {"$tuple": [to_json_value(item) for item in value]}
    if isinstance(value, list):
        return [to_json_value(item) for item in value]
    if isinstance(value, dict):
        _check_keys(value)
        if any(key.startswith("$") for key in value):
            return {"$dict": [[key, to_json_value(item)] for key, item in value.items()]}
        return {key: to_json_value(item) for key, item in value.items()}
    python = plain(value)
    if type(python) in _SCALARS:
        return to_json_value(python)
    value_key(value)  # raises, and says why
    raise AssertionError("unreachable")


def from_json_value(data: Any) -> Any:
    """Read what ``to_json_value`` wrote.

    Args:
        data: A JSON value.

    Returns:
        The value, with tuples and non-finite floats in place of their tags.

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
        if "$dict" in data:
            return {key: from_json_value(item) for key, item in data["$dict"]}
        return {key: from_json_value(item) for key, item in data.items()}
    return data


def canonical_json(data: Any) -> str:
    """Write tagged JSON data as text that depends on nothing but the data.

    Args:
        data: What ``to_json_value`` or a ``to_json`` returned.

    Returns:
        Compact text; the order of keys is kept, since a space is ordered.

    Example:
        >>> canonical_json({"b": [1, 2.0], "a": None})
        '{"b":[1,2.0],"a":null}'
    """
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def hint(name: str, known: Iterable[str]) -> str:
    """Return "Did you mean 'x'?", or else the list of known names, to end a message with.

    Args:
        name: The name that wasn't found.
        known: The names there are.

    Example:
        >>> hint("batch", ["batch_size", "lr"])
        "Did you mean 'batch_size'?"
    """
    names = list(known)
    close = difflib.get_close_matches(str(name), names, n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known names: {', '.join(map(repr, names)) or 'none'}."


def _check_keys(value: Mapping[Any, Any]) -> None:
    for key in value:
        if type(key) is not str:
            raise SpaceError(
                f"A dict as a value must have string keys (JSON), got the key {key!r}. "
                "Use strings, or give the dict a name: {'name': {...}}.",
                value=dict(value),
            )
