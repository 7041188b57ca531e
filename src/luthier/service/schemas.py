"""What JSON in requests may look like, as JSON Schema: one text for documents and for checks.

Only the few words of JSON Schema that ``check`` understands are used; a test holds all schemas of
this package to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from luthier.service.problems import RefusedError

__all__ = ["KEYWORDS", "check", "flag", "integer", "items", "number", "record", "text", "values"]

Schema = Mapping[str, Any]
KEYWORDS: Final = frozenset(
    {
        *("type", "enum", "description", "minimum", "maximum", "exclusiveMinimum"),
        *("minLength", "maxLength", "items", "maxItems"),
        *("properties", "required", "additionalProperties", "maxProperties"),
    }
)
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


def record(required: str = "", **properties: Schema) -> dict[str, Any]:
    """Return the schema of an object with these members and no others.

    Args:
        required: Names of those that must be there, with spaces between them.
        **properties: Their schemas.
    """
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required.split()} if required else {})


def values(of: Schema, description: str, *, most: int = 10_000) -> dict[str, Any]:
    """Return the schema of an object from any names to values of one kind."""
    return {
        "type": "object",
        "additionalProperties": of,
        "maxProperties": most,
        "description": description,
    }


def items(of: Schema, description: str, *, most: int = 1_000) -> dict[str, Any]:
    """Return the schema of a list."""
    return {"type": "array", "items": of, "maxItems": most, "description": description}


def text(description: str, *, least: int = 0, most: int = 10_000) -> dict[str, Any]:
    """Return the schema of a text."""
    lengths = {"minLength": least} if least else {}
    return {
        "type": "string",
        **lengths,
        "maxLength": most,
        "description": description,
    }


def integer(description: str, least: int = 0, most: int = 2**63 - 1) -> dict[str, Any]:
    """Return the schema of a whole number."""
    return {"type": "integer", "minimum": least, "maximum": most, "description": description}


def number(description: str, **bounds: Any) -> dict[str, Any]:
    """Return the schema of a number."""
    return {"type": "number", **bounds, "description": description}


def flag(description: str) -> dict[str, Any]:
    """Return the schema of true or false."""
    return {"type": "boolean", "description": description}


def check(schema: Schema, value: object, place: str = "The body") -> None:
    """Refuse a JSON value that a schema doesn't allow.

    Args:
        schema: In the words of ``KEYWORDS``.
        value: What ``json.loads`` returned.
        place: What the value is, for the message.

    Raises:
        RefusedError: With status 422 and the place, the rule and the value.

    Example:
        >>> check(record(step=integer("The step.")), {"step": -1})
        Traceback (most recent call last):
        luthier.service.problems.RefusedError: The body.step must be at least 0, got -1.
    """
    if "type" in schema:
        _check_type(schema["type"], value, place)
    if "enum" in schema and value not in schema["enum"]:
        raise _refusal(place, f"one of {', '.join(map(repr, schema['enum']))}", value)
    if isinstance(value, str):
        _check_text(schema, value, place)
    elif isinstance(value, dict):
        _check_object(schema, value, place)
    elif isinstance(value, list):
        _check_list(schema, value, place)
    elif not isinstance(value, bool) and isinstance(value, int | float):
        _check_number(schema, value, place)


def _check_type(kinds: str | list[str], value: object, place: str) -> None:
    names = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(value, bool):
        fits = "boolean" in names
    else:
        fits = any(isinstance(value, _TYPES[name]) for name in names)
    if not fits:
        raise _refusal(place, f"of type {' or '.join(names)}", value)


def _check_text(schema: Schema, value: str, place: str) -> None:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10_000):
        least, most = schema.get("minLength", 0), schema.get("maxLength", 10_000)
        raise _refusal(place, f"text of {least} to {most} characters", value)


def _check_number(schema: Schema, value: float, place: str) -> None:
    if value < schema.get("minimum", value):
        raise _refusal(place, f"at least {schema['minimum']}", value)
    if value > schema.get("maximum", value):
        raise _refusal(place, f"at most {schema['maximum']}", value)
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        raise _refusal(place, f"above {schema['exclusiveMinimum']}", value)


def _check_list(schema: Schema, value: list[Any], place: str) -> None:
    if len(value) > schema.get("maxItems", len(value)):
        raise _refusal(place, f"a list of at most {schema['maxItems']} items", value)
    for position, item in enumerate(value if "items" in schema else ()):
        check(schema["items"], item, f"{place}[{position}]")


def _check_object(schema: Schema, value: dict[str, Any], place: str) -> None:
    if len(value) > schema.get("maxProperties", len(value)):
        raise _refusal(place, f"an object of at most {schema['maxProperties']} members", value)
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name in schema.get("required", ()):
        if name not in value:
            raise RefusedError(
                422, f"{place} must have {name!r} ({known[name]['description']}) Add it.", name=name
            )
    for name, item in value.items():
        if name in known:
            check(known[name], item, f"{place}.{name}")
        elif others is False:
            raise RefusedError(
                422,
                f"{place} must have no {name[:60]!r}. It may have: "
                f"{', '.join(map(repr, known)) or 'nothing'}.",
                name=name,
            )
        elif others is not True:
            check(others, item, f"{place}[{name[:60]!r}]")


def _refusal(place: str, rule: str, value: object) -> RefusedError:
    shown = repr(value)
    return RefusedError(
        422,
        f"{place} must be {rule}, got {shown if len(shown) <= 80 else shown[:77] + '...'}.",
        place=place,
    )
