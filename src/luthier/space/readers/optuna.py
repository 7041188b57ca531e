"""Reads Optuna's distributions, as objects or as JSON.

Objects are known by the name of their class and their attributes; Optuna isn't imported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from luthier.errors import SpaceError
from luthier.space.params import Categorical, Constant, Float, Int, Param
from luthier.space.space import Space

__all__ = ["is_distribution", "read_optuna"]

_FIELDS = {
    "FloatDistribution": ("low", "high", "log", "step"),
    "IntDistribution": ("low", "high", "log", "step"),
    "CategoricalDistribution": ("choices",),
}


def is_distribution(given: Any) -> bool:
    """Whether something is a distribution of Optuna, or its JSON.

    Example:
        >>> is_distribution({"name": "IntDistribution", "attributes": {"low": 1, "high": 3}})
        True
    """
    if isinstance(given, str):
        return given.startswith("{") and "Distribution" in given
    if isinstance(given, Mapping):
        return given.get("name") in _FIELDS and "attributes" in given
    return type(given).__name__ in _FIELDS


def read_optuna(given: Any) -> Space:
    """Read a dict of names to distributions; see ``Space.from_optuna``.

    Args:
        given: The dict, or its JSON.

    Raises:
        SpaceError: It isn't a dict, or a distribution isn't known.

    Example:
        >>> x = {"name": "FloatDistribution", "attributes": {"low": 1, "high": 2, "log": True}}
        >>> read_optuna({"x": x})
        Space({'x': Float(1.0, 2.0, scale='log')})
    """
    if isinstance(given, str):
        given = json.loads(given)
    if not isinstance(given, Mapping):
        raise SpaceError(
            f"from_optuna: a dict of names to distributions is needed, got {given!r}. "
            "Example: {'x': FloatDistribution(0, 1)}.",
            given=given,
        )
    return Space({name: _param(name, item) for name, item in given.items()})


def _param(name: str, given: Any) -> Param:
    data = json.loads(given) if isinstance(given, str) else given
    if isinstance(data, Mapping):
        kind, fields = data.get("name"), dict(data.get("attributes", {}))
    else:
        kind = type(data).__name__
        fields = {field: getattr(data, field, None) for field in _FIELDS.get(kind, ())}
    if kind not in _FIELDS:
        raise SpaceError(
            f"from_optuna: {name!r} must be one of {', '.join(_FIELDS)}, got {given!r}. "
            "Convert older distributions with Optuna first.",
            name=name,
            distribution=given,
        )
    if kind == "CategoricalDistribution":
        return Categorical(fields["choices"])
    low, high = fields["low"], fields["high"]
    if low == high:
        return Constant(low)
    log = bool(fields.get("log", False))
    if kind == "FloatDistribution":
        return Float(low, high, log=log, step=fields.get("step"))
    return Int(low, high, log=log, step=fields.get("step") or 1)
