"""Conditions as users write them, and predicates on every kind of parent."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import pytest

from luthier.errors import SpaceError
from luthier.space import (
    AtLeast,
    AtMost,
    Between,
    Categorical,
    Condition,
    Constant,
    Float,
    Int,
    Not,
    OneOf,
    Ordinal,
    Permutation,
    Space,
)
from luthier.space.conditions import clause_of, predicate_from_json

CHILD = Float(0, 1)

PARENTS = {
    "int": Int(1, 5),
    "wide": Int(0, 10**6),
    "float": Float(0, 1),
    "cat": Categorical(["a", 1, True, (1, 2), None]),
    "ord": Ordinal(["low", "mid", "high"]),
    "sizes": Ordinal([16, 64, 256]),
    "perm": Permutation(["x", "y"]),
    "const": Constant("k"),
}

HOLDS = [
    ("int", 3, {3}, {1, 2, 4}),
    ("int", 3.0, {3}, {1}),
    ("int", [1, 5], {1, 5}, {2, 3}),
    ("int", (1, 5), {1, 5}, {2}),
    ("int", {1, 5}, {1, 5}, {2}),
    ("int", AtLeast(3), {3, 4, 5}, {1, 2}),
    ("int", AtLeast(2.5), {3}, {2}),
    ("int", AtMost(2), {1, 2}, {3}),
    ("int", Between(2, 4), {2, 3, 4}, {1, 5}),
    ("int", Not(3), {1, 2}, {3}),
    ("int", Not(AtLeast(3)), {1, 2}, {3}),
    ("wide", Between(7, 7), {7}, {6, 8}),
    ("wide", OneOf(12345), {12345}, {0}),
    ("float", AtLeast(0.5), {0.5, 0.7}, {0.4}),
    ("float", Between(0.2001, 0.2002), {0.20015}, {0.3}),
    ("cat", "a", {"a"}, {1, None, (1, 2)}),
    ("cat", 1, {1}, {"a", True}),
    ("cat", True, {True}, {1}),
    ("cat", None, {None}, {"a"}),
    ("cat", (1, 2), {(1, 2)}, {1}),
    ("cat", [1, 2], {(1, 2)}, {1}),
    ("cat", ["a", None], {"a", None}, {1}),
    ("cat", AtLeast(1), {1}, {"a", True, None}),
    ("ord", "mid", {"mid"}, {"low", "high"}),
    ("ord", AtLeast("mid"), {"mid", "high"}, {"low"}),
    ("ord", Not(AtLeast("mid")), {"low"}, {"mid"}),
    ("ord", Between("low", "mid"), {"low", "mid"}, {"high"}),
    ("sizes", AtLeast(64), {64, 256}, {16}),
    ("sizes", AtLeast(20), {64, 256}, {16}),
    ("sizes", AtMost(100), {16, 64}, {256}),
    ("perm", ("y", "x"), {("y", "x")}, {("x", "y")}),
    ("const", "k", {"k"}, set()),
]


@pytest.mark.parametrize(("parent", "condition", "yes", "no"), HOLDS)
def test_when(parent, condition, yes, no):
    space = Space({parent: PARENTS[parent], "child": CHILD.with_when({parent: condition})})
    for value in yes:
        assert space.active({parent: value}) == (parent, "child")
    for value in no:
        assert space.active({parent: value}) == (parent,)
    assert Space.from_json(space.to_json()) == space


IMPOSSIBLE = [
    ("int", 9, "a value must be an integer from 1 to 5, got 9"),
    ("int", AtLeast(6), "must be able to meet its condition"),
    ("int", Between(2.2, 2.8), "must be able to meet its condition"),
    ("int", "a", "got 'a'"),
    ("int", [], r"got \[\]"),
    ("int", AtLeast("a"), "must be compared with a number, got 'a'"),
    ("wide", AtLeast(10**7), "must be able to meet its condition"),
    ("float", AtMost(-1), "must be able to meet its condition"),
    ("cat", "b", "must be one of 'a', 1"),
    ("cat", ["a", "b"], "must be one of 'a', 1"),
    ("ord", AtLeast("huge"), "must be one of 'low'"),
    ("ord", OneOf("mid", "huge"), "must be one of 'low'"),
    ("perm", AtLeast(1), "must have an order to be compared"),
    ("const", "j", "a value must be 'k', got 'j'"),
    ("nobody", 1, "every name must be a parameter of the space, got 'nobody'"),
]


@pytest.mark.parametrize(("parent", "condition", "message"), IMPOSSIBLE)
def test_conditions_that_cannot_be_met(parent, condition, message):
    params = {k: v for k, v in PARENTS.items() if k == parent}
    with pytest.raises(SpaceError, match=message) as caught:
        Space({**params, "child": CHILD.with_when({parent: condition})})
    assert str(caught.value).startswith("when of 'child': ")


def test_several_keys_are_and_a_list_is_or():
    space = Space(
        a=Int(0, 1),
        b=Int(0, 1),
        both=CHILD.with_when({"a": 1, "b": 1}),
        either=CHILD.with_when([{"a": 1}, {"b": 1}]),
    )
    active = {(a, b): space.active({"a": a, "b": b})[2:] for a in (0, 1) for b in (0, 1)}
    assert active == {
        (0, 0): (),
        (0, 1): ("either",),
        (1, 0): ("either",),
        (1, 1): ("both", "either"),
    }


def test_an_inactive_parent_makes_conditions_false():
    space = Space(
        a=Int(0, 1),
        b=Int(0, 1, when={"a": 1}),
        c=CHILD.with_when({"b": Not(1)}),
        d=CHILD.with_when([{"b": 0}, {"a": 0}]),
    )
    assert space.active({"a": 0, "b": 0}) == ("a", "d")
    assert space.active({"a": 1, "b": 0}) == ("a", "b", "c", "d")
    assert space.active({"a": 1}) == ("a", "b")


def test_cycles():
    with pytest.raises(SpaceError, match="must not form a cycle, got a -> c -> b -> a"):
        Space(a=Int(0, 1, when={"c": 1}), b=Int(0, 1, when={"a": 1}), c=Int(0, 1, when={"b": 1}))
    with pytest.raises(SpaceError, match="cycle, got a -> a"):
        Space(a=Int(0, 1, when={"a": 1}))


@pytest.mark.parametrize("when", ["sgd", 3, [], {}, [{}], [3], {1: 2}])
def test_bad_when(when):
    with pytest.raises(SpaceError, match=r"when must be .*got .*Example"):
        Condition.of(when)


@pytest.mark.parametrize("bound", [None, math.nan, [1], {}])
def test_bad_bounds(bound):
    for make in (AtLeast, AtMost, lambda b: Between(0, b)):
        with pytest.raises(SpaceError, match="a bound must be a number or an ordinal value, got"):
            make(bound)


def test_bad_one_of():
    with pytest.raises(SpaceError, match="OneOf: at least one value is needed"):
        OneOf()
    with pytest.raises(SpaceError, match="A value must be a JSON value"):
        OneOf(object())


def test_bad_json():
    with pytest.raises(SpaceError, match="A predicate must be one of is, one_of"):
        predicate_from_json({"like": 1})


def test_predicates_are_values():
    pairs = [
        (OneOf(1, "a"), OneOf(1, "a")),
        (AtLeast(2), AtLeast(2)),
        (Not(3), Not(3)),
        (Between(1, 2), Between(1, 2)),
        (clause_of({"a": {2, 1}}, "x"), clause_of({"a": {1, 2}}, "x")),
    ]
    for a, b in pairs:
        assert a == b
        assert hash(a) == hash(b)
    assert OneOf(1) != OneOf(True)
    assert Condition.of({"a": 1}) != Condition.of({"a": True})


@pytest.mark.parametrize(
    "text",
    [
        "{'a': 1, 'b': AtLeast(2)}",
        "[{'a': ['x', 'y']}, {'b': Not(Between(1, 3))}]",
        "{'a': OneOf(1, 'a')}",
        "{'a': Not('x')}",
    ],
)
def test_conditions_are_shown_as_they_are_written(text):
    condition = Condition.of(eval(text))  # noqa: S307
    assert repr(condition) == text
    assert repr(Float(0, 1, when=condition)) == f"Float(0.0, 1.0, when={text})"


def test_sets_have_the_same_order_in_every_process():
    code = (
        "from luthier.space import *; "
        "s = Space(a=Categorical(['x','y','z']), b=Int(0, 1, when={'a': {'z','x','y'}})); "
        "print(s.fingerprint)"
    )
    prints = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(prints) == 1


def test_json_of_conditions():
    condition = Condition.of([{"a": Not(AtLeast(2))}, {"b": [1, (2, 3)], "c": Between(0, 1)}])
    assert Condition.from_json(json.loads(json.dumps(condition.to_json()))) == condition
