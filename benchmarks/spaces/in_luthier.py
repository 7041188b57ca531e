"""A space in Luthier's terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from luthier import Categorical, Float, Int, Space


def space_of(parameters: Iterable[Mapping[str, Any]]) -> Space:
    """Return the space."""
    return Space({item["name"]: _param(item) for item in parameters})


def _param(item: Mapping[str, Any]) -> Any:
    condition = item.get("condition")
    when = {condition["parent"]: list(condition["values"])} if condition else None
    if item["type"] == "cat":
        return Categorical(item["choices"], when=when)
    log = item.get("log", False)
    if item["type"] == "int":
        return Int(item["low"], item["high"], log=log, step=item.get("step", 1), when=when)
    return Float(item["low"], item["high"], log=log, when=when)
