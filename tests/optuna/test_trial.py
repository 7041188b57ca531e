"""Trials under Optuna's surface."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import luthier
import luthier.optuna as optuna
from luthier.errors import ArgumentError, IncompatibleParamError, ParamValueError, UnknownParamError
from luthier.optuna.trial import FixedTrial, TrialState, native_state


def test_states_have_optunas_names_and_numbers() -> None:
    names = {"RUNNING": 0, "COMPLETE": 1, "PRUNED": 2, "FAIL": 3, "WAITING": 4}
    assert {state.name: state.value for state in TrialState} == names
    finished = [state.name for state in TrialState if state.is_finished()]
    assert finished == ["COMPLETE", "PRUNED", "FAIL"]


@pytest.mark.parametrize("state", luthier.TrialState)
def test_every_state_of_luthiers_has_a_name(state: luthier.TrialState) -> None:
    theirs = TrialState.of(state)
    assert native_state(theirs).is_finished == state.is_finished
    assert native_state(state) is state


def test_a_running_trial() -> None:
    study = optuna.create_study()
    trial = study.ask()
    assert trial.study is study
    assert trial.number == 0
    assert trial.suggest_float("x", 1, 1) == 1.0
    assert trial.suggest_uniform("u", 0, 1) == trial.suggest_float("u", 0, 1)
    assert 1e-5 <= trial.suggest_loguniform("l", 1e-5, 1e-1) <= 1e-1
    assert trial.suggest_discrete_uniform("q", 0, 1, 0.5) in (0, 0.5, 1)
    assert set(trial.params) == set(trial.distributions) == {"x", "u", "l", "q"}
    trial.set_user_attr("a", 1)
    trial.set_system_attr("b", 2)
    assert (trial.user_attrs, trial.system_attrs) == ({"a": 1}, {"b": 2})
    assert repr(trial).startswith("Trial(")
    with pytest.raises(AttributeError):
        trial.nothing
    with pytest.raises(IncompatibleParamError, match="must mean the same"):
        trial.suggest_int("u", 0, 1)


def test_a_constraint_is_set_once() -> None:
    trial = optuna.create_study().ask()
    trial.set_constraint("size", 3)
    with pytest.warns(UserWarning, match="'size' is set already"):
        trial.set_constraint("size", -3)
    assert trial.constraints == {"size": 3.0}
    assert trial.user_attrs == {}


@pytest.mark.parametrize("value", [float("nan"), "large", None])
def test_bad_constraint_is_refused(value: Any) -> None:
    with pytest.raises(ArgumentError, match="Constraint 'size' must be a number"):
        optuna.create_study().ask().set_constraint("size", value)


def test_a_record_is_a_value() -> None:
    study = optuna.create_study()
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    first, second = study.trials
    assert first == study.trials[0]
    assert first != second
    assert len({first, study.trials[0], second}) == 2
    assert copy.deepcopy(first) == first
    assert pickle.loads(pickle.dumps(first)).params == first.params
    assert first.distributions == {"x": luthier.Float(0, 1)}
    first.set_constraint("ignored", 1.0)
    assert first.constraints == {}


def test_create_trial() -> None:
    trial = optuna.create_trial(
        params={"x": 1.0},
        distributions={"x": optuna.distributions.FloatDistribution(0, 2)},
        value=3.0,
        user_attrs={"a": 1},
        system_attrs={"b": 2},
        intermediate_values={0: 0.5},
        constraints={"c": 1},
    )
    assert trial.state is TrialState.COMPLETE
    assert trial.distributions == {"x": luthier.Float(0, 2)}
    assert (trial.user_attrs, trial.constraints) == ({"a": 1}, {"c": 1.0})
    assert trial.system_attrs == {"b": 2, "constraints:c": 1.0}
    assert trial.intermediate_values == {0: 0.5}
    pruned = optuna.create_trial(state=TrialState.PRUNED, params={})
    assert pruned.state is TrialState.PRUNED


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ArgumentError, "needs value, values or metrics"),
        ({"value": 1.0, "values": [1.0]}, ArgumentError, "only one of"),
        ({"value": 1.0, "state": "COMPLETE"}, ArgumentError, "A state must be one of RUNNING"),
        ({"value": 1.0, "user_attrs": {"a": object()}}, ArgumentError, "must be a JSON value"),
        ({"value": 1.0, "parms": {}}, TypeError, "parms"),
    ],
)
def test_bad_record_is_refused(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        optuna.create_trial(**arguments)


def test_fixed_trial() -> None:
    trial = FixedTrial({"x": 0.5, "kind": "a"}, number=7)
    assert trial.number == 7
    assert trial.suggest_float("x", 0, 1) == 0.5
    assert trial.suggest_categorical("kind", ["a", "b"]) == "a"
    trial.set_constraint("c", 0)
    trial.set_user_attr("note", "n")
    assert (trial.constraints, trial.user_attrs) == ({"c": 0.0}, {"note": "n"})
    with pytest.raises(UnknownParamError, match="no value for 'y'"):
        trial.suggest_float("y", 0, 1)
    with pytest.raises(ParamValueError, match="'x'"):
        FixedTrial({"x": 5}).suggest_float("x", 0, 1)
    with pytest.raises(ArgumentError, match="params must be a mapping"):
        FixedTrial([1])  # type: ignore[arg-type]
