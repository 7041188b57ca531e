"""Which parameters of a configuration count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_active(parameter: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Whether a parameter counts, given the values of those before it."""
    condition = parameter.get("condition")
    return condition is None or config.get(condition["parent"]) in condition["values"]
