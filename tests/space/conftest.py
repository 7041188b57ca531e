"""Strategies that draw parameters and spaces, shared by the tests of the space layer."""

from __future__ import annotations

import string

import hypothesis.strategies as st
import pytest
from hypothesis.strategies import DrawFn, SearchStrategy

from luthier.errors import SpaceError
from luthier.space import (
    AtLeast,
    Categorical,
    Constant,
    Float,
    Int,
    Ordinal,
    Param,
    Permutation,
    Space,
)

NUMBERS = st.one_of(
    st.floats(-1e6, 1e6),
    st.floats(-1e290, 1e290, allow_subnormal=False),
    st.sampled_from([1e-300, 1e-290, 1e9, 1e9 + 1e-3, 1e9 + 1e-6, -1e9, 1 / 3, 0.1, 1e300]),
)
POSITIVE = st.one_of(
    st.floats(1e-300, 1e300),
    st.floats(1e-8, 1e4),
    st.sampled_from([1e-300, 1e-5, 1e-5 / 3, 1.0, 1 + 1e-12, 1e9, 1e9 + 1e-3, 1e300]),
)
SHARES = st.one_of(
    st.floats(1e-12, 1 - 1e-12), st.sampled_from([0.1, 0.5, 0.9, 0.999, 1 - 1e-9, 1e-9])
)
JSON_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 5),
        st.floats(),
        st.text(string.ascii_letters + "$é", max_size=3),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.tuples(inner, inner),
        st.dictionaries(st.text("ab$", max_size=2), inner, max_size=2),
    ),
    max_leaves=4,
)


@st.composite
def floats(draw: DrawFn) -> Float:
    scale = draw(st.sampled_from(["linear", "log", "reverse_log", "logit"]))
    ends = {
        "linear": NUMBERS,
        "log": POSITIVE,
        "logit": SHARES,
        "reverse_log": st.one_of(SHARES, st.floats(-1e6, 0.9)),
    }[scale]
    low, high = sorted((draw(ends), draw(ends)))
    step = draw(st.one_of(st.none(), st.integers(1, 50).map(lambda n: (high - low) / n)))
    return built(lambda: Float(low, high, scale=scale, step=step))


@st.composite
def ints(draw: DrawFn) -> Int:
    scale = draw(st.sampled_from(["linear", "log", "power_of_two"]))
    if scale == "power_of_two":
        low, high = sorted(draw(st.tuples(st.integers(0, 62), st.integers(0, 62))))
        return built(lambda: Int(2**low, 2**high, scale=scale))
    start = draw(st.one_of(st.integers(-20, 20), st.integers(-(2**60), 2**60)))
    low = abs(start) + 1 if scale == "log" else start
    span = draw(st.one_of(st.integers(1, 40), st.integers(1, 2**50)))
    step = draw(st.one_of(st.just(1), st.integers(1, span)))
    return built(lambda: Int(low, low + span, scale=scale, step=step))


def built(make):  # type: ignore[no-untyped-def]
    """Build a parameter, or drop the example if its range is refused."""
    from hypothesis import reject

    try:
        return make()
    except SpaceError:
        reject()


def values(min_size: int = 1, max_size: int = 5) -> SearchStrategy[list[object]]:
    return st.lists(JSON_VALUES, min_size=min_size, max_size=max_size)


@st.composite
def chosen(draw: DrawFn) -> Param:
    kind = draw(st.sampled_from([Categorical, Ordinal, Permutation]))
    return built(lambda: kind(draw(values(2, 5))))


def params() -> SearchStrategy[Param]:
    return st.one_of(floats(), ints(), chosen(), JSON_VALUES.map(Constant))


@st.composite
def small_params(draw: DrawFn) -> Param:
    """Finite parameters of at most six values."""
    kind = draw(st.sampled_from(["int", "cat", "ord", "perm", "const", "log", "step"]))
    n = draw(st.integers(2, 4))
    return {
        "int": Int(1, n),
        "cat": Categorical([f"c{i}" for i in range(n)]),
        "ord": Ordinal(list(range(n))),
        "perm": Permutation(["p", "q", "r"][: min(n, 3)]),
        "const": Constant("k"),
        "log": Int(1, n, log=True),
        "step": Float(0, n / 10, step=0.1),
    }[kind]


@st.composite
def conditional_spaces(draw: DrawFn) -> Space:
    """Finite spaces of up to five parameters with conditions and forbidden combinations."""
    built: dict[str, Param] = {}
    for i in range(draw(st.integers(1, 5))):
        param = draw(small_params())
        parents = list(built)
        if parents and draw(st.booleans()):
            parent = draw(st.sampled_from(parents))
            value = draw(st.sampled_from(built[parent].grid(1)))
            numeric = type(value) is int
            param = param.with_when({parent: AtLeast(value) if numeric else value})
        built[f"p{i}"] = param
    space = Space(built)
    for _ in range(draw(st.integers(0, 2))):
        names = draw(st.lists(st.sampled_from(list(built)), min_size=1, max_size=2, unique=True))
        space = space.forbid({n: draw(st.sampled_from(built[n].grid(1))) for n in names})
    return space


@pytest.fixture(scope="session")
def any_param() -> SearchStrategy[Param]:
    return params()


@pytest.fixture(scope="session")
def any_number() -> SearchStrategy[Param]:
    return st.one_of(floats(), ints())


@pytest.fixture(scope="session")
def any_value() -> SearchStrategy[object]:
    return JSON_VALUES


@pytest.fixture(scope="session")
def finite_space() -> SearchStrategy[Space]:
    return conditional_spaces()
