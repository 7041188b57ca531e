"""Tests of trial records and reports."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.core.trial import FrozenTrial, Reports, TrialState
from luthier.errors import ParamValueError, UnknownParamError


def test_states_know_whether_they_are_final() -> None:
    assert [s.name for s in TrialState if s.is_finished] == ["COMPLETE", "PRUNED", "FAILED"]
    assert TrialState.FAIL is TrialState.FAILED


def test_first_report_of_a_step_stays() -> None:
    reports = Reports().adding(3, {"v": 1.0}).adding(3, {"v": 2.0})
    assert dict(reports) == {3: {"v": 1.0}}


def test_snapshots_do_not_see_later_reports() -> None:
    early = Reports().adding(1, {"v": 1.0})
    late = early.adding(2, {"v": 2.0})
    other = early.adding(2, {"v": 3.0})
    assert list(early) == [1]
    assert 2 not in early
    with pytest.raises(KeyError):
        early[2]
    assert late[2] == {"v": 2.0}
    assert other[2] == {"v": 3.0}
    assert late.last_step == 2
    assert late.series("v") == {1: 1.0, 2: 2.0}


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans())))
def test_reports_behave_like_a_dict_that_never_overwrites(steps: list[tuple[int, bool]]) -> None:
    model: dict[int, float] = {}
    branch = reports = Reports()
    for value, (step, fork) in enumerate(steps):
        if fork:
            branch = reports
        reports = reports.adding(step, {"v": float(value)})
        model.setdefault(step, float(value))
        branch.adding(step, {"v": -1.0})
        assert {s: m["v"] for s, m in reports.items()} == model
    assert {s: m["v"] for s, m in pickle.loads(pickle.dumps(reports)).items()} == model


def test_value_and_values() -> None:
    one = FrozenTrial(number=0, metric_names=("value", "mb"), metric_values=(1.0, 2.0))
    assert one.value == 1.0
    assert one.values == [1.0]
    assert one.metrics == {"value": 1.0, "mb": 2.0}
    two = FrozenTrial(number=0, metric_names=("a", "b"), metric_values=(1.0, 2.0), objectives=2)
    assert two.values == [1.0, 2.0]
    with pytest.raises(AttributeError, match=r"use trial\.values"):
        _ = two.value
    assert FrozenTrial(number=0).value is None
    assert FrozenTrial(number=0).values is None


def test_a_record_answers_for_its_own_parameters_only() -> None:
    trial = FrozenTrial(number=4, param_names=("x", "act"), param_values=(0.5, "relu"))
    assert trial.suggest_float("x", 0, 1) == 0.5
    assert trial.suggest_categorical("act", {"relu": max, "tanh": min}) is max
    assert not trial.should_prune()
    with pytest.raises(UnknownParamError, match="Trial 4 has no parameter 'y'; it has: x, act"):
        trial.suggest_int("y", 0, 1)
    with pytest.raises(ParamValueError, match="'x'"):
        trial.suggest_float("x", 0.6, 1)


def test_params_are_a_copy() -> None:
    trial = FrozenTrial(number=0, param_names=("x",), param_values=(1,))
    trial.params["x"] = 2
    assert trial.params == {"x": 1}


@pytest.mark.parametrize("steps", [[1, 3, 4], [3, 1, 4]], ids=["rising", "unordered"])
def test_only_steps_that_were_reported_are_in_reports(steps: list[int]) -> None:
    reports = Reports((step, {"v": float(step)}) for step in steps)
    late = reports.extended([2, 9], [{"v": 2.0}, {"v": 9.0}])
    assert [step for step in range(10) if step in reports] == [1, 3, 4]
    assert [step for step in range(10) if step in late] == [1, 2, 3, 4, 9]
    assert late[2] == {"v": 2.0}
    assert not {None, "3", 2} & {key for key in (None, "3", 2) if key in reports}
    with pytest.raises(KeyError):
        reports[2]


@pytest.mark.parametrize("steps", [[1, 3, 5], [5, 1, 3]])
def test_steps_are_found_as_numbers_of_any_kind_and_nothing_else_is(steps: list[int]) -> None:
    reports = Reports((step, {"v": float(step)}) for step in steps)
    assert np.int64(3) in reports
    assert reports[np.int64(3)] == {"v": 3.0}
    assert reports.get("a") is None  # type: ignore[call-overload]
    assert "a" not in reports
    assert None not in reports
    assert 2 not in reports
