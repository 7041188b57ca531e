"""Tests of completing partial configurations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier import AtLeast, Categorical, Float, Int, Space
from luthier.errors import InfeasibleSpaceError, ParamValueError
from luthier.space.completion import complete

SPACE = Space(
    kind=Categorical(["net", "forest"]),
    layers=Int(1, 3, when={"kind": "net"}),
    width=Int(8, 64, when={"layers": AtLeast(2)}),
    trees=Int(1, 100, when={"kind": "forest"}),
    rate=Float(1e-4, 1, log=True),
).require("rate <= 0.5")


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "kind": st.sampled_from(["net", "forest"]),
            "rate": st.floats(1e-4, 0.5),
        },
    ),
    st.integers(0, 2**32),
)
def test_what_is_given_stays_and_the_rest_is_valid(given: dict[str, object], seed: int) -> None:
    values = complete(SPACE, given, np.random.default_rng(seed))
    assert given.items() <= values.items()
    assert SPACE.check(values) == values
    assert SPACE.allows(values)


def test_given_values_shape_what_is_active() -> None:
    values = complete(SPACE, {"kind": "net", "layers": 3}, np.random.default_rng(0))
    assert list(values) == ["kind", "layers", "width", "rate"]


def test_inactive_values_are_refused() -> None:
    with pytest.raises(ParamValueError, match="'trees'"):
        complete(SPACE, {"kind": "net", "trees": 5}, np.random.default_rng(0))


def test_impossible_values_are_said() -> None:
    with pytest.raises(InfeasibleSpaceError, match=r"No configuration with \{'rate': 0.75\}"):
        complete(SPACE, {"rate": 0.75}, np.random.default_rng(0))
