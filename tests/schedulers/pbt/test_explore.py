from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.schedulers.pbt.explore import explored
from luthier.space import Categorical, Constant, Float, Int, Ordinal, Permutation, Space

SPACE = Space(
    lr=Float(1e-5, 1e-1, log=True),
    drop=Float(0.0, 0.9),
    momentum=Float(0.5, 0.99, scale="reverse_log"),
    coarse=Float(0.0, 1.0, step=0.25),
    width=Int(1, 1000, log=True),
    depth=Int(1, 4),
    batch=Int(16, 256, scale="power_of_two"),
    level=Ordinal(["low", "mid", "high"]),
    kind=Categorical(["a", "b", "c"]),
    order=Permutation(["p", "q", "r"]),
    fixed=Constant(7),
    slope=Float(0.0, 1.0, when={"kind": "a"}),
    gain=Float(1.0, 2.0, when={"kind": "b"}),
).forbid({"kind": "c", "depth": 4})


def drawn(seed: int) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    while True:
        [config] = SPACE.encoding.from_unit(rng.random((1, SPACE.encoding.width)))
        if SPACE.allows(config):
            return config


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10**6), st.floats(0, 50), st.floats(0, 1))
def test_explored_configurations_stay_in_the_space(seed: int, p: float, resample: float) -> None:
    config = drawn(seed)
    for _ in range(5):
        config = explored(SPACE, config, p, resample, np.random.default_rng(seed))
        SPACE.check(config)
        assert SPACE.allows(config)


def neighbours(param: object, value: object, p: float = 0.2) -> set[object]:
    space = Space({"v": param})
    return {explored(space, {"v": value}, p, 0.0, np.random.default_rng(s))["v"] for s in range(30)}


def test_log_numbers_are_multiplied_or_divided() -> None:
    found = neighbours(Float(1e-5, 1e-1, log=True), 1e-3)
    assert sorted(found) == pytest.approx([1e-3 / 1.2, 1e-3 * 1.2])


def test_other_numbers_move_by_half_the_share_of_their_range() -> None:
    assert sorted(neighbours(Float(0, 2), 1.0)) == pytest.approx([0.8, 1.2])


def test_steps_over_a_bound_are_reflected() -> None:
    assert sorted(neighbours(Float(0, 1), 0.95)) == pytest.approx([0.85, 0.95])
    assert sorted(neighbours(Float(0, 1), 0.0)) == pytest.approx([0.1])


@pytest.mark.parametrize(
    ("param", "value", "expected"),
    [
        (Int(1, 10), 1, {2}),
        (Int(1, 10), 5, {4, 6}),
        (Int(1, 10), 10, {9}),
        (Int(1, 1000, log=True), 1, {2}),
        (Int(16, 256, scale="power_of_two"), 64, {32, 128}),
        (Float(0, 1, step=0.25), 0.5, {0.25, 0.75}),
        (Ordinal(["low", "mid", "high"]), "mid", {"low", "high"}),
        (Ordinal(["low", "mid", "high"]), "high", {"mid"}),
        (Ordinal(["only"]), "only", {"only"}),
        (Categorical(["a", "b"]), "a", {"a"}),
        (Constant(7), 7, {7}),
        (Permutation(["p", "q", "r"]), ("p", "q", "r"), {("q", "p", "r"), ("p", "r", "q")}),
    ],
)
def test_discrete_values_move_to_a_neighbour(
    param: object, value: object, expected: set[object]
) -> None:
    assert neighbours(param, value) == expected


def test_categories_are_drawn_anew_with_some_probability() -> None:
    space = Space(kind=Categorical(["a", "b", "c", "d"]))
    rng = np.random.default_rng(0)
    kept = [explored(space, {"kind": "a"}, 0.2, 0.4, rng)["kind"] == "a" for _ in range(1000)]
    assert np.mean(kept) == pytest.approx(0.6 + 0.4 / 4, abs=0.05)


def test_what_becomes_active_is_drawn_and_what_no_longer_is_goes() -> None:
    space = Space(
        kind=Categorical(["a", "b"]),
        slope=Float(0.0, 1.0, when={"kind": "a"}),
        gain=Float(1.0, 2.0, when={"kind": "b"}),
    )
    rng = np.random.default_rng(1)
    found = [explored(space, {"kind": "a", "slope": 0.5}, 0.2, 1.0, rng) for _ in range(20)]
    assert {tuple(config) for config in found} == {("kind", "slope"), ("kind", "gain")}


def test_parameters_unknown_to_the_space_stay() -> None:
    assert explored(Space(), {"x": 3}, 0.2, 0.5, np.random.default_rng(0)) == {"x": 3}


def test_where_nothing_near_is_allowed_the_configuration_stays() -> None:
    space = Space(level=Ordinal(["low", "mid", "high"])).forbid({"level": "low"})
    space = space.forbid({"level": "high"})
    assert explored(space, {"level": "mid"}, 0.2, 0.0, np.random.default_rng(0)) == {"level": "mid"}
