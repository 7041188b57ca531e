"""The study under Optuna's surface, where its habits differ from Luthier's."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

import luthier
import luthier.optuna as optuna
from luthier.errors import (
    ArgumentError,
    NoTrialError,
    ObjectiveError,
    StudyError,
    TrialNotFoundError,
    TrialStateError,
)
from luthier.optuna.trial import TrialState
from luthier.schedulers import Asha


def line(trial: Any) -> float:
    return float(trial.suggest_float("x", 0, 1))


def test_what_is_not_optunas_is_luthiers() -> None:
    study = optuna.create_study()
    study.optimize(line, n_trials=2)
    assert list(study.space) == ["x"]
    assert repr(study) == repr(study._native)
    assert "2 COMPLETE" in repr(study)
    with pytest.raises(AttributeError):
        study.nothing


def test_the_first_uncaught_exception_ends_the_call() -> None:
    study = optuna.create_study()
    with pytest.raises(ZeroDivisionError):
        study.optimize(lambda trial: 1 / 0, n_trials=5)
    assert [t.state for t in study.trials] == [TrialState.FAIL]


def test_failures_may_go_on_for_ever() -> None:
    study = optuna.create_study()
    study.optimize(lambda trial: 1 / 0, n_trials=25, catch=[ArithmeticError])
    assert len(study.get_trials(states=[TrialState.FAIL])) == 25


def test_stop_ends_one_call_only() -> None:
    study = optuna.create_study()
    study.optimize(line, n_trials=5, callbacks=[lambda study, trial: study.stop()])
    study.optimize(line, n_trials=3)
    assert len(study.trials) == 4
    with pytest.raises(StudyError, match="must be called while optimize runs"):
        study.stop()


def test_total_trials_of_luthiers_is_at_hand() -> None:
    study = optuna.create_study()
    study.optimize(line, n_trials=3)
    study.optimize(line, total_trials=5)
    assert len(study.trials) == 5


def test_callbacks_get_what_scripts_know() -> None:
    heard: list[Any] = []
    study = optuna.create_study()
    study.optimize(line, n_trials=1, callbacks=[lambda *args: heard.append(args)])
    assert heard == [(study, study.trials[0])]


def test_attributes_and_metric_names() -> None:
    study = optuna.create_study(directions=["minimize", "maximize"])
    assert study.metric_names is None
    study.set_metric_names(["loss", "accuracy"])
    study.set_user_attr("a", 1)
    study.set_system_attr("b", 2)
    assert study.metric_names == ["loss", "accuracy"]
    assert study.user_attrs == {"a": 1}
    assert study.system_attrs["b"] == 2
    with pytest.raises(ArgumentError, match="has 2 objectives, got 1 names"):
        study.set_metric_names(["loss"])


def test_tell_warns_of_values_it_cannot_use() -> None:
    study = optuna.create_study()
    with pytest.warns(UserWarning, match="Trial 0 failed"):
        told = study.tell(study.ask(), float("nan"))
    assert told.state is TrialState.FAIL
    with pytest.warns(UserWarning, match="2 values"):
        study.tell(study.ask(), (1.0, 2.0))
    with pytest.warns(UserWarning, match="None"):
        study.tell(study.ask())


def test_bad_tell_is_refused() -> None:
    study = optuna.create_study()
    trial = study.ask()
    with pytest.raises(ArgumentError, match="A state must be one of RUNNING"):
        study.tell(trial, 1.0, state="COMPLETE")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="COMPLETE, PRUNED or FAILED"):
        study.tell(trial, 1.0, state=TrialState.RUNNING)
    with pytest.raises(ArgumentError, match="has no values"):
        study.tell(trial, 1.0, state=TrialState.FAIL)
    with pytest.raises(ObjectiveError, match="must be a number"):
        study.tell(trial, "one", state=TrialState.COMPLETE)  # type: ignore[arg-type]
    with pytest.raises(TrialNotFoundError, match="has no trial 9"):
        study.tell(9, 1.0)
    study.tell(trial, 1.0)
    with pytest.raises(TrialStateError, match="it is COMPLETE"):
        study.tell(trial, 2.0)


def test_other_bad_arguments_are_refused() -> None:
    study = optuna.create_study()
    with pytest.raises(ArgumentError, match="objective and callbacks must be functions, got 3"):
        study.optimize(3, n_trials=1)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="must be functions, got None"):
        study.optimize(line, n_trials=1, callbacks=[None])  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match="n_trials must be an integer"):
        study.optimize(line, n_trials=-1)
    with pytest.raises(ArgumentError, match="catch takes exception classes"):
        study.optimize(line, n_trials=1, catch=["ValueError"])  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match="must be a parameter such as"):
        study.ask({"x": [1, 2]})  # type: ignore[dict-item]
    with pytest.raises(ArgumentError, match="add_trial needs a FrozenTrial"):
        study.add_trial({"x": 1})  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="A state must be one of"):
        study.get_trials(states=["COMPLETE"])  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match="A sampler must be one of"):
        study.sampler = 3


def test_best_of_nothing() -> None:
    study = optuna.create_study()
    with pytest.raises(NoTrialError, match="no completed trial"):
        study.best_value
    trial = study.ask()
    trial.set_constraint("c", 1)
    study.tell(trial, 0.0)
    with pytest.raises(NoTrialError, match="is feasible: each has a constraint above 0"):
        study.best_trial
    assert study.best_trials == []


def test_of_equals_the_first_is_best() -> None:
    study = optuna.create_study(direction="maximize")
    for value, constraint in ((3, 1), (2, 0), (2, -1), (1, 0)):
        trial = study.ask()
        trial.set_constraint("c", constraint)
        study.tell(trial, value)
    assert study.best_trial.number == 1
    assert [t.number for t in study.best_trials] == [1, 2]


def test_states_may_be_luthiers() -> None:
    study = optuna.create_study()
    study.tell(study.ask(), state=luthier.TrialState.FAILED)
    assert len(study.get_trials(states=[luthier.TrialState.FAILED])) == 1


def test_a_callback_stops_at_a_number_of_trials() -> None:
    study = optuna.create_study()
    enough = optuna.study.MaxTrialsCallback(4, states=None)
    study.optimize(line, n_trials=10, callbacks=[enough])
    assert len(study.trials) == 4


def test_a_grid_rules_over_ranges_and_asks_no_other_value() -> None:
    study = optuna.create_study(sampler=optuna.samplers.GridSampler({"x": [0, 2]}))
    with pytest.raises(luthier.errors.ParamValueError, match="'x'"):
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1))
    with pytest.raises(AttributeError):
        copy.copy(study).nothing


def test_a_stored_study_is_read_before_it_is_asked_for_its_best(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"

    def constrained(trial: Any) -> float:
        x = float(trial.suggest_float("x", 0, 1))
        trial.set_constraint("big", 0.5 - x)
        return x

    for name, objective in (("line", line), ("constrained", constrained)):
        study = optuna.create_study(study_name=name, storage=url)
        study.optimize(objective, n_trials=20)
        best = study.best_trial
        for look in (
            lambda s: s.best_trial,
            lambda s: s.best_trials[0],
        ):
            found = look(optuna.load_study(study_name=name, storage=url))
            assert found == best
            assert list(found.distributions) == ["x"]
    assert best.value >= 0.5


def test_where_optuna_raises_runtime_errors_they_are_caught() -> None:
    study = optuna.create_study(directions=["minimize", "maximize"])
    study.optimize(lambda trial: (1.0, 2.0), n_trials=1)
    for ask in (
        lambda: study.best_trial,
        lambda: study.direction,
        lambda: study.trials[0].value,
        study.stop,
    ):
        with pytest.raises(RuntimeError):
            ask()


def test_states_are_written_as_scripts_know_them() -> None:
    assert f"{TrialState.FAIL}" == str(TrialState.FAIL) == "TrialState.FAIL"


def test_another_pruner_is_used_with_its_rungs() -> None:
    study = optuna.create_study()
    study.pruner = Asha(9)
    driver = study._native._driver
    assert driver.proposer.spec["name"] == "highest_rung"
    study.pruner = optuna.pruners.NopPruner()
    assert driver.proposer is driver.sampler
