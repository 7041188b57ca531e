"""Space: an immutable mapping that checks configurations."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.errors import ParamValueError, SpaceError, UnknownParamError
from luthier.space import Categorical, Constant, Float, Int, Permutation, Space

SPACE = Space(
    optimizer=Categorical(["adam", "sgd"]),
    lr=Float(1e-5, 1e-1, log=True),
    momentum=Float(0, 0.99, when={"optimizer": "sgd"}),
    seed=Constant(7),
)


def test_mapping():
    assert list(SPACE) == ["optimizer", "lr", "momentum", "seed"]
    assert len(SPACE) == 4
    assert "lr" in SPACE
    assert SPACE["lr"] == Float(1e-5, 1e-1, log=True)
    assert SPACE.get("nobody") is None
    assert Space({"a b": Int(1, 2)}, c=Int(1, 2)).keys() == {"a b", "c"}
    assert list(Space()) == []


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Space({"": Int(1, 2)}), "a parameter's name must be a non-empty string, got ''"),
        (lambda: Space({1: Int(1, 2)}), "a parameter's name must be a non-empty string, got 1"),
        (lambda: Space(x=[1, 2]), r"'x' must be a Float, .* got \[1, 2\] of type list. Use Categ"),
        (
            lambda: Space({"x": Int(1, 2)}, x=Int(1, 2)),
            "every name must be given once, got 'x' twice",
        ),
        (lambda: Space.from_json("{}"), "the text must be what to_json wrote"),
        (lambda: Space.from_json("nonsense"), "the text must be what to_json wrote"),
        (lambda: Space.from_json("[1]"), "the text must be what to_json wrote"),
        (lambda: Space.from_json('{"params": {"x": {"kind": "blob"}}}'), "A parameter's JSON"),
        (
            lambda: SPACE["lrr"],
            "Space: a name must be one of its parameters, got 'lrr'. Did you mean 'lr'",
        ),
        (lambda: SPACE.without("lrr"), "Did you mean 'lr'"),
    ],
)
def test_bad_spaces(make, message):
    with pytest.raises((SpaceError, UnknownParamError), match=message):
        make()


def test_check():
    config = SPACE.check({"lr": 0.01, "optimizer": "sgd", "momentum": 0})
    assert config == {"optimizer": "sgd", "lr": 0.01, "momentum": 0.0, "seed": 7}
    assert list(config) == list(SPACE)
    assert type(config["momentum"]) is float


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"optimiser": "sgd"}, UnknownParamError, "got 'optimiser'. Did you mean 'optimizer'"),
        (
            {"optimizer": "adam"},
            ParamValueError,
            "Float 'lr': every active parameter must have a value",
        ),
        (
            {"optimizer": "adam", "lr": 0.01, "momentum": 0.5},
            ParamValueError,
            "Float 'momentum': only active parameters may have a value, got 0.5",
        ),
        (
            {"optimizer": "sgd", "lr": 1.0, "momentum": 0.5},
            ParamValueError,
            "Float 'lr': a value must be",
        ),
        (
            {"optimizer": "adam", "lr": 0.01, "seed": 8},
            ParamValueError,
            "Constant 'seed': a value must be 7",
        ),
    ],
)
def test_bad_configurations(values, error, message):
    with pytest.raises(error, match=message):
        SPACE.check(values)


def test_check_partial():
    assert SPACE.check_partial({"momentum": 0, "lr": 0.01}) == {"lr": 0.01, "momentum": 0.0}
    with pytest.raises(UnknownParamError, match="Did you mean 'lr'"):
        SPACE.check_partial({"lrr": 1})
    with pytest.raises(ParamValueError, match="Float 'lr'"):
        SPACE.check_partial({"lr": 1})


def test_fits():
    space = SPACE.forbid({"optimizer": "adam", "lr": 0.1})
    assert space.fits({"optimizer": "adam", "lr": 0.01})
    assert space.fits({"lr": 0.01, "gone": "x"}), "names of the past don't matter"
    assert space.fits({"optimizer": "adam", "momentum": 0.5}), "nor does what is inactive now"
    assert not space.fits({"lr": 1.0})
    assert not space.fits({"optimizer": 3})
    assert not space.fits({"optimizer": "adam", "lr": 0.1})


def test_keys_identify_active_configurations():
    key = SPACE.key({"optimizer": "adam", "lr": 0.01, "seed": 7})
    assert key == SPACE.key({"seed": 7, "lr": 0.01, "optimizer": "adam", "momentum": 0.3})
    assert key != SPACE.key({"optimizer": "sgd", "lr": 0.01, "seed": 7})
    space = Space(c=Categorical([1, True, 1.0, None, (1,), [1]]), p=Permutation(["a", "b"]))
    assert len({space.key(config) for config in space.enumerate()}) == 12


def test_default():
    space = Space(
        a=Categorical(["x", None], default="x"),
        b=Float(0, 1, when={"a": "x"}, default=0.5),
        c=Float(0, 1, when={"a": None}),
        k=Constant(None),
    )
    assert space.default() == {"a": "x", "b": 0.5, "k": None}
    assert space.with_params(d=Float(0, 1)).default() is None
    assert Space(a=Categorical(["x", None])).default() is None


def test_replacing_and_removing():
    space = SPACE.with_params({"lr": Float(0, 1)}, depth=Int(1, 3))
    assert list(space) == ["optimizer", "lr", "momentum", "seed", "depth"]
    assert space["lr"] == Float(0, 1)
    assert list(SPACE.without("momentum", "optimizer")) == ["lr", "seed"]
    assert SPACE["lr"].log, "the old space stays as it was"


def test_equality_and_order():
    assert Space(a=Int(1, 2), b=Int(1, 2)) == Space({"a": Int(1, 2), "b": Int(1, 2)})
    assert Space(a=Int(1, 2), b=Int(1, 2)) != Space(b=Int(1, 2), a=Int(1, 2))
    assert Space(a=Categorical([1])) != Space(a=Categorical([True]))
    assert Space() != {}
    assert {SPACE: 1}[Space.from_json(SPACE.to_json())] == 1


def test_copies_and_pickles():
    assert copy.copy(SPACE) == copy.deepcopy(SPACE) == pickle.loads(pickle.dumps(SPACE)) == SPACE


@given(data=st.data())
def test_json_round_trip(finite_space, data):
    space = data.draw(finite_space)
    again = Space.from_json(space.to_json())
    assert again == space
    assert hash(again) == hash(space)
    assert list(again.enumerate()) == list(space.enumerate())


@given(data=st.data())
def test_json_of_any_parameter(any_param, data):
    space = Space({name: data.draw(any_param) for name in "ab"})
    assert Space.from_json(space.to_json()) == space


def test_the_fingerprint_is_the_same_in_every_process():
    code = (
        "from luthier.space import *; "
        "a = Categorical(['x', 1, True]); b = Float(1e-5, 1, log=True, when={'a': {'x', 1}}); "
        "s = Space(a=a, b=b); "
        "s = s.forbid({'a': {1, 'x'}, 'b': AtLeast(0.5)}); print(s.fingerprint, hash(s))"
    )
    results = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "77")
    ]
    assert results[0] == results[1]
    assert len(results[0].split()[0]) == 32


def test_repr_shows_everything():
    text = repr(Space(a=Int(1, 2), b=Int(1, 2)).forbid({"a": 1}).require("a < b"))
    assert text == ("Space({'a': Int(1, 2), 'b': Int(1, 2)}, forbid {'a': 1}, require 'a < b')")
