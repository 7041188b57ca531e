"""Parameters: what they accept, refuse, and say about it."""

from __future__ import annotations

import copy
import itertools
import json
import math
import pickle
from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.errors import ParamValueError, SpaceError
from luthier.space import (
    AtLeast,
    Beta,
    Categorical,
    Constant,
    Float,
    Int,
    Normal,
    Ordinal,
    Permutation,
    param_from_json,
    same_domain,
)

INF, NAN = math.inf, math.nan

INVALID: list[tuple[Any, tuple[Any, ...], dict[str, Any], str]] = [
    (
        Float,
        (0.1, 0.1),
        {},
        r"^Float: low must be below high, got low=0\.1, high=0\.1\. "
        r"For a fixed value use Constant\(0\.1\)\.$",
    ),
    (Float, (1, 0), {}, r"low must be below high, got low=1\.0, high=0\.0\. Swap them"),
    (Float, (NAN, 1), {}, "low must be a finite number"),
    (Float, (0, INF), {}, "high must be a finite number"),
    (Float, ("0", 1), {}, "low must be a finite number .* got low='0'"),
    (Float, (False, 1), {}, "low must be a finite number .* got low=False"),
    (Float, (0, 10**400), {}, "high must be a finite number"),
    (Float, (0, 1), {"log": True}, r"scale 'log' needs low > 0, got low=0\.0"),
    (Float, (-1, 1), {"scale": "logit"}, "scale 'logit' needs 0 < low and high < 1"),
    (Float, (0.5, 1), {"scale": "reverse_log"}, "scale 'reverse_log' needs high < 1"),
    (
        Float,
        (0, 1),
        {"scale": "cubic"},
        "scale must be one of 'linear', 'log', .* got scale='cubic'",
    ),
    (
        Float,
        (1, 2),
        {"scale": "logit", "log": True},
        "log=True means scale='log', got log=True and scale='logit'",
    ),
    (Float, (1, 2), {"scale": "linear", "log": True}, "log=True means scale='log'"),
    (Float, (0, 1), {"step": 0}, "step must be above 0 and at most high - low, got step=0"),
    (Float, (0, 1), {"step": 1e-300}, "values must be far enough apart to be told apart"),
    (Float, (1e-9, 1e300), {"step": 1e-9, "log": True}, "values must be far enough apart"),
    (Float, (0, 1), {"step": 2}, "step must be above 0 and at most high - low, got step=2"),
    (Float, (0, 1), {"step": NAN}, "step must be a finite number"),
    (Float, (0, 1), {"step": 1e-16}, "values must be far enough apart"),
    (Float, (1e9, 1e9 + 1), {"step": 1e-7}, "values must be far enough apart"),
    (Float, (1, 3), {"scale": "power_of_two"}, r"needs powers of two, got high=3\.0"),
    (Float, (1, 4), {"scale": "power_of_two", "step": 1}, "has its own steps, got another step"),
    (Float, (0, 1e-300), {}, "needs a wider range to tell values apart"),
    (Float, (1e9, 1e9 + 1e-6), {"log": True}, "needs a wider range to tell values apart"),
    (Float, (0, 1), {"default": 2}, r"default must be a number from 0\.0 to 1\.0, got default=2"),
    (Float, (0, 1), {"prior": "normal"}, "prior must be Normal, LogNormal, Beta or a frozen scipy"),
    (Float, (0, 1), {"prior": Normal(50, 0.1)}, "prior must have probability between"),
    (Float, (0, 1), {"when": "sgd"}, "when must be a dict"),
    (Float, (0, 1), {"when": {}}, "when must be a non-empty dict"),
    (
        Int,
        (3, 3),
        {},
        r"^Int: low must be below high, got low=3, high=3\. For a fixed value use Constant\(3\)\.$",
    ),
    (Int, (0.5, 3), {}, r"low must be an integer, got low=0\.5\. Use Float for fractions"),
    (Int, (0, 10**400), {}, "high must fit into 64 bits"),
    (Int, (0, 3), {"log": True}, "scale 'log' needs low > 0"),
    (Int, (1, 3), {"scale": "logit"}, "scale must be one of 'linear', 'log', 'power_of_two'"),
    (Int, (0, 3), {"step": 0}, "step must be above 0"),
    (Int, (0, 3), {"step": 4}, "step must be above 0 and at most high - low, got step=4"),
    (Int, (0, 3), {"step": 0.5}, "step must be an integer"),
    (Int, (0, 2**60), {}, r"values must be far enough apart .*at most 2\*\*50"),
    (Int, (1, 2**60), {"log": True}, r"values must be far enough apart .*at most 2\*\*42"),
    (
        Int,
        (16, 100),
        {"scale": "power_of_two"},
        "needs powers of two, got high=100. The nearest one is 128",
    ),
    (Int, (16, 64), {"scale": "power_of_two", "step": 2}, "has its own steps, got another step"),
    (Int, (1, 9), {"default": 2.5}, r"default must be an integer from 1 to 9, got default=2\.5"),
    (Categorical, ([],), {}, "choices must not be empty"),
    (Categorical, ("abc",), {}, "choices must be a list of values, got 'abc'"),
    (Categorical, (7,), {}, "choices must be a list of values, got 7"),
    (Categorical, ([1, 1],), {}, "choices must differ from each other, got 1 twice"),
    (Categorical, ([NAN, NAN],), {}, "choices must differ"),
    (
        Categorical,
        ([math.sqrt],),
        {},
        "must be JSON values, tuples or None, got .* Give objects a name",
    ),
    (Categorical, ([{1: 2}],), {}, "must be JSON values"),
    (Categorical, ({"": 1},), {}, "the names of choices must be non-empty strings"),
    (Categorical, ({1: 1},), {}, "the names of choices must be non-empty strings"),
    (Categorical, (["a"],), {"default": "b"}, "default must be one of 'a', got default='b'"),
    (Categorical, (["a", "b"],), {"prior": [1]}, "prior must be 2 weights"),
    (Categorical, (["a", "b"],), {"prior": [0, 0]}, "prior must be 2 weights"),
    (Categorical, (["a", "b"],), {"prior": [-1, 2]}, "prior must be 2 weights"),
    (Categorical, (["a", "b"],), {"prior": ["x", 2]}, "prior must be 2 weights"),
    (Ordinal, ([],), {}, "values must not be empty"),
    (Ordinal, ([1, 1],), {}, "values must differ"),
    (Ordinal, ([1, 2],), {"default": 3}, "default must be one of 1, 2"),
    (Constant, (math.sqrt,), {}, "must be a JSON value"),
    (Permutation, (["a"],), {}, "at least two items are needed"),
    (Permutation, (["a", "a"],), {}, "items must differ"),
    (Permutation, (["a", "b"],), {"default": ("a",)}, "default must be an ordering of 'a', 'b'"),
]


@pytest.mark.parametrize(("kind", "args", "options", "message"), INVALID)
def test_bad_definitions(kind, args, options, message):
    with pytest.raises(SpaceError, match=message):
        kind(*args, **options)


BAD_VALUES: list[tuple[Any, Any, str]] = [
    (Float(0, 1), 2, r"^Float 'p': a value must be a number from 0\.0 to 1\.0, got 2\. Correct"),
    (Float(0, 1), "x", "got 'x'"),
    (Float(0, 1), NAN, "got nan"),
    (Float(0, 1), True, "got True"),
    (Float(0, 1), None, "got None of type NoneType"),
    (Float(0, 1, step=0.25), 0.3, r"in steps of 0\.25, got 0\.3"),
    (Float(1, 8, scale="power_of_two"), 3.0, "that is a power of two, got 3"),
    (Int(1, 9), 2.5, "^Int 'p': a value must be an integer from 1 to 9, got 2.5"),
    (Int(1, 9), 10, "got 10"),
    (Int(1, 9), True, "got True"),
    (Int(1, 9, step=2), 2, "in steps of 2, got 2"),
    (Int(1, 8, scale="power_of_two"), 3, "that is a power of two"),
    (Categorical(["a", 1]), 1.0, r"^Categorical 'p': a value must be one of 'a', 1, got 1\.0"),
    (Categorical(["a", 1]), math.sqrt, "got <built-in"),
    (Categorical({"r": math.sqrt}), math.sqrt, "must be one of 'r'"),
    (Ordinal([1, 2]), 3, "^Ordinal 'p': a value must be one of 1, 2, got 3"),
    (Constant(1), True, "^Constant 'p': a value must be 1, got True"),
    (Permutation(["a", "b"]), ("a", "a"), "^Permutation 'p': a value must be an ordering"),
    (Permutation(["a", "b"]), "ab", "must be an ordering"),
]


@pytest.mark.parametrize(("param", "value", "message"), BAD_VALUES)
def test_bad_values(param, value, message):
    assert not param.contains(value)
    with pytest.raises(ParamValueError, match=message) as caught:
        param.check(value, "p")
    assert caught.value.fields["param"] is param
    with pytest.raises(ValueError, match=rf"^{type(param).__name__}: "):
        param.check(value)


def test_check_gives_the_standard_form():
    assert Int(1, 9).check(3.0, "n") == 3
    assert type(Int(1, 9).check(np.int64(3), "n")) is int
    assert type(Float(0, 1).check(1, "x")) is float
    assert type(Float(0, 1).check(np.float32(0.5), "x")) is float
    assert Float(0, 1, step=0.1).check(0.1 + 0.2, "x") == 0.3
    assert Categorical([(1, (2, 3))]).check([1, [2, 3]], "c") == (1, (2, 3))
    assert Categorical([[1, 2], (1, 2)]).check([1, 2], "c") == [1, 2]
    assert Permutation(["a", "b"]).check(["b", "a"], "p") == ("b", "a")
    assert Categorical(["a"]).check(np.str_("a"), "c") == "a"


def test_choices_are_told_apart_by_type():
    param = Categorical([1, True, 1.0, "1"])
    assert [param.index(value) for value in (1, True, 1.0, "1")] == [0, 1, 2, 3]
    assert [type(v) for v in param.grid(1)] == [int, bool, float, str]
    assert Categorical([1]) != Categorical([True]) != Categorical([1.0])


def test_not_a_number_is_a_choice_like_any_other():
    param = Categorical([NAN, INF, None])
    assert param.index(float("nan")) == 0
    assert param == Categorical([float("nan"), INF, None])


def test_named_choices():
    param = Categorical({"root": math.sqrt, "log": math.log})
    assert param.choices == ("root", "log")
    assert param.resolve("root") is math.sqrt
    loaded = param_from_json(param.to_json())
    assert loaded == param
    with pytest.raises(
        SpaceError, match=r"objects of the named choices .* Give the parameter again"
    ):
        loaded.resolve("root")


def test_a_range_ends_where_the_step_does():
    assert Float(0, 1, step=0.3).high == 0.9
    assert Float(0, 1, step=0.1).high == 1.0
    assert Int(1, 10, step=4).high == 9
    assert Float(0, 1, step=0.1).grid(1) == [k / 10 for k in range(11)]


def test_log_and_scale_are_one():
    assert Float(1, 2, log=True) == Float(1, 2, scale="log")
    assert Float(1, 2, log=True).log
    assert Int(1, 9, log=True, step=2).grid(1) == [1, 3, 5, 7, 9]


def test_sizes_and_widths():
    expected = [
        (Float(0, 1), INF, 1),
        (Float(0, 1, step=0.25), 5, 1),
        (Float(0.25, 4, scale="power_of_two"), 5, 1),
        (Int(0, 2**50 - 1), 2**50, 1),
        (Int(1, 2**62, scale="power_of_two"), 63, 1),
        (Categorical(["a", None]), 2, 1),
        (Ordinal([1, 2, 3]), 3, 1),
        (Constant(None), 1, 0),
        (Permutation([1, 2, 3, 4]), 24, 4),
    ]
    assert [(p.size, p.width) for p, _, _ in expected] == [(s, w) for _, s, w in expected]


def test_grid():
    assert Float(0, 1).grid(3) == [0.0, 0.5, 1.0]
    assert Float(0, 1).grid(1) == [0.5]
    assert Float(1e-4, 1, log=True).grid(5) == [1e-4, 1e-3, 1e-2, 1e-1, 1.0]
    assert Float(0.9, 0.999, scale="reverse_log").grid(3) == [0.9, 0.99, 0.999]
    assert Int(16, 128, scale="power_of_two").grid(2) == [16, 32, 64, 128]
    assert Permutation(["a", "b"]).grid(1) == [("a", "b"), ("b", "a")]


@pytest.mark.parametrize("points", [0, -1, 2.0, True, None])
@pytest.mark.parametrize("param", [Float(0, 1), Int(1, 3)])
def test_grid_needs_points(param, points):
    with pytest.raises(SpaceError, match="points must be an int of at least 1, got"):
        param.grid(points)


def test_grid_of_too_many_values():
    with pytest.raises(SpaceError, match=r"more than a million. Give it a larger step"):
        Int(0, 10**9).grid(1)


def test_continuous_values_cannot_be_counted():
    for ask in (lambda: Float(0, 1).index(0.5), lambda: Float(0, 1).value_at(0)):
        with pytest.raises(SpaceError, match="a continuous range has no countable values"):
            ask()


def test_values_beyond_the_last():
    for param in (Int(1, 3), Permutation([1, 2])):
        with pytest.raises(IndexError, match="has values 0 to"):
            param.value_at(int(param.size))


def test_permutations_are_counted_in_lexicographic_order():
    param = Permutation(["a", "b", "c", "d"])
    orders = [param.value_at(k) for k in range(24)]
    assert orders == list(itertools.permutations("abcd"))
    assert [param.index(order) for order in orders] == list(range(24))


@given(data=st.data())
def test_json_round_trip(any_param, data):
    param = data.draw(any_param).with_when({"a": [1, 2], "b": AtLeast(3)})
    text = json.dumps(param.to_json(), allow_nan=False)
    again = param_from_json(json.loads(text))
    assert again == param
    assert hash(again) == hash(param)
    assert json.dumps(again.to_json()) == text
    assert same_domain(again, param.with_when(None))


@pytest.mark.parametrize(
    "param",
    [
        Float(0, 1, prior=Normal(0.5, 0.1), default=0.25),
        Float(0, 1, step=0.25, prior=Beta(2, 3)),
        Int(1, 64, scale="power_of_two", default=8),
        Categorical(["a", None], prior=[1, 2], default="a"),
        Categorical({"r": math.sqrt}, default="r"),
        Ordinal([(1, 2), [3]], prior=[1, 0], default=[3]),
        Constant({"a": INF}),
        Permutation(["a", "b"], default=("b", "a")),
    ],
)
def test_options_survive_json_copies_and_pickles(param):
    assert param_from_json(json.loads(json.dumps(param.to_json()))) == param
    assert copy.copy(param) == copy.deepcopy(param) == pickle.loads(pickle.dumps(param)) == param
    assert pickle.loads(pickle.dumps(param)).grid(3) == param.grid(3)
    assert param.default == param_from_json(param.to_json()).default


def test_damaged_json():
    for data in (
        {"kind": "float"},
        {"kind": "blob"},
        {},
        {"kind": "int", "low": 1, "high": 2, "x": 3},
    ):
        with pytest.raises(SpaceError, match="A parameter's JSON must be what to_json wrote"):
            param_from_json(data)


def test_same_domain_ignores_options():
    assert same_domain(Float(0, 1), Float(0, 1, prior=Normal(0, 1), when={"a": 1}, default=0.5))
    assert same_domain(Categorical(["a", "b"]), Categorical(["a", "b"], prior=[1, 2]))
    assert same_domain(Constant(1), Constant(1, when={"a": 1}))
    different = [
        Float(0, 1),
        Float(0, 2),
        Float(0, 1, step=0.5),
        Float(1, 2),
        Float(1, 2, log=True),
        Int(0, 1),
        Int(1, 2),
        Categorical(["a", "b"]),
        Categorical(["b", "a"]),
        Categorical({"a": 1, "b": 2}),
        Ordinal(["a", "b"]),
        Constant("a"),
        Constant(1),
        Constant(True),
        Permutation(["a", "b"]),
    ]
    for a, b in itertools.combinations(different, 2):
        assert not same_domain(a, b), (a, b)
        assert a != b


def test_definitions_are_frozen_and_show_how_to_build_them():
    param = Float(0, 1)
    with pytest.raises(FrozenInstanceError):
        param.low = 2  # type: ignore[misc]
    assert replace(param, high=2.0) == Float(0, 2)
    for shown in (
        "Float(0.0, 1.0)",
        "Float(1.0, 2.0, step=0.5, scale='log')",
        "Int(1, 9, step=2, default=3)",
        "Categorical(['a', None], prior=(1.0, 2.0))",
        "Ordinal([1, 2])",
        "Constant(None)",
        "Permutation(['a', 'b'])",
    ):
        assert repr(eval(shown)) == shown  # noqa: S307


def test_definitions_own_their_values():
    choices = [{"layers": [1]}]
    param = Categorical(choices)
    choices[0]["layers"].append(2)
    param.value_at(0)["layers"].append(3)
    assert param.value_at(0) == {"layers": [1]}
