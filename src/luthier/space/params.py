"""The union of all parameter kinds, and what is asked of any of them.

The classes live in ``numeric.py`` (Float, Int) and ``choices.py`` (Categorical, Ordinal,
Constant, Permutation); the contract they share in ``definition.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.errors import SpaceError
from luthier.space.choices import Categorical, Constant, Ordinal, Permutation
from luthier.space.conditions import Condition
from luthier.space.numeric import Float, Int
from luthier.space.priors import prior_from_json
from luthier.space.values import from_json_value

__all__ = [
    "Categorical",
    "Constant",
    "Float",
    "Int",
    "Ordinal",
    "Param",
    "Permutation",
    "param_from_json",
    "same_domain",
]

Param = Float | Int | Categorical | Ordinal | Constant | Permutation


def same_domain(a: Param, b: Param) -> bool:
    """Whether two definitions allow the same values in the same scale.

    Args:
        a: A definition.
        b: Another; ``prior``, ``when`` and ``default`` may differ.

    Example:
        >>> same_domain(Float(0, 1), Float(0, 1, default=0.5))
        True
        >>> same_domain(Float(0, 1), Int(0, 1))
        False
    """
    if a is b:
        return True
    if isinstance(a, Float | Int):
        return type(a) is type(b) and (a.low, a.high, a.step, a.scale) == (
            b.low,
            b.high,
            b.step,
            b.scale,
        )
    if isinstance(a, Categorical):
        return (
            isinstance(b, Categorical)
            and a.named == b.named
            and tuple(a._positions) == tuple(b._positions)
        )
    if isinstance(a, Constant):
        return isinstance(b, Constant) and a._identity == b._identity
    return type(a) is type(b) and tuple(a._positions) == tuple(b._positions)


def param_from_json(data: Mapping[str, Any]) -> Param:
    """Read what a parameter's ``to_json`` returned.

    Args:
        data: JSON data, as a dict.

    Returns:
        The definition; named choices have lost their objects.

    Raises:
        SpaceError: The data is of an unknown kind or incomplete.

    Example:
        >>> param_from_json({"kind": "int", "low": 1, "high": 3})
        Int(1, 3)
    """
    options = {key: value for key, value in data.items() if key != "kind"}
    if "when" in options:
        options["when"] = Condition.from_json(options["when"])
    if "default" in options:
        options["default"] = from_json_value(options["default"])
    try:
        return _build(data.get("kind"), options)
    except (TypeError, KeyError) as error:
        raise SpaceError(
            f"A parameter's JSON must be what to_json wrote, got {dict(data)!r} ({error}). "
            "It was damaged or written by a newer Luthier.",
            data=dict(data),
        ) from error


def _build(kind: Any, options: dict[str, Any]) -> Param:
    if kind in ("float", "int"):
        if "prior" in options:
            options["prior"] = prior_from_json(options["prior"])
        return Float(**options) if kind == "float" else Int(**options)
    if kind == "categorical":
        named = options.pop("named", False)
        param = Categorical(from_json_value(options.pop("choices")), **options)
        object.__setattr__(param, "named", named)
        return param
    if kind == "ordinal":
        return Ordinal(from_json_value(options.pop("values")), **options)
    if kind == "constant":
        return Constant(from_json_value(options.pop("value")), **options)
    if kind == "permutation":
        return Permutation(from_json_value(options.pop("items")), **options)
    raise KeyError(f"unknown kind {kind!r}")
