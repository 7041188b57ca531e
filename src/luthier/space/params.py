"""The union of all parameter kinds, and what is asked of any of them.

The classes live in ``numeric.py`` (Float, Int) and ``choices.py`` (Categorical, Ordinal,
Constant, Permutation); the contract they share in ``definition.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from luthier.space.choices import Categorical, Constant, Ordinal, Permutation
from luthier.space.conditions import Condition
from luthier.space.definition import same_domain
from luthier.space.numeric import Float, Int
from luthier.space.priors import prior_from_json
from luthier.space.values import from_json_value, refused

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

_KINDS: Final[dict[Any, Any]] = {
    kind.kind: kind for kind in (Float, Int, Categorical, Ordinal, Constant, Permutation)
}


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
    try:
        arguments = {name: _read(name, item) for name, item in data.items() if name != "kind"}
        if arguments.pop("named", False):
            arguments["choices"] = dict.fromkeys(arguments["choices"], ...)  # see resolve
        param: Param = _KINDS[data["kind"]](**arguments)
    except (TypeError, KeyError) as error:
        raise refused(
            "A parameter's JSON must be what to_json wrote",
            "It was damaged or written by a newer Luthier",
            got=f"{dict(data)!r} ({error})",
            data=dict(data),
        ) from error
    return param


def _read(name: str, item: Any) -> Any:
    if name == "when":
        return Condition.from_json(item)
    if name == "prior" and isinstance(item, Mapping):
        return prior_from_json(item)
    return from_json_value(item)
