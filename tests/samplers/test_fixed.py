from __future__ import annotations

from typing import Any

import pytest

import luthier
from luthier.errors import ArgumentError, ParamValueError
from luthier.samplers import Grid, PartialFixed, QuasiRandom, Random
from luthier.space import AtLeast, Categorical, Float, Int, OneOf, Permutation, Space
from luthier.strategies import make_sampler
from luthier.testing.rehearsal import Rehearsal

NET = Space(
    kind=Categorical(["tree", "net"]),
    depth=Int(1, 4, when={"kind": "tree"}),
    layers=Int(1, 3, when={"kind": OneOf("net")}),
    second=Float(0, 1, when={"layers": AtLeast(2)}),
    both=Int(1, 2, when=[{"kind": "tree", "depth": 1}, {"kind": "net", "layers": 3}]),
)


def proposals(space: Space, params: dict[str, object], n: int = 30) -> list[dict[str, object]]:
    play = Rehearsal(space)
    return [dict(p.params) for p in play.propose(PartialFixed(Random(), params), n)]


@pytest.mark.parametrize(
    "pins",
    [
        {"kind": "tree"},
        {"kind": "net"},
        {"layers": 1},
        {"layers": 3, "second": 0.25},
        {"kind": "net", "layers": 3},
        {"second": 0.5, "both": 2},
    ],
)
def test_every_proposal_is_valid_and_pinned_where_active(pins: dict[str, object]) -> None:
    for config in proposals(NET, pins):
        assert NET.check(config) == config
        assert all(config[name] == value for name, value in pins.items() if name in config)
        if "kind" in pins:
            assert config["kind"] == pins["kind"]


def test_relations_hold() -> None:
    space = (
        Space(a=Int(1, 9), b=Int(1, 9), c=Int(1, 3, when={"a": 1}))
        .require("a + b <= 10")
        .require("a < c")
        .forbid({"a": 2, "b": AtLeast(3)})
        .forbid({"a": 3, "b": AtLeast(3)})
        .require(lambda config: config["b"] != 2, name="not two")
    )
    configs = Rehearsal(space).propose(PartialFixed(Grid(), {"a": 2}), 99)
    assert [dict(p.params) for p in configs] == [{"a": 2, "b": 1}]


def test_a_grid_covers_what_is_left() -> None:
    play = Rehearsal(NET)
    play.end(play.add({"kind": "tree", "depth": 2}))
    trials = play.start(PartialFixed(Grid(points=3), {"kind": "tree"}), 99)
    assert [t.params for t in trials] == [  # trial 1 starts at the second cell
        {"kind": "tree", "depth": 1, "both": 2},
        {"kind": "tree", "depth": 3},
        {"kind": "tree", "depth": 4},
        {"kind": "tree", "depth": 1, "both": 1},
    ]


def test_a_finite_remainder_has_no_duplicates() -> None:
    play = Rehearsal(NET)
    play.add({"kind": "net", "layers": 1})
    sampler = PartialFixed(Random(), {"kind": "tree"})
    trials = play.start(sampler, 99)
    assert len({NET.key(t.params) for t in trials}) == len(trials) == 5
    assert play.propose(sampler) == []


def test_no_dimension_is_wasted() -> None:
    space = Space(x=Float(0, 1), c=Categorical(["a", "b"]), y=Float(0, 1))
    free = Rehearsal(space.without("c")).propose(QuasiRandom(), 5)
    pinned = Rehearsal(space).propose(PartialFixed(QuasiRandom(), {"c": "b"}), 5)
    assert [dict(p.params) for p in pinned] == [
        {"x": p.params["x"], "c": "b", "y": p.params["y"]} for p in free
    ]
    assert pinned[0].reason == "sobol point 0; pinned: c"


def test_names_not_known_yet_are_kept_for_later() -> None:
    [proposal] = Rehearsal(Space()).propose(PartialFixed(Random(), {"x": 0.5}))
    assert dict(proposal.params) == {"x": 0.5}


def test_values_must_fit() -> None:
    with pytest.raises(ParamValueError, match="'depth'"):
        proposals(NET, {"depth": 9})


def test_spec_round_trip_with_odd_values() -> None:
    order = Permutation(["a", "b", "c"])
    sampler = PartialFixed(QuasiRandom("halton"), {"o": ("c", "a", "b"), "c": None, "t": (1, "x")})
    assert make_sampler(sampler.spec) == sampler
    assert hash(make_sampler(sampler.spec)) == hash(sampler)
    [proposal] = Rehearsal(Space(o=order)).propose(make_sampler(sampler.spec))
    assert proposal.params["o"] == ("c", "a", "b")


@pytest.mark.parametrize("pair", [luthier.mfes, luthier.dehb])
def test_samplers_that_read_rungs_still_do(pair: Any) -> None:
    sampler, scheduler = pair(4, eta=2)
    pinned = PartialFixed(sampler, {"kind": "a"})
    assert pinned.reads_rungs
    assert not PartialFixed(Random(), {}).reads_rungs
    space = Space(kind=Categorical(["a", "b"]), x=Float(0, 1))
    study = luthier.create_study(space=space, sampler=pinned, scheduler=scheduler, seed=0)
    study.optimize(lambda t: t.params["x"] + 1 / t.budget, n_trials=40)
    assert {trial.params["kind"] for trial in study.trials} == {"a"}
    made = [t for t in study.trials if "rungs" in t.origin.reason or "DEHB" in t.origin.reason]
    assert len(made) > 10


def test_bad_arguments() -> None:
    with pytest.raises(ArgumentError, match=r"sampler must be a sampler, got 'random'"):
        PartialFixed("random", {})  # type: ignore[arg-type]
    for params in (None, [("x", 1)], {1: 2}):
        with pytest.raises(ArgumentError, match="params must be a mapping of names to values, got"):
            PartialFixed(Random(), params)  # type: ignore[arg-type]
