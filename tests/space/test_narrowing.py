"""Narrowing: smaller around the best, never empty, never broken."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier
from luthier.errors import ArgumentError, ParamValueError, StudyError
from luthier.space import (
    AtLeast,
    Between,
    Categorical,
    Constant,
    Float,
    Int,
    LogNormal,
    Normal,
    Not,
    Ordinal,
    Param,
    Permutation,
    Space,
    sample,
)


def one(param: Param, values: list[Any], **options: Any) -> Param:
    """A parameter as it is narrowed around the first of these values."""
    return Space(x=param).narrow([{"x": value} for value in values], keep=1.0, **options)["x"]


WIDE = Space(
    kind=Categorical(["a", "b", "c"]),
    size=Int(1, 64, scale="power_of_two"),
    depth=Int(1, 9, step=2),
    rate=Float(1e-5, 1.0, log=True, default=0.1),
    share=Float(0, 1, step=0.05, prior=Normal(0.3, 0.2)),
    level=Ordinal(["low", "middle", "high", "top"], default="low"),
    order=Permutation([1, 2, 3]),
    fixed=Constant(3),
    momentum=Float(0.5, 0.99, scale="reverse_log", when={"kind": ["a", "b"]}),
    extra=Int(1, 100, log=True, when={"depth": AtLeast(5), "kind": Not("a")}),
    deeper=Float(0, 1, when={"extra": Between(10, 50)}),
)
WIDE = WIDE.forbid({"kind": "c", "level": "top"}).require("rate + share <= 1.5")


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 12), keep=st.floats(0.01, 1.0))
def test_what_is_left_is_a_space_with_the_best_in_it(seed: int, n: int, keep: float) -> None:
    configs = sample(WIDE, n, np.random.default_rng(seed))
    smaller = WIDE.narrow(configs, keep=keep)
    inside = {name: value for name, value in configs[0].items() if name in smaller}
    assert inside == configs[0]  # nothing of the best has gone
    assert smaller.check(configs[0]) == configs[0]
    assert [name for name in WIDE if name in smaller] == list(smaller)
    for config in sample(smaller, 5, np.random.default_rng(seed)):
        assert WIDE.check(config) == config
    assert Space.from_json(smaller.to_json()) == smaller


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_narrowing_again_and_again_never_empties(seed: int) -> None:
    space, rng = WIDE, np.random.default_rng(seed)
    for _ in range(6):
        space = space.narrow(sample(space, 6, rng), keep=0.01)
    assert sample(space, 1, rng)


@pytest.mark.parametrize(
    ("param", "values", "smaller"),
    [
        # r = 0.02 in the scale: less than a tenth of it isn't taken away at once
        (Float(0, 10), [5, 5.2, 5.2, 5.2], Float(4, 6)),
        # r = 0.1: twice that to both sides
        (Float(0, 10), [5, 6, 4, 6], Float(5 - math.sqrt(3), 5 + math.sqrt(3))),
        (Float(0, 10), [0.5, 0.6, 0.7], Float(0, 1.5)),
        (Float(1e-5, 1e-1, log=True), [1e-3] * 3, Float(10**-3.4, 10**-2.6, log=True)),
        (Float(0, 1, step=0.1), [0.5] * 3, Float(0.4, 0.6, step=0.1)),
        (Int(1, 100), [50] * 3, Int(40, 60)),
        (Int(1, 4), [2, 2, 2], Int(1, 3)),
        (Int(1, 1024, scale="power_of_two"), [64] * 3, Int(32, 128, scale="power_of_two")),
        (Ordinal([10, 20, 30, 40, 50, 60, 70, 80, 90, 100]), [50] * 3, Ordinal([40, 50, 60])),
        (Categorical(["a", "b", "c"]), ["b", "b", "c"], Categorical(["b", "c"])),
        (Permutation([1, 2, 3]), [(1, 2, 3)] * 3, Permutation([1, 2, 3])),
    ],
    ids=repr,
)
def test_by_hand(param: Param, values: list[Any], smaller: Param) -> None:
    found = one(param, values)
    if isinstance(smaller, Float):
        assert isinstance(found, Float)
        assert (found.low, found.high) == pytest.approx((smaller.low, smaller.high))
        assert (found.scale, found.step) == (smaller.scale, smaller.step)
    else:
        assert found == smaller


def test_the_range_of_what_does_not_matter_stays() -> None:
    for centre in (0.02, 0.3, 0.5, 0.9):
        values = [centre, *np.linspace(0.025, 0.975, 20).tolist()]
        found = one(Float(0, 1), values)
        assert isinstance(found, Float)
        assert found.high - found.low > 0.98


def test_it_is_around_the_one_that_was_asked_for() -> None:
    near, far = one(Float(0, 1), [0.5] * 6), one(Float(0, 1), [0.5] * 6, around={"x": 0.9})
    assert (near.low, near.high) == (0.4, 0.6)
    assert far.low == pytest.approx(0.1)
    assert far.high == 1.0
    assert one(Categorical(["a", "b"]), ["a"] * 6, around={"x": "b"}) == Categorical(["a", "b"])


def test_few_active_values_say_nothing() -> None:
    space = Space(kind=Categorical(["a", "b"]), x=Float(0, 1, when={"kind": "b"}))
    good = [{"kind": "a"}] * 5 + [{"kind": "b", "x": 0.5}] * 2
    assert space.narrow(good, keep=1.0) == space


def test_only_the_best_share_counts_and_only_what_fits() -> None:
    space = Space(x=Float(0, 1))
    ranked = [{"x": 7.0}, *[{"x": 0.5}] * 10, *[{"x": k / 40} for k in range(40)]]
    assert space.narrow(ranked, keep=0.2)["x"] == Float(0.4, 0.6)
    assert space.narrow(ranked, keep=1.0)["x"] == Float(0, 1)


def test_priors_defaults_weights_and_names_survive() -> None:
    assert one(Float(0, 1, prior=Normal(0.4, 0.1), default=0.45), [0.5] * 3) == Float(
        0.4, 0.6, prior=Normal(0.4, 0.1), default=0.45
    )
    cut_off = one(Float(1e-5, 1.0, log=True, prior=LogNormal(-11, 0.1), default=1e-5), [0.1] * 3)
    assert (cut_off.prior, cut_off.default) == (None, 0.1)
    weighted = one(Categorical([1, 2, 3], prior=[1, 2, 4], default=2), [3, 1, 3])
    assert weighted == Categorical([1, 3], prior=[1, 4], default=3)
    named = one(Categorical({"root": math.sqrt, "log": math.log}), ["log"] * 3)
    assert isinstance(named, Categorical)
    assert named.resolve("log") is math.log
    assert one(Ordinal([1, 2, 3, 4], prior=[0, 0, 1, 1]), [1] * 3) == Ordinal([1, 2])


def test_conditions_and_relations_are_restated_or_go() -> None:
    space = Space(
        kind=Categorical(["a", "b", "c"]),
        level=Ordinal([1, 2, 3, 4, 5, 6, 7, 8, 9]),
        only_c=Float(0, 1, when={"kind": "c"}),
        below_c=Float(0, 1, when={"only_c": AtLeast(0.5)}),
        either=Float(0, 1, when=[{"kind": ["b", "c"]}, {"level": AtLeast(9)}]),
    )
    space = space.forbid({"kind": "c", "level": 1}).forbid(
        {"kind": ["a", "c"], "level": AtLeast(7)}
    )
    space = space.require("only_c + either <= 1")
    space = space.require(lambda config: config["level"] != 5, name="not_five")
    good = [{"kind": "b", "level": 6, "either": x} for x in (0.5, 0.4, 0.6)]
    good += [{"kind": "a", "level": 6}] * 2
    smaller = space.narrow(good, keep=1.0)
    assert smaller["kind"] == Categorical(["a", "b"])
    assert smaller["level"] == Ordinal([5, 6, 7])
    assert [*smaller] == ["kind", "level", "either"]
    assert repr(smaller["either"].when) == "{'kind': OneOf('b')}"
    assert [check.label for check in smaller.checks] == [
        "forbid {'kind': OneOf('a'), 'level': AtLeast(7)}",
        "require function 'not_five'",
    ]
    assert not smaller.allows({"kind": "a", "level": 7})
    assert not smaller.allows({"kind": "b", "level": 5})


@pytest.mark.parametrize("keep", [0, -1, 1.5, "all", math.nan])
def test_a_share_must_be_one(keep: Any) -> None:
    with pytest.raises(ArgumentError, match=r"keep must be above 0 and at most 1, got"):
        WIDE.narrow([], keep=keep)


def test_something_to_narrow_around_is_needed() -> None:
    with pytest.raises(ArgumentError, match="narrow needs configurations of this space"):
        Space(x=Float(0, 1)).narrow([{"x": 3.0}])
    with pytest.raises(ParamValueError, match="'x': a value must be a number from 0"):
        Space(x=Float(0, 1)).narrow([{"x": 0.3}], around={"x": 3.0})


def bowl(trial: luthier.Trial) -> float:
    params = trial.params
    return float(abs(params["x"] - 0.7) + (params["kind"] == "b") + 0 * params["y"])


BOWL = Space(x=Float(0, 1), y=Float(0, 1), kind=Categorical(["a", "b"]))


def test_a_study_goes_on_in_its_narrowed_space() -> None:
    study = luthier.create_study(space=BOWL, strategy="random", seed=0)
    study.optimize(bowl, n_trials=60)
    assert BOWL.narrow(study, around=study.best_trial) == BOWL.narrow(study.ranked())
    smaller = study.narrow()
    assert smaller == study.space == BOWL.narrow(study)
    assert 0.4 < smaller["x"].low < 0.7 < smaller["x"].high < 1
    assert smaller["y"] == Float(0, 1)
    assert smaller["kind"] == Categorical(["a"])
    study.optimize(bowl, n_trials=20)
    assert all(smaller.check(trial.params) for trial in study.trials[60:])
    assert len(study.trials) == 80


def test_a_maximised_study_ranks_from_the_top_and_violations_last() -> None:
    study = luthier.create_study(
        metrics={"score": "maximize"}, constraints=["cost <= 1"], space=Space(x=Float(0, 9))
    )
    for x in (1.0, 3.0, 9.0, 2.0):
        study.enqueue_trial({"x": x})
    study.optimize(lambda t: {"score": t.params["x"], "cost": t.params["x"] / 5}, n_trials=4)
    assert [trial.params["x"] for trial in study.ranked()] == [3.0, 2.0, 1.0, 9.0]
    assert [trial.params["x"] for trial in study.ranked(2)] == [3.0, 2.0]


def test_what_a_study_cannot_narrow_is_said() -> None:
    study = luthier.create_study()
    with pytest.raises(StudyError, match="narrow needs a declared space"):
        study.narrow()
    with pytest.raises(ArgumentError, match="completed trials"):
        luthier.create_study(space=BOWL).narrow()
    several = luthier.create_study(directions=["minimize", "maximize"], space=BOWL)
    with pytest.raises(StudyError, match="ranked needs a single objective"):
        several.narrow()
