"""A form of a space: its fields, and what is wrong with what was filled in.

Which fields are asked for depends on the others' values; the rules for that stay here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from luthier.core.record import params_json
from luthier.core.trial import FrozenTrial
from luthier.dashboard.view import View
from luthier.errors import ParamValueError
from luthier.service.problems import RefusedError
from luthier.space import Constant, Param, Space, to_json_value
from luthier.space.values import from_json_value
from luthier.space.wording import condition_words, relation_words

__all__ = ["checked", "form_of", "values_in"]

_MOST_CHOICES: Final = 1_000


def form_of(view: View) -> dict[str, Any]:
    """Return the fields of a study's space, and a configuration to start from.

    Args:
        view: The study.
    """
    with view.lock:
        space = view.history.space
        best = view.trials[next(iter(view.best))] if view.best else None
        return {
            "version": view.version,
            "declared": view.study._driver.declared is not None,
            "fields": [_field(name, param, space) for name, param in space.items()],
            "relations": [relation_words(relation, space) for relation in space.relations],
            "start": _start(space, best),
        }


def checked(view: View, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return which fields are asked for, given these values, and what is wrong with them.

    Args:
        view: The study.
        params: Values by name, as JSON data.
    """
    with view.lock:
        space = view.history.space
    values, errors = _read(space, params)
    known = {name: value for name, value in values.items() if name in space}
    active = list(space.active(known))
    problem = None
    if not errors and not space.allows(known):
        known = {name: value for name, value in known.items() if name in active}
        pairs = zip(space.relations, space.checks, strict=True)
        broken = [
            relation_words(relation, space) for relation, check in pairs if not check.passes(known)
        ]
        problem = f"The space doesn't allow this: {', '.join(broken)}."
    return {"active": active, "errors": errors, "problem": problem}


def values_in(view: View, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a form holds, without fields that aren't asked for.

    Args:
        view: The study.
        params: Values by name, as JSON data.

    Raises:
        RefusedError: 422, with what is wrong by parameter.
    """
    found = checked(view, params)
    if found["errors"] or found["problem"]:
        detail = found["problem"] or "; ".join(found["errors"].values())
        raise RefusedError(422, detail, errors=found["errors"])
    with view.lock:
        space = view.history.space
    values, _ = _read(space, params)
    return {n: v for n, v in values.items() if n not in space or n in found["active"]}


def _read(space: Space, params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Values that are right, in their standard form, and messages for those that aren't."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, item in params.items():
        try:
            value = _value(space.get(name), item)
        except (KeyError, TypeError, ValueError, IndexError):
            errors[name] = f"{name!r}: not a value: {item!r:.60}."
            continue
        if name in space:
            try:
                values[name] = space[name].check(value, name)
            except ParamValueError as error:
                errors[name] = error.message
        elif space:
            errors[name] = f"The study has no parameter {name!r}."
        else:
            values[name] = value
    return values, errors


def _value(param: Param | None, item: Any) -> Any:
    """A value as it was sent: a choice by its position, since to a browser 1 and 1.0 are one."""
    if param is not None and isinstance(item, Mapping) and set(item) == {"$choice"}:
        place = item["$choice"]
        if type(place) is not int or not 0 <= place < param.size:
            raise ValueError(place)
        return param.value_at(place)
    return from_json_value(item)


def _field(name: str, param: Param, space: Space) -> dict[str, Any]:
    data = param.to_json()
    choices = data.get("choices", data.get("values", data.get("items")))
    if isinstance(param, Constant):
        choices = [to_json_value(param.value)]
    return {
        "name": name,
        "kind": param.kind,
        "text": repr(param),
        "low": data.get("low"),
        "high": data.get("high"),
        "step": data.get("step"),
        "log": data.get("scale") == "log",
        "choices": None if choices is None else choices[:_MOST_CHOICES],
        "default": None if param.default is None else to_json_value(param.default),
        "when": None if param.when is None else repr(param.when),
        "condition": condition_words(param, space),
    }


def _start(space: Space, best: FrozenTrial | None) -> dict[str, Any]:
    """The best configuration so far, else the defaults, else the middle of each domain."""
    if best is not None:
        return {name: value for name, value in params_json(best).items() if name in space}
    values = space.default()
    if values is None:
        values = {}
        for name in space.activity.order:
            if space.activity.holds(name, values):
                values[name] = _usual(space[name])
    return {name: to_json_value(values[name]) for name in space if name in values}


def _usual(param: Param) -> Any:
    if isinstance(param, Constant):
        return param.value
    if param.default is not None:
        return param.default
    if param.size == float("inf"):
        return param.grid(3)[1]
    return param.value_at(int(param.size) // 2 if param.kind == "int" else 0)
