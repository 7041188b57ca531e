from __future__ import annotations

import math

import pytest

from luthier.core.objective import Objective
from luthier.core.trial import Reports
from luthier.errors import ArgumentError
from luthier.schedulers.curve import Curve, best_of, check_at_least, is_finite_number
from luthier.space import Space
from luthier.testing.rehearsal import Rehearsal

NAN = math.nan


def test_a_curve_has_signs_such_that_lower_is_better() -> None:
    play = Rehearsal(Space(), objective=Objective.of(metrics={"acc": "maximize"}))
    trial = play.report(play.add({}), 3, {"acc": 0.75, "loss": 2.0})
    assert Curve.of(play.history, trial, None) == Curve("acc", -1.0, trial.reports)
    assert Curve.of(play.history, trial, "loss") == Curve("loss", 1.0, trial.reports)
    assert Curve.of(play.history, trial, None).values == {3: -0.75}
    assert Curve.of(play.history, trial, "other").values == {}


def curve(values: dict[int, float], sign: float = 1.0) -> Curve:
    """The curve of a trial that has reported these."""
    return Curve("m", sign, Reports([(step, {"m": value}) for step, value in values.items()]))


def test_best_leaves_nan_out() -> None:
    assert curve({0: 2.0, 1: NAN, 2: 1.0}).best == 1.0
    assert curve({0: 2.0, 1: NAN, 2: 1.0}, -1.0).best == -2.0
    assert math.isnan(curve({0: NAN}).best)
    assert math.isnan(best_of([]))


@pytest.mark.parametrize(
    ("steps", "warmup", "interval", "due"),
    [
        ([0, 1, 2, 3], 0, 1, [0, 1, 2, 3]),
        ([0, 1, 2, 3], 2, 1, [2, 3]),
        ([0, 1, 2, 3, 4, 5], 0, 2, [0, 2, 4]),
        ([0, 1, 2, 3, 4, 5], 1, 2, [1, 3, 5]),
        ([1, 3, 4, 8, 9], 0, 4, [1, 4, 8]),
        ([3, 1, 7], 0, 5, [3, 7]),
    ],
)
def test_which_steps_are_due(steps: list[int], warmup: int, interval: int, due: list[int]) -> None:
    seen: dict[int, float] = {}
    found = []
    for step in steps:
        seen[step] = 0.0
        if curve(seen).is_due(step, warmup, interval):
            found.append(step)
    assert found == due


def test_a_step_without_the_metric_is_never_due() -> None:
    assert not curve({0: 1.0}).is_due(1, 0, 1)


@pytest.mark.parametrize("value", [0, -1, 1.0, True, None, "3"])
def test_check_at_least_refuses(value: object) -> None:
    with pytest.raises(ArgumentError, match="patience must be a whole number of at least 1, got"):
        check_at_least("patience", value, 1)


def test_finite_numbers() -> None:
    assert is_finite_number(1)
    assert is_finite_number(0.5)
    assert not any(map(is_finite_number, (math.inf, NAN, "1", None)))
