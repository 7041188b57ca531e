"""Enumeration against brute force, and counting."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.errors import SpaceError
from luthier.space import Categorical, Constant, Float, Int, Permutation, Space


def brute_force(space: Space) -> list[dict]:
    """All products of all values, reduced to what is active, filtered, without duplicates."""
    found = {}
    for values in itertools.product(*(param.grid(2) for param in space.values())):
        config = dict(zip(space, values, strict=True))
        config = {name: config[name] for name in space.active(config)}
        if space.allows(config):
            found[space.key(config)] = config
    return list(found.values())


@given(data=st.data())
def test_enumeration_is_brute_force_without_the_waste(finite_space, data):
    space = data.draw(finite_space)
    expected = brute_force(space)
    found = list(space.enumerate())
    assert len(found) == len(expected) == space.cardinality
    assert {space.key(c) for c in found} == {space.key(c) for c in expected}
    for config in found:
        assert space.check(config) == config
        assert list(config) == [name for name in space if name in config]


def test_order_is_that_of_nested_loops():
    space = Space(a=Int(1, 2), b=Categorical(["x", "y"]), k=Constant(0))
    assert [(c["a"], c["b"]) for c in space.enumerate()] == [
        (1, "x"),
        (1, "y"),
        (2, "x"),
        (2, "y"),
    ]


def test_forbidden_branches_are_not_entered():
    names = [f"p{i}" for i in range(40)]
    space = Space({name: Int(0, 1) for name in names})
    for first, second in itertools.pairwise(names):
        space = space.require(f"{first} == {second}")
    assert [set(config.values()) for config in space.enumerate()] == [{0}, {1}]
    assert space.cardinality == 2


def test_continuous_parameters_need_points():
    space = Space(n=Int(1, 2), x=Float(0, 1))
    assert len(list(space.enumerate(points=3))) == 6
    with pytest.raises(SpaceError, match="Float 'x' is continuous, so that points must be given"):
        next(space.enumerate())
    with pytest.raises(SpaceError, match="points must be an int of at least 1, got 0"):
        next(space.enumerate(points=0))


def test_huge_spaces_are_walked_lazily():
    space = Space(a=Int(0, 10**9), b=Permutation(range(20)))
    assert next(space.enumerate())["a"] == 0


def test_cardinality():
    assert Space().cardinality == 1
    assert Space(k=Constant(1)).cardinality == 1
    assert Space(a=Int(1, 10**9), b=Int(1, 10**9)).cardinality == 10**18
    assert Space(x=Float(0, 1)).cardinality is None
    assert Space(x=Float(0, 1, step=0.1), c=Categorical([1, 2])).cardinality == 22
    assert Space(a=Int(0, 1), b=Int(0, 9, when={"a": 1})).cardinality == 11
    assert Space(a=Int(1, 400), b=Int(1, 400)).require("a <= b").cardinality == 80200
    assert Space(a=Int(1, 400), b=Int(1, 400)).require("a + b > 2").cardinality is None
    assert Space(a=Int(1, 3)).forbid({"a": [1, 2, 3]}).cardinality == 0


def test_counting_gives_up_where_nearly_nothing_is_allowed():
    space = Space({f"p{i}": Int(1, 1000) for i in range(3)}).require("p0 + p1 + p2 < 3")
    assert space.cardinality is None


def test_empty_space_has_one_configuration():
    assert list(Space().enumerate()) == [{}]


def test_every_configuration_if_they_are_few_and_easily_found() -> None:
    space = Space(a=Int(1, 3), b=Int(1, 3, when={"a": [1]})).forbid({"a": 1, "b": 2})
    assert space.every(4) == list(space.enumerate())
    assert space.every(3) is None
    assert Space(x=Float(0, 1)).every(10) is None
    rare = Space({f"i{k}": Int(0, 9) for k in range(12)}).require("i0 * i11 >= 81")
    assert rare.every(10) is None  # after a few hundred looks, not after a million millions
