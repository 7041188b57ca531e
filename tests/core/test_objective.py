"""Tests of what a study optimises: reading results, constraints, signs."""

import math

import numpy as np
import pytest

from luthier.core.objective import Constraint, Objective
from luthier.errors import ArgumentError, ObjectiveError


def test_default_is_one_minimised_value() -> None:
    objective = Objective.of()
    assert objective.names == ("value",)
    assert objective.read(0.5) == {"value": 0.5}
    assert objective.minimised((0.5,)) == (0.5,)


@pytest.mark.parametrize("result", [1, 1.0, np.float32(1), np.array(1.0), np.array([1.0]), [1]])
def test_numbers_of_all_makes_are_read(result: object) -> None:
    assert Objective.of().read(result) == {"value": 1.0}


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinity_is_kept(value: float) -> None:
    assert Objective.of().read(value) == {"value": value}


def test_metrics_come_objectives_first() -> None:
    objective = Objective.of(metrics={"acc": "maximize", "ms": "minimize"})
    read = objective.read({"extra": 3, "ms": 2, "acc": 1})
    assert list(read.items()) == [("acc", 1.0), ("ms", 2.0), ("extra", 3.0)]
    assert objective.minimised((1.0, 2.0)) == (-1.0, 2.0)


@pytest.mark.parametrize(
    ("objective", "result", "message"),
    [
        (Objective.of(), math.nan, "must be a number, got NaN"),
        (Objective.of(), "0.5", "must be a number, got '0.5' (str)"),
        (Objective.of(), True, "must be a number, got True (bool)"),
        (Objective.of(), None, "must be a number, got None"),
        (Objective.of(), [1, 2], "must return one number, got 2 values: [1, 2]"),
        (Objective.of(), [], "got 0 values"),
        (Objective.of(), 1j, "must be a number"),
        (Objective.of(directions=["minimize", "maximize"]), 1.0, "must return 2 numbers"),
        (Objective.of(metrics={"a": "minimize"}), {"b": 1}, "lacks 'a', it has 'b'"),
        (Objective.of(constraints=["mb <= 1"]), 1.0, "The constraint on 'mb' needs that metric"),
        (Objective.of(constraints=["mb <= 1"]), {"value": 1, "mb": math.nan}, "'mb'"),
    ],
)
def test_results_that_cannot_be_used(objective: Objective, result: object, message: str) -> None:
    with pytest.raises(ObjectiveError) as caught:
        objective.read(result)
    assert message in str(caught.value)


def test_reports_may_be_nan_but_not_text() -> None:
    objective = Objective.of(metrics={"acc": "maximize"})
    assert math.isnan(objective.read_report(math.nan)["acc"])
    assert objective.read_report({"acc": 1, "loss": 2}) == {"acc": 1.0, "loss": 2.0}
    with pytest.raises(ObjectiveError, match="Metric 'acc' must be a number"):
        objective.read_report("high")
    with pytest.raises(ObjectiveError, match="at least one metric"):
        objective.read_report({})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"direction": "up"}, "must be 'minimize' or 'maximize', got 'up'"),
        ({"direction": "minimize", "directions": ["minimize"]}, "Only one of direction"),
        ({"directions": "minimize"}, "must be a non-empty list"),
        ({"directions": []}, "must be a non-empty list"),
        ({"directions": 3}, "must be a non-empty list, got 3"),
        ({"constraints": 3}, "must be a list of texts, got 3"),
        ({"metrics": {}}, "non-empty mapping"),
        ({"metrics": {"a b": "minimize"}}, "without spaces"),
        ({"constraints": "mb <= 1"}, "must be a list"),
        ({"constraints": ["mb < 1"]}, "must read 'metric <= number'"),
        ({"constraints": ["mb <= big"]}, "got 'mb <= big'"),
        ({"constraints": ["mb <= inf"]}, "got 'mb <= inf'"),
        ({"fidelity": ""}, "fidelity must be what a step counts"),
        ({"fidelity": "<b>"}, "got '<b>'"),
        ({"fidelity": 3}, "Write for example fidelity='epoch'"),
    ],
)
def test_bad_objectives(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        Objective.of(**arguments)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_violations() -> None:
    objective = Objective.of(constraints=["mb <= 10", "acc >= 0.5"])
    assert objective.violation({"mb": 12, "acc": 0.25}) == 2.25
    assert objective.violation({"mb": 10, "acc": 0.5}) == 0
    assert objective.violation({"mb": math.nan, "acc": 1}) == math.inf
    assert str(Constraint.parse("mb<=10")) == "mb <= 10"


def test_json_round_trip_keeps_every_digit() -> None:
    objective = Objective.of(
        metrics={"a": "maximize"}, constraints=["a >= 0.123456789012345", "b <= 3"]
    )
    assert Objective.from_json(objective.to_json()) == objective


def test_what_steps_count_is_kept_and_told_apart_from_what_is_optimised() -> None:
    epochs = Objective.of(direction="maximize", fidelity="epoch")
    assert Objective.from_json(epochs.to_json()).fidelity == "epoch"
    assert epochs == Objective.of(direction="maximize")
    assert hash(epochs) == hash(Objective.of(direction="maximize"))
    plain = Objective.of().to_json()
    assert "fidelity" not in plain  # as studies were recorded before there was one
    assert Objective.from_json(plain).fidelity == "step"
