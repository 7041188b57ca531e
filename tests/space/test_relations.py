"""Relations: forbidden combinations, required expressions and functions."""

from __future__ import annotations

import pytest

from luthier.errors import ParamValueError, SpaceError
from luthier.space import AtLeast, Categorical, Float, Int, Not, Space
from luthier.space.relations import relation_from_json

SPACE = Space(a=Int(1, 3), b=Int(1, 3), c=Categorical(["u", "v"]), d=Int(0, 9, when={"c": "u"}))


def ordered(config):
    return config["a"] <= config["b"]


def test_forbid():
    space = SPACE.forbid({"a": 1, "b": AtLeast(2)}).forbid({"c": Not("u")})
    assert not space.allows({"a": 1, "b": 3})
    assert space.allows({"a": 1, "b": 1})
    assert space.allows({"a": 1})
    assert not space.allows({"c": "v"})
    assert SPACE.allows({"a": 1, "b": 3}), "the old space stays as it was"


def test_require():
    space = SPACE.require("a + b <= 4")
    assert space.allows({"a": 1, "b": 3})
    assert not space.allows({"a": 2, "b": 3})
    assert space.allows({"b": 3}), "applies only where all its names are active"


def test_relations_apply_only_to_active_parameters():
    space = SPACE.forbid({"d": 5}).require("d < 8")
    assert not space.allows({"c": "u", "d": 5})
    assert space.allows({"c": "v", "d": 5}), "d is inactive there"
    with pytest.raises(ParamValueError, match=r"breaks: require 'd < 8'. Change one of its values"):
        space.check({"a": 1, "b": 1, "c": "u", "d": 9})


def test_functions_get_the_active_values():
    seen = []
    space = SPACE.require(lambda config: seen.append(config) or True, name="spy")
    space.check({"a": 1, "b": 2, "c": "v"})
    assert seen == [{"a": 1, "b": 2, "c": "v"}]
    assert not SPACE.require(ordered).allows({"a": 3, "b": 1})


def test_json_round_trip():
    space = SPACE.forbid({"a": [1, 2]}).require("a <= b").require(ordered)
    again = Space.from_json(space.to_json(), requirements={"ordered": ordered})
    assert again == space
    assert again.fingerprint == space.fingerprint
    assert not again.allows({"a": 3, "b": 1})
    assert space != SPACE


def test_a_missing_function_is_an_error_when_it_is_needed():
    space = Space.from_json(SPACE.require(ordered).to_json())
    assert len(space) == 4
    with pytest.raises(SpaceError, match=r"the function 'ordered' isn't known"):
        space.allows({"a": 1, "b": 1})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.forbid({"aa": 1}), "forbid: every name must be .* got 'aa'"),
        (lambda s: s.forbid({"a": 7}), "forbid: Int 'a': a value must be an integer from 1 to 3"),
        (lambda s: s.forbid({}), "forbid must be a non-empty dict"),
        (lambda s: s.forbid("a"), "forbid must be a non-empty dict"),
        (lambda s: s.require("a + z < 1"), "every name must be a parameter of the space, got 'z'"),
        (lambda s: s.require("a +"), "must be an expression"),
        (lambda s: s.require(lambda c: True), "a function with a name of its own"),
        (lambda s: s.require(3, name="x"), "relation must be an expression, or a function"),
        (lambda s: s.require(ordered).require(ordered), "'ordered', which is taken"),
        (lambda s: s.require("a < b").without("b"), "every name must be a parameter"),
        (lambda s: s.without("c"), "when of 'd': every name must be a parameter"),
        (lambda s: s.with_params(c=Categorical(["v"])), "when of 'd': Categorical 'c'"),
        (lambda s: relation_from_json({"maybe": 1}, {}), "A relation must be one of forbid"),
    ],
)
def test_bad_relations(change, message):
    with pytest.raises(SpaceError, match=message):
        change(SPACE)


def test_expressions_see_floats_ints_and_names():
    space = Space(x=Float(0, 1), c=Categorical({"f": print, "g": len})).require(
        "c == 'f' or x > 0.5"
    )
    assert space.allows({"x": 0.1, "c": "f"})
    assert not space.allows({"x": 0.1, "c": "g"})
