"""Sampling: random, allowed, without repetition where asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.errors import ArgumentError, InfeasibleSpaceError
from luthier.space import Categorical, Constant, Float, Int, Space, sample


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(data=st.data())
def test_samples_are_valid(finite_space, data):
    space = data.draw(finite_space)
    if space.cardinality == 0:
        with pytest.raises(InfeasibleSpaceError):
            sample(space, 1, rng())
        return
    configs = sample(space, 20, rng(data.draw(st.integers(0, 9))))
    assert len(configs) == 20
    for config in configs:
        assert space.check(config) == config


@given(data=st.data())
def test_exclusion_exhausts_a_finite_space(finite_space, data):
    space = data.draw(finite_space)
    if not space.cardinality:
        return
    half = space.cardinality // 2
    first = sample(space, half, rng(), exclude=set())
    keys = {space.key(config) for config in first}
    assert len(keys) == half
    rest = sample(space, space.cardinality + 5, rng(1), exclude=keys)
    assert len(rest) == space.cardinality - half
    assert keys.isdisjoint({space.key(config) for config in rest})
    everything = keys | {space.key(config) for config in rest}
    assert sample(space, 1, rng(), exclude=everything) == []


def test_the_same_generator_gives_the_same_configurations():
    space = Space(x=Float(0, 1), y=Float(0, 1)).require("x < y")
    assert sample(space, 5, rng(3)) == sample(space, 5, rng(3))
    assert sample(space, 5, rng(3)) != sample(space, 5, rng(4))


def test_rejection_keeps_the_distribution():
    space = Space(x=Float(0, 1), y=Float(0, 1)).require("x + y <= 1")
    x = np.array([config["x"] for config in sample(space, 4000, rng())])
    assert abs(x.mean() - 1 / 3) < 0.02  # the triangle's centre


def test_rare_configurations_of_a_finite_space_are_found():
    space = Space({f"p{i}": Int(0, 1) for i in range(16)}).require(
        " and ".join(f"p{i} == 1" for i in range(16))
    )
    assert sample(space, 2, rng()) == [{f"p{i}": 1 for i in range(16)}] * 2


@pytest.mark.parametrize(
    "space",
    [
        Space(x=Float(0, 1)).require("x > 2"),
        Space(a=Int(1, 3)).forbid({"a": [1, 2, 3]}).require("a > 0"),
        Space(c=Categorical(["u"])).forbid({"c": "u"}),
        Space(k=Constant(1), x=Float(0, 1)).require("k == 2"),
    ],
)
def test_infeasible_spaces_say_which_relation(space):
    with pytest.raises(
        InfeasibleSpaceError, match=r"Rejected by (require|forbid) .* times\. Loosen"
    ):
        sample(space, 1, rng())


def test_exhaustion_is_not_infeasibility():
    space = Space(a=Int(1, 2))
    assert len(sample(space, 10, rng(), exclude=set())) == 2


@pytest.mark.parametrize("n", [-1, 2.0, None])
def test_bad_number(n):
    with pytest.raises(ArgumentError, match="sample: n must be an int of at least 0, got n="):
        sample(Space(), n, rng())


def test_empty_space():
    assert sample(Space(), 2, rng()) == [{}, {}]
    assert sample(Space(), 2, rng(), exclude=set()) == [{}]
    assert sample(Space(x=Float(0, 1)), 0, rng()) == []
