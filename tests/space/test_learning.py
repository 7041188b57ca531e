"""Learning conditions from runs."""

from __future__ import annotations

from luthier.space import AtLeast, AtMost, Categorical, Condition, Float, Int, OneOf
from luthier.space.learning import Run, is_parent, learn

PARAMS = {"a": Categorical(["x", "y"]), "n": Int(1, 9), "z": Float(0, 1), "c": Float(0, 1)}


def runs(*given):
    return [Run(frozenset(names), values) for names, values in given]


def test_only_countable_parameters_are_parents():
    assert [is_parent(param) for param in PARAMS.values()] == [True, True, False, False]


def test_always_asked_for_is_unconditional():
    lessons = learn(PARAMS, (), runs(("anzc", {"a": "x", "n": 1}), ("anzc", {"a": "y", "n": 2})))
    assert lessons.conditions == {}
    assert lessons.unexplained == frozenset()


def test_few_values_win_over_chance_separation_by_many():
    seen = runs(
        ("anc", {"a": "x", "n": 7}),
        ("anc", {"a": "x", "n": 8}),
        ("anc", {"a": "x", "n": 6}),
        ("an", {"a": "y", "n": 1}),
        ("an", {"a": "y", "n": 2}),
    )
    assert learn(PARAMS, (), seen).conditions["c"] == Condition.of({"a": OneOf("x")})


def test_thresholds():
    up = runs(("nc", {"n": 5}), ("n", {"n": 4}), ("nc", {"n": 9}))
    assert learn(PARAMS, (), up).conditions["c"] == Condition.of({"n": AtLeast(5)})
    down = runs(("nc", {"n": 3}), ("n", {"n": 4}), ("nc", {"n": 1}))
    assert learn(PARAMS, (), down).conditions["c"] == Condition.of({"n": AtMost(3)})
    between = runs(("nc", {"n": 3}), ("n", {"n": 4}), ("n", {"n": 1}))
    assert learn(PARAMS, (), between).conditions["c"] == Condition.of({"n": OneOf(3)})


def test_twins_share_a_condition():
    seen = runs(("azc", {"a": "x"}), ("a", {"a": "y"}))
    conditions = learn(PARAMS, (), seen).conditions
    assert conditions["z"] == conditions["c"] == Condition.of({"a": OneOf("x")})


def test_contradictions_are_unexplained():
    seen = runs(("ac", {"a": "x"}), ("a", {"a": "x"}))
    assert learn(PARAMS, (), seen).unexplained == {"c"}


def test_fixed_names_are_left_alone():
    seen = runs(("ac", {"a": "x"}), ("a", {"a": "y"}))
    assert learn(PARAMS, ("c",), seen).conditions == {}


def test_values_of_the_past_that_do_not_fit_are_no_evidence():
    seen = runs(("ac", {"a": "gone"}), ("ac", {"a": "x"}), ("a", {"a": "y"}))
    assert learn(PARAMS, (), seen).conditions["c"] == Condition.of({"a": OneOf("x")})
