from __future__ import annotations

import numpy as np
import pytest

from luthier.core.rng import generator
from luthier.samplers.gp.columns import Columns
from luthier.space import (
    AtLeast,
    Categorical,
    Float,
    Int,
    Ordinal,
    Permutation,
    Space,
    sample,
)
from luthier.testing.samplers import SPACES

CONDITIONAL = Space(
    model=Categorical(["tree", "net", "line"]),
    depth=Int(1, 6, when={"model": "tree"}),
    layers=Int(1, 30, when={"model": "net"}),
    second=Float(0.0, 1.0, when={"layers": AtLeast(2)}),
)


@pytest.mark.parametrize("name", SPACES)
def test_snapped_rows_are_what_decoding_and_encoding_gives(name: str) -> None:
    space = SPACES[name]
    columns, rng = Columns(space), np.random.default_rng(0)
    Z = rng.uniform(-0.2, 1.2, (50, space.encoding.width)) * np.maximum(1, columns.categories)
    snapped = columns.inputs(columns.snapped(Z))
    again = space.encoding.encode(space.encoding.decode(Z))
    for j, column in enumerate(space.encoding.columns):
        wide = column.kind == "continuous" or column.size > 1024
        ours, theirs = snapped[:, j], again[:, j]
        assert np.allclose(ours, theirs, atol=1e-12 if not wide else 1e-6, equal_nan=True)


@pytest.mark.parametrize("name", SPACES)
def test_configurations_are_left_alone(name: str) -> None:
    space = SPACES[name]
    columns = Columns(space)
    X = space.encoding.encode(sample(space, 20, generator(0)))
    Z = columns.filled(X, np.full(X.shape[1], np.nan))
    assert np.allclose(columns.inputs(columns.snapped(Z)), X, atol=1e-12, equal_nan=True)
    assert not columns.incomplete(X).any()


def test_activity_is_that_of_the_space() -> None:
    columns = Columns(CONDITIONAL)
    Z = columns.snapped(np.array([[0, 0.5, 0.5, 0.5], [1, 0.5, 0.0, 0.5], [2, 0.5, 0.5, 0.5]]))
    assert np.isnan(columns.inputs(Z)).tolist() == [
        [False, False, True, True],
        [False, True, False, True],
        [False, True, True, True],
    ]


def test_missing_values_of_active_parameters_are_noticed() -> None:
    X = np.array([[0.0, np.nan, np.nan, np.nan], [2.0, np.nan, np.nan, np.nan]])
    assert Columns(CONDITIONAL).incomplete(X).tolist() == [True, False]


def test_neighbours_differ_in_one_active_parameter() -> None:
    space = Space(
        c=Categorical(["a", "b", "c"]),
        n=Int(1, 5),
        m=Int(1, 100),
        o=Ordinal(["s", "m", "l"], when={"c": "a"}),
        p=Permutation([1, 2, 3]),
        x=Float(0, 1),
    )
    columns = Columns(space)
    [z] = space.encoding.encode([{"c": "a", "n": 2, "m": 50, "o": "m", "p": [1, 2, 3], "x": 0.3}])
    found = space.encoding.decode(columns.neighbours(z))
    [base] = space.encoding.decode(z[None])
    changed = [{k for k in base if base[k] != config.get(k)} - {"o"} or {"o"} for config in found]
    assert all(len(names) == 1 for names in changed)
    counts = {name: sum(name in names for names in changed) for name in base}
    assert counts == {"c": 2, "n": 4, "m": 12, "o": 2, "p": 3, "x": 0}
    [other] = space.encoding.encode([{"c": "b", "n": 2, "m": 50, "p": [1, 2, 3], "x": 0.3}])
    z = columns.filled(other[None], z)[0]
    assert all(
        config["c"] != "a" or config["o"] == "m"
        for config in space.encoding.decode(columns.neighbours(z))
    )


def test_gradients_move_what_is_fine_and_decides_nothing() -> None:
    space = Space(
        c=Categorical(["a", "b"]),
        few=Int(1, 16),
        many=Int(1, 17),
        parent=Int(1, 500),
        x=Float(0, 1, when={"parent": AtLeast(2)}),
        p=Permutation([1, 2]),
    )
    assert Columns(space).smooth.tolist() == [False, False, True, False, True, False, False]
