"""The few words of JSON Schema that requests are checked by."""

from __future__ import annotations

from typing import Any

import pytest

from luthier.service.problems import RefusedError
from luthier.service.routes import ROUTES
from luthier.service.schemas import KEYWORDS, check, flag, integer, items, number, record, text
from luthier.service.schemas import values as values_of

WRONG: list[tuple[dict[str, Any], Any, str]] = [
    (flag(""), 1, "The body must be of type boolean, got 1."),
    (integer(""), True, "must be of type integer, got True"),
    (integer(""), 1.5, "must be of type integer, got 1.5"),
    (integer(""), -1, "must be at least 0, got -1"),
    (integer("", 0, 9), 10, "must be at most 9, got 10"),
    (number(""), "1", "must be of type number, got '1'"),
    (number("", exclusiveMinimum=0), 0, "must be above 0, got 0"),
    (text("", least=1), "", "text of 1 to 10000 characters, got ''"),
    (text("", most=2), "abc", "text of 0 to 2 characters, got 'abc'"),
    (items(integer(""), ""), [1, "a"], r"The body\[1\] must be of type integer"),
    (items(integer(""), "", most=1), [1, 2], "a list of at most 1 items"),
    (values_of(integer(""), ""), {"a": None}, r"The body\['a'\] must be of type integer, got None"),
    (values_of({}, "", most=1), {"a": 1, "b": 2}, "an object of at most 1 members"),
    ({"enum": ["a"]}, "b", "must be one of 'a', got 'b'"),
    ({"type": ["number", "array"]}, {}, "of type number or array"),
    (record(a=flag("")), {"b": 1}, "must have no 'b'. It may have: 'a'"),
    (record("a", a=flag("Whether.")), {}, r"must have 'a' \(Whether.\) Add it"),
    (record(a=record(b=flag(""))), {"a": {"b": 0}}, "The body.a.b must be of type boolean"),
]


@pytest.mark.parametrize(("schema", "value", "message"), WRONG)
def test_refuses(schema: dict[str, Any], value: Any, message: str) -> None:
    with pytest.raises(RefusedError, match=message) as caught:
        check(schema, value)
    assert caught.value.status == 422


def test_accepts() -> None:
    schema = record("a", a=integer("", 1, 3), b=items(text(""), ""), c=values_of(number(""), ""))
    check(schema, {"a": 3, "b": ["x"], "c": {"d": 1}})


def test_a_long_value_is_shortened_in_the_message() -> None:
    with pytest.raises(RefusedError) as caught:
        check(flag(""), "x" * 10_000)
    assert len(str(caught.value)) < 200


def words(schema: Any) -> set[str]:
    found = set(schema)
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            found |= words(schema[name])
    return found.union(*(words(s) for s in schema.get("properties", {}).values()))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_what_requests_are_checked_by_uses_known_words_only(route: Any) -> None:
    for schema in (route.body or {}, *route.query.values()):
        assert words(schema) <= KEYWORDS
