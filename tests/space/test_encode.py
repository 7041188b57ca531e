"""Encoding: exact both ways, for every kind of parameter and every range."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.errors import SpaceError
from luthier.space import (
    Beta,
    Categorical,
    Constant,
    Float,
    Int,
    Normal,
    Ordinal,
    Permutation,
    Space,
    sample,
    to_json_value,
)

CALM = settings(deadline=None, max_examples=150)


def same(a: object, b: object) -> bool:
    """Equality by type as well, with nan equal to itself."""
    return repr(to_json_value(a)) == repr(to_json_value(b))


@CALM
@given(data=st.data())
def test_decode_encode_decode_is_exact(any_param, data):
    param = data.draw(any_param)
    encoding = Space(p=param).encoding
    unit = st.one_of(st.floats(-0.1, 1.1), st.floats(0, 1e-12), st.floats(1 - 1e-12, 1))
    size = param.size if isinstance(param, Categorical) else 1
    row = [data.draw(unit) * size for _ in range(encoding.width)]
    [first] = encoding.decode([row])
    assert param.contains(first["p"])
    [again] = encoding.decode(encoding.encode([first]))
    assert same(again, first)
    assert same(Space(p=param).check(first), first)


@CALM
@given(data=st.data())
def test_every_countable_value_round_trips(any_param, data):
    param = data.draw(any_param)
    if param.size == math.inf:
        return
    k = data.draw(st.integers(0, int(param.size) - 1))
    value = param.value_at(k)
    encoding = Space(p=param).encoding
    X = encoding.encode([{"p": value}])
    assert not np.isnan(X).any()
    assert same(encoding.decode(X), [{"p": value}])
    assert param.index(value) == k


@CALM
@given(data=st.data())
def test_ends_round_trip(any_number, data):
    param = data.draw(any_number)
    encoding = Space(p=param).encoding
    for value in (param.low, param.high):
        assert encoding.decode(encoding.encode([{"p": value}])) == [{"p": value}]


@pytest.mark.parametrize(
    "param",
    [
        Int(-(2**61), -(2**61) + 1000),
        Int(0, 2**50 - 1),
        Int(1, 2**42, log=True),
        Int(2**60, 2**60 + 7, step=7),
        Int(2**40, 2**42, log=True),
        Float(0, 2**40, step=0.01),
        Float(1e-300, 1e-299, log=True),
        Float(1e9, 1e9 + 1e-3),
        Float(0.9, 0.9999, scale="reverse_log"),
        Float(1e-9, 1 - 1e-9, scale="logit"),
        Float(1e-3, 1, log=True, step=1e-3),
    ],
    ids=repr,
)
def test_wide_ranges_are_exact(param):
    encoding = Space(p=param).encoding
    rng = np.random.default_rng(0)
    first = encoding.decode(rng.random((2000, 1)))
    assert encoding.decode(encoding.encode(first)) == first
    if param.size < math.inf:
        picker = random.Random(0)
        places = [picker.randrange(param.size) for _ in range(500)] + [0, param.size - 1]
        drawn = [{"p": param.value_at(k)} for k in places]
        assert encoding.decode(encoding.encode(drawn)) == drawn


def test_columns_say_what_they_hold():
    space = Space(
        f=Float(0, 1),
        i=Int(1, 4),
        c=Categorical(["a", "b", "c"]),
        o=Ordinal([1, 2]),
        k=Constant(0),
        p=Permutation(["x", "y", "z"]),
    )
    kinds = [(c.name, c.kind, c.categories, c.size) for c in space.encoding.columns]
    assert kinds == [
        ("f", "continuous", 0, math.inf),
        ("i", "discrete", 0, 4),
        ("c", "categorical", 3, 3),
        ("o", "discrete", 0, 2),
        *[("p", "permutation", 0, 3)] * 3,
    ]
    assert space.encoding.width == 7


def test_bins_and_codes_are_where_they_should_be():
    space = Space(
        i=Int(1, 4),
        w=Int(16, 128, scale="power_of_two"),
        c=Categorical(["a", "b"]),
        o=Ordinal(["s", "m"]),
        p=Permutation(["x", "y"]),
    )
    X = space.encoding.encode([{"i": 2, "w": 32, "c": "b", "o": "s", "p": ("y", "x")}])
    assert X.tolist() == [[0.375, 0.375, 1.0, 0.25, 0.75, 0.25]]


def test_log_integers_get_their_share_of_the_scale():
    encoding = Space(n=Int(1, 100, log=True)).encoding
    U = (np.arange(20_000)[:, None] + 0.5) / 20_000
    counts = np.bincount([c["n"] for c in encoding.from_unit(U)], minlength=101)[1:]
    edges = np.log(np.arange(0.5, 101))
    expected = np.diff(edges) / (edges[-1] - edges[0]) * 20_000
    assert np.abs(counts - expected).max() <= 1.5


def test_inactive_and_missing_are_nan():
    space = Space(a=Categorical(["x", "y"]), b=Float(0, 1, when={"a": "x"}), c=Float(0, 1))
    X = space.encoding.encode([{"a": "y", "b": 0.5, "c": 0.25}, {"a": "x", "b": 0.5}, {}])
    assert np.array_equal(
        X,
        [[1, np.nan, 0.25], [0, 0.5, np.nan], [np.nan] * 3],
        equal_nan=True,
    )
    assert space.encoding.decode([[1.0, 0.5, 0.25]]) == [{"a": "y", "c": 0.25}]
    assert space.encoding.decode([[np.nan, 0.5, 0.25]]) == [{"c": 0.25}]


def test_values_that_do_not_fit_any_more_are_nan():
    space = Space(
        f=Float(0, 1, log=False), i=Int(1, 3), c=Categorical(["a"]), g=Float(1, 2, log=True)
    )
    X = space.encoding.encode([{"f": "sgd", "i": 9, "c": "b", "g": -1.0}])
    assert np.isnan(X).all()


def test_a_child_may_stand_before_its_parent():
    space = Space(child=Float(0, 1, when={"parent": True}), parent=Categorical([True, False]))
    assert space.encoding.decode([[0.5, 0.0], [0.5, 1.0]]) == [
        {"child": 0.5, "parent": True},
        {"parent": False},
    ]
    assert list(space.encoding.decode([[0.5, 0.0]])[0]) == ["child", "parent"]


def test_decoded_numbers_are_short_and_plain():
    encoding = Space(x=Float(0, 1), y=Float(1e-5, 1e-1, log=True)).encoding
    [config] = encoding.decode([[1 / 3, 1 / 3]])
    assert config == {"x": 0.333333333333, "y": 0.000215443469003}
    assert all(type(value) is float for value in config.values())
    [config] = Space(n=Int(1, 9)).encoding.decode([[0.5]])
    assert type(config["n"]) is int


def test_one_row_and_many_rows_agree():
    space = Space(x=Float(0, 1), y=Float(1e-5, 1, log=True), n=Int(1, 9), c=Categorical(["a", "b"]))
    U = np.random.default_rng(0).random((50, 4))
    together = space.encoding.from_unit(U)
    assert together == [space.encoding.from_unit(U[i : i + 1])[0] for i in range(50)]


def test_drawing_follows_weights_and_priors():
    space = Space(
        c=Categorical(["a", "b"], prior=[1, 3]),
        o=Ordinal([1, 2, 3], prior=[0, 1, 0]),
        x=Float(0, 1, prior=Normal(0.5, 0.1)),
        n=Int(0, 10, prior=Beta(5, 5)),
    )
    configs = sample(space, 4000, np.random.default_rng(0))
    assert 0.72 < np.mean([c["c"] == "b" for c in configs]) < 0.78
    assert {c["o"] for c in configs} == {2}
    assert abs(np.std([c["x"] for c in configs]) - 0.1) < 0.01
    assert abs(np.mean([c["n"] for c in configs]) - 5) < 0.2


def test_drawn_values_round_trip():
    space = Space(
        x=Float(0, 1, prior=Normal(0.5, 0.1)),
        y=Float(1e-5, 1, log=True, prior=Normal(0.1, 0.2)),
        w=Int(1, 64, scale="power_of_two", prior=Normal(20, 10)),
        s=Float(0, 1, step=0.1, prior=Beta(2, 2)),
    )
    configs = sample(space, 500, np.random.default_rng(0))
    assert space.encoding.decode(space.encoding.encode(configs)) == configs
    assert {2, 4, 8, 16, 32, 64} <= {c["w"] for c in configs}


def test_choices_that_could_be_changed_are_copies():
    space = Space(c=Categorical([{"layers": [1, 2]}]))
    space.encoding.decode([[0.0]])[0]["c"]["layers"].append(3)
    assert space.encoding.decode([[0.0]]) == [{"c": {"layers": [1, 2]}}]


@pytest.mark.parametrize("X", [[0.5, 0.5], [[0.5]], [[[0.5, 0.5]]]])
def test_arrays_of_another_shape_are_refused(X):
    encoding = Space(x=Float(0, 1), y=Float(0, 1)).encoding
    for read in (encoding.decode, encoding.from_unit):
        with pytest.raises(SpaceError, match=r"must have shape \(n, 2\), got"):
            read(X)


def test_empty_space_and_no_rows():
    assert Space().encoding.from_unit(np.empty((2, 0))) == [{}, {}]
    assert Space(x=Float(0, 1)).encoding.encode([]).shape == (0, 1)
