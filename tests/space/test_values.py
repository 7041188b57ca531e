"""Values: told apart by type, and written as JSON."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.errors import SpaceError
from luthier.space.values import from_json_value, hint, plain, to_json_value, value_key


@given(data=st.data())
def test_json_round_trip(any_value, data):
    value = data.draw(any_value)
    text = json.dumps(to_json_value(value), allow_nan=False)
    assert value_key(from_json_value(json.loads(text))) == value_key(value)


def test_keys_tell_types_apart():
    values = [1, 1.0, True, "1", None, (1,), [1], {"1": 1}, math.nan, "nan", ()]
    assert len({value_key(value) for value in values}) == len(values)
    assert value_key({"a": 1, "b": 2}) == value_key({"b": 2, "a": 1})


def test_tags_in_the_users_own_dicts_are_safe():
    for value in ({"$tuple": [1]}, {"$dict": 1, "a": 2}, {"$float": "x"}):
        assert from_json_value(to_json_value(value)) == value


def test_numpy_scalars_become_plain():
    value = plain({"a": [np.int64(1), (np.float32(0.5), np.bool_(True))]})
    assert value == {"a": [1, (0.5, True)]}
    assert type(value["a"][1][1]) is bool
    assert to_json_value(np.float64(2.0)) == 2.0


@pytest.mark.parametrize("value", [object(), {1: 2}, [print], {"a": {None: 1}}])
def test_other_objects_are_refused(value):
    for use in (value_key, to_json_value):
        with pytest.raises(SpaceError, match=r"name|string keys"):
            use(value)


def test_hint():
    assert hint("bath_size", ["lr", "batch_size"]) == "Did you mean 'batch_size'?"
    assert hint("zzz", ["lr"]) == "Known names: 'lr'."
    assert hint("zzz", []) == "Known names: none."
