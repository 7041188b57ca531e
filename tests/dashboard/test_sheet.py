"""The table's columns find what a plain loop over all trials finds, also after changes."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.core.trial import FrozenTrial, TrialState, changed
from luthier.dashboard.sheet import Sheet

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(-5, 5),
    st.sampled_from(["a", "B", "b", "", "10", "é", math.inf, math.nan, 10**400, (1, 2)]),
)


@st.composite
def trials(draw: Any, version: int = 1, number: int = 0) -> FrozenTrial:
    names = draw(st.sampled_from([(), ("x",), ("x", "y"), ("y",)]))
    metrics = draw(st.sampled_from([(), (1.0,), (math.nan,), (-2.0,)]))
    return FrozenTrial(
        number=number,
        state=draw(st.sampled_from(list(TrialState))),
        param_names=names,
        param_values=tuple(draw(VALUES) for _ in names),
        metric_names=("value",) * len(metrics),
        metric_values=metrics,
        cost=draw(st.sampled_from([None, 1.0, 2.0])),
        error=draw(st.sampled_from([None, "ValueError: Out"])),
        invalid=draw(st.sampled_from([None, "wrong"])),
        user_attrs=draw(st.sampled_from([{}, {"tags": ["good"]}, {"note": "see Adam"}])),
        version=version,
    )


LISTS = st.lists(trials(), max_size=12).map(
    lambda found: [changed(t, number=n, version=n + 1) for n, t in enumerate(found)]
)


def rank(value: Any) -> tuple[int, float, str, str]:
    """Numbers, then texts; None stands for what is missing."""
    if isinstance(value, float) and math.isnan(value):
        return (2, 0.0, "", "")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (0, float(min(value, 10**308)) if value < 10**308 else math.inf, "", "")
    return (1, 0.0, str(value).casefold(), str(value))


@given(LISTS, st.booleans(), st.data())
def test_sorting(found: list[FrozenTrial], descending: bool, data: st.DataObject) -> None:
    sheet = Sheet()
    sheet.find(found, {"sort": "cost"})
    if found:  # a trial changes after columns were made
        place = data.draw(st.integers(0, len(found) - 1))
        found[place] = data.draw(trials(version=100, number=place))
    order = sheet.find(found, {"sort": "cost", "descending": descending})
    known = [t for t in found if t.cost is not None]
    expected = sorted(known, key=lambda t: (t.cost, t.number), reverse=descending)
    assert order[: len(known)] == [t.number for t in expected]
    assert sorted(order) == list(range(len(found)))


@given(LISTS, st.booleans())
def test_sorting_by_a_parameter_of_many_kinds(found: list[FrozenTrial], descending: bool) -> None:
    order = Sheet().find(found, {"sort": "param:x", "descending": descending})
    ranks = [rank(found[n].params["x"]) if "x" in found[n].params else (2,) for n in order]
    known = [r for r in ranks if r[0] != 2]
    assert ranks[: len(known)] == known  # what is missing comes last
    numbers = [r[1] for r in known if r[0] == 0]
    assert numbers == sorted(numbers, reverse=descending)


@given(LISTS, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.integers(-3, 3))
def test_comparing_numbers(found: list[FrozenTrial], op: str, value: int) -> None:
    query = {"where": [{"key": "param:x", "op": op, "value": value}]}
    tests = {
        "=": lambda x: x == value,
        "!=": lambda x: x != value,
        "<": lambda x: x < value,
        "<=": lambda x: x <= value,
        ">": lambda x: x > value,
        ">=": lambda x: x >= value,
    }
    expected = [
        t.number
        for t in found
        if type(x := t.params.get("x")) in (int, float) and x == x and tests[op](x)
    ]
    assert Sheet().find(found, query) == expected


@given(LISTS)
def test_filters(found: list[FrozenTrial]) -> None:
    sheet = Sheet()

    def numbers(keep: Any) -> list[int]:
        return [t.number for t in found if keep(t)]

    states = {"states": ["COMPLETE", "FAILED"]}
    assert sheet.find(found, states) == numbers(lambda t: t.state.name in ("COMPLETE", "FAILED"))
    assert sheet.find(found, {"invalid": True}) == numbers(lambda t: t.invalid)
    assert sheet.find(found, {"invalid": False}) == numbers(lambda t: not t.invalid)
    assert sheet.find(found, {"tags": ["good"]}) == numbers(lambda t: "tags" in t.user_attrs)
    assert sheet.find(found, {"text": "ADAM"}) == numbers(lambda t: "note" in t.user_attrs)
    assert sheet.find(found, {"text": "out"}) == numbers(lambda t: t.error)
    assert sheet.find(found, {"numbers": [0, 2, 99]}) == numbers(lambda t: t.number in (0, 2))
    both = {"invalid": True, "text": "out"}
    assert sheet.find(found, both) == numbers(lambda t: t.invalid and t.error)


@pytest.mark.parametrize("value", [True, None, "b"])
def test_texts_compare_by_being_the_same(value: Any) -> None:
    found = [
        FrozenTrial(number=n, param_names=("x",), param_values=(v,), version=n + 1)
        for n, v in enumerate([True, None, "b", 1, "c"])
    ]
    query = {"where": [{"key": "param:x", "op": "=", "value": value}]}
    assert [found[n].param_values[0] for n in Sheet().find(found, query)] == [value]
    query["where"][0]["op"] = "!="
    assert len(Sheet().find(found, query)) == 4
