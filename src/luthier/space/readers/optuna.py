"""Reads Optuna's distributions, as objects or as JSON.

Objects are known by the name of their class and their attributes; Optuna isn't imported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from luthier.space.params import Categorical, Constant, Float, Int, Param
from luthier.space.space import Space
from luthier.space.values import refused

__all__ = ["is_distribution", "read_optuna"]

_NAMES = ("FloatDistribution", "IntDistribution", "CategoricalDistribution")
_FIELDS = ("low", "high", "log", "step", "choices")


def is_distribution(given: Any) -> bool:
    """Whether something is a distribution of Optuna, or its JSON."""
    if isinstance(given, str):
        return given.startswith("{") and "Distribution" in given
    if isinstance(given, Mapping):
        return given.get("name") in _NAMES and "attributes" in given
    return type(given).__name__ in _NAMES


def read_optuna(given: Any) -> Space:
    """Read a dict of names to distributions, or its JSON; see ``Space.from_optuna``."""
    if isinstance(given, str):
        given = json.loads(given)
    if not isinstance(given, Mapping):
        rule = "from_optuna: a dict of names to distributions is needed"
        raise refused(rule, "Example: {'x': FloatDistribution(0, 1)}", given=given)
    return Space({name: _param(name, item) for name, item in given.items()})


def _param(name: str, given: Any) -> Param:
    data = json.loads(given) if isinstance(given, str) else given
    if isinstance(data, Mapping):
        kind, fields = data.get("name"), dict(data.get("attributes", {}))
    else:
        kind = type(data).__name__
        fields = {field: getattr(data, field, None) for field in _FIELDS}
    if kind not in _NAMES:
        rule = f"from_optuna: {name!r} must be one of {', '.join(_NAMES)}"
        advice = "Convert older distributions with Optuna first"
        raise refused(rule, advice, got=repr(given), name=name, distribution=given)
    if kind == "CategoricalDistribution":
        return Categorical(fields["choices"])
    low, high, log = fields["low"], fields["high"], bool(fields.get("log"))
    if low == high:
        return Constant(low)
    if kind == "FloatDistribution":
        return Float(low, high, log=log, step=fields.get("step"))
    return Int(low, high, log=log, step=fields.get("step") or 1)
