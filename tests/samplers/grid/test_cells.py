from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.core.trial import FrozenTrial, Origin
from luthier.errors import ArgumentError
from luthier.samplers.grid import cells as module
from luthier.samplers.grid.cells import Axis, Cells, cells_of
from luthier.space import AtLeast, Categorical, Float, Int, Ordinal, Permutation, Space

PLAIN = Space(a=Categorical(["x", "y"]), x=Float(0, 1), n=Int(1, 3))
TREE = Space(n=Int(1, 3), x=Float(0, 1, when={"n": AtLeast(2)}), c=Categorical(["p", "q"])).forbid(
    {"n": 3, "c": "q"}
)


def cells(space: Space, points: object = 4) -> Cells:
    return cells_of(space, space.checks, points)  # type: ignore[arg-type]


def listed(grid: Cells) -> list[dict[str, object]]:
    return [grid[k] for k in itertools.takewhile(grid.has, itertools.count())]


def trial(fill: str = "prior", **params: object) -> FrozenTrial:
    origin = Origin(fill=fill)
    return FrozenTrial(
        number=0, param_names=tuple(params), param_values=tuple(params.values()), origin=origin
    )


@pytest.mark.parametrize("space", [PLAIN, TREE])
@pytest.mark.parametrize("points", [1, 4])
def test_the_cells_are_what_the_space_enumerates(space: Space, points: int) -> None:
    grid = cells(space, points)
    assert listed(grid) == list(space.enumerate(points))
    assert grid.size == len(listed(grid))


@pytest.mark.parametrize("space", [PLAIN, TREE])
def test_every_cell_finds_its_place_again(space: Space) -> None:
    grid = cells(space)
    for k, cell in enumerate(listed(grid)):
        assert grid.place(trial(**cell)) == k


@given(sizes=st.lists(st.integers(2, 10**6), min_size=1, max_size=6), share=st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_a_product_of_any_size_is_never_listed(sizes: list[int], share: float) -> None:
    grid = cells(Space({f"n{i}": Int(1, size) for i, size in enumerate(sizes)}))
    assert grid.size == math.prod(sizes)
    k = min(int(share * grid.size), grid.size - 1)
    assert grid.place(trial(**grid[k])) == k


def test_huge_axes() -> None:
    grid = cells(Space(order=Permutation(list(range(25))), n=Int(0, 2**49)))
    k = grid.draw(np.random.default_rng(0))
    assert 0 <= k < grid.size
    assert grid.place(trial(**grid[k])) == k


def test_points_by_name() -> None:
    space = Space(x=Float(0, 1), y=Float(0, 1), n=Int(1, 3))
    assert cells(space, (("x", 2),)).size == 2 * 10 * 3
    conditional = space.with_params(z=Float(0, 1, when={"n": 1}))
    assert cells(conditional, (("x", 2), ("y", 3), ("z", 4))).size == 2 * 3 * (2 + 4)


def test_trials_off_the_grid_have_no_place() -> None:
    plain, tree = cells(PLAIN), cells(TREE)
    assert plain.place(trial(a="x", x=0.5, n=1)) is None
    assert plain.place(trial(a="x", n=1)) is None
    assert plain.place(trial(a="z", x=0.0, n=1)) is None
    assert tree.place(trial(n=3, x=0.0, c="q")) is None
    assert tree.place(trial(n=1, x=0.9, c="q")) is not None  # x isn't active: it doesn't matter


def test_missing_values_are_the_first_where_they_will_be() -> None:
    tree = cells(TREE)
    assert tree[tree.place(trial("first", n=2)) or 0] == {"n": 2, "x": 0.0, "c": "p"}
    assert tree.place(trial("prior", n=2)) is None


def test_a_proposals_own_place_counts_only_in_its_grid() -> None:
    here = Origin(data={"cell": 5, "grid": cells(PLAIN).digest})
    elsewhere = Origin(data={"cell": 5, "grid": cells(PLAIN, 3).digest})
    assert cells(PLAIN).place(FrozenTrial(number=0, origin=here)) == 5
    assert cells(PLAIN).place(FrozenTrial(number=0, origin=elsewhere)) is None


def test_functions_of_one_name_are_told_apart() -> None:
    space = Space(n=Int(1, 9))
    low, high = (
        space.require(f, name="rule") for f in (lambda c: c["n"] < 3, lambda c: c["n"] > 8)
    )
    assert [cell["n"] for cell in listed(cells(low))] == [1, 2]
    assert [cell["n"] for cell in listed(cells(high))] == [9]


def test_axes() -> None:
    axis = Axis(Float(1e-4, 1, log=True), 5)
    assert [axis.value_at(k) for k in range(axis.size)] == pytest.approx([1e-4, 1e-3, 1e-2, 0.1, 1])
    assert axis.place(axis.value_at(3)) == 3
    assert axis.place(0.5) is None
    assert Axis(Ordinal(["s", "m", "l"]), 5).size == 3


def test_places_beyond_the_last_are_refused() -> None:
    with pytest.raises(IndexError):
        cells(TREE)[1000]


def test_too_many_cells_to_shuffle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_LISTED", 100)
    space = Space(n=Int(1, 1000), m=Int(1, 2, when={"n": 1}))
    with pytest.raises(ArgumentError, match="shuffled by listing its cells, at most 100; this one"):
        cells(space).draw(np.random.default_rng(0))
