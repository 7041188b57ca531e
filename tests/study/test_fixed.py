"""Tests of fixed trials."""

from typing import Any

import pytest

from luthier import Categorical, FixedTrial
from luthier.errors import (
    ArgumentError,
    IncompatibleParamError,
    LuthierError,
    ParamValueError,
    UnknownParamError,
)


def test_answers_with_the_values_given() -> None:
    trial = FixedTrial({"x": 0.5, "kind": "length", "unused": 1}, number=7)
    assert trial.suggest_float("x", 0, 1) == 0.5
    assert trial.suggest("kind", Categorical({"length": len, "sum": sum})) is len
    assert trial.params == {"x": 0.5, "kind": len, "unused": 1}
    assert list(trial.distributions) == ["x", "kind"]
    trial.report(0.5, step=0)
    trial.set_user_attr("note", 1)
    assert (trial.number, trial.should_prune(), trial.user_attrs) == (7, False, {"note": 1})


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda: FixedTrial(3), ArgumentError, "params must be a mapping, got 3"),  # type: ignore[arg-type]
        (
            lambda: FixedTrial({"x": 1}).suggest_int("n", 0, 9),
            UnknownParamError,
            "no value for 'n'; it has: x. Add it to the params",
        ),
        (
            lambda: FixedTrial({"x": 3}).suggest_float("x", 0, 1),
            ParamValueError,
            "Float 'x': a value must be a number from 0.0 to 1.0, got 3",
        ),
        (lambda: FixedTrial({}).report("a", 0), LuthierError, "must be a number, got 'a'"),  # type: ignore[arg-type]
        (lambda: FixedTrial({}).report(1, -1), ArgumentError, "step must be an integer"),
        (lambda: FixedTrial({}).set_user_attr("a", {1}), ArgumentError, "must be a JSON value"),
    ],
)
def test_mistakes_are_said(use: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        use()
    assert message in str(caught.value)


def test_one_name_means_one_thing() -> None:
    trial = FixedTrial({"x": 0.5})
    trial.suggest_float("x", 0, 1)
    with pytest.raises(IncompatibleParamError, match=r"Float\(0.0, 1.0\) first"):
        trial.suggest_float("x", 0, 2)
