"""Tests of trials made by hand or elsewhere."""

import math
from typing import Any

import pytest

import luthier
from luthier import Float, TrialPruned, TrialState, create_trial
from luthier.errors import ArgumentError, LuthierError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "a COMPLETE trial needs value, values or metrics"),
        ({"value": 1, "values": [1]}, "only one of value, values and metrics"),
        ({"value": "a"}, "Metric 'value' must be a number, got 'a'"),
        ({"values": 3}, "values must be a list of numbers, got 3"),
        ({"values": "ab"}, "values must be a list of numbers, got 'ab'"),
        ({"metrics": 3}, "metrics must be a mapping by name, got 3"),
        ({"value": 1, "state": "COMPLETE"}, "state must be a TrialState, got 'COMPLETE'"),
        ({"value": 1, "state": TrialState.FAILED}, "a FAILED trial has no result"),
        ({"value": 1, "params": 3}, "params must be a mapping by name, got 3"),
        ({"value": 1, "params": {3: 1}}, "A parameter's name must be text, got 3"),
        ({"value": 1, "params": {"x": object()}}, "must be a JSON value, a tuple or None"),
        ({"value": 1, "params": {"x": 1}, "distributions": {"x": 1}}, "distribution of 'x' must"),
        ({"value": 1, "params": {"x": 1}, "distributions": {"y": Float(0, 1)}}, "the same names"),
        ({"value": 1, "user_attrs": {"a": object()}}, "User attribute 'a' must be a JSON value"),
        ({"value": 1, "intermediate_values": {"a": 1}}, "step must be an integer of at least 0"),
        ({"value": 1, "intermediate_values": {0: "a"}}, "must be a number, got 'a'"),
    ],
)
def test_what_is_no_trial(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(LuthierError) as caught:
        create_trial(**arguments)
    assert message in str(caught.value)


def test_results_and_reports_take_the_names_of_the_study() -> None:
    study = luthier.create_study(metrics={"accuracy": "maximize"})
    study.add_trial(create_trial(value=0.5, intermediate_values={3: 0.25}))
    assert study.trials[0].metrics == {"accuracy": 0.5}
    assert study.history.at(3).tolist() == [0.25]


def test_reports_without_a_result_do_too() -> None:
    study = luthier.create_study(metrics={"accuracy": "maximize"})
    study.add_trial(create_trial(state=TrialState.PRUNED, intermediate_values={3: 0.25}))
    assert study.trials[0].reports[3] == {"accuracy": 0.25}


def test_nan_is_no_result() -> None:
    with pytest.raises(LuthierError, match="must be a number, got NaN"):
        luthier.create_study().add_trial(create_trial(value=math.nan))


def test_definitions_that_contradict_are_refused_before_they_are_written() -> None:
    study = luthier.create_study()
    made = create_trial(
        value=1, params={"x": 0.5}, distributions={"x": Float(0, 1, when={"none": 1})}
    )
    with pytest.raises(LuthierError, match="every name must be a parameter of the space"):
        study.add_trial(made)
    with pytest.raises(ArgumentError, match="add_trials needs a list of trials, got 3"):
        study.add_trials(3)  # type: ignore[arg-type]
    assert study.trials == []


def test_a_pruned_trial_needs_no_constraint_metrics_to_be_copied() -> None:
    storage = luthier.open_storage(None)
    study = luthier.create_study(
        study_name="a",
        storage=storage,
        metrics={"accuracy": "maximize"},
        constraints=["size_mb <= 3"],
    )

    def objective(trial: luthier.Trial) -> dict[str, float]:
        trial.report(0.5, 0)
        if trial.number == 1:
            raise TrialPruned
        return {"accuracy": 0.5, "size_mb": 1}

    study.optimize(objective, n_trials=3)
    copy = luthier.copy_study(
        from_study_name="a", from_storage=storage, to_storage=storage, to_study_name="b"
    )
    assert [t.metrics for t in copy.trials] == [t.metrics for t in study.trials]
