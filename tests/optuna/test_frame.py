"""Tables with Optuna's columns."""

from __future__ import annotations

import pytest

import luthier.optuna as optuna
from luthier.errors import ArgumentError

pytest.importorskip("pandas")


def several() -> optuna.Study:
    study = optuna.create_study(directions=["minimize", "maximize"])
    study.optimize(
        lambda trial: (trial.suggest_float("b", 0, 1), trial.suggest_float("a", 0, 1)), n_trials=2
    )
    return study


def test_objectives_without_names_are_numbered() -> None:
    table = several().trials_dataframe(attrs=("value", "params"))
    assert list(table.columns) == ["values_0", "values_1", "params_a", "params_b"]


def test_objectives_with_names() -> None:
    study = several()
    study.set_metric_names(["z", "y"])
    assert list(study.trials_dataframe(attrs=("values",)).columns) == ["values_z", "values_y"]
    single = optuna.create_study()
    single.set_metric_names(["loss"])
    single.optimize(lambda trial: 1.0, n_trials=1)
    assert list(single.trials_dataframe(attrs=("number", "value"))) == ["number", "value_loss"]


def test_parameters_of_some_trials_are_missing_in_others() -> None:
    study = optuna.create_study()
    study.enqueue_trial({"k": "a"})
    study.enqueue_trial({"k": "b"})

    def objective(trial: optuna.Trial) -> float:
        if trial.suggest_categorical("k", ["a", "b"]) == "b":
            trial.set_constraint("c", -1.0)
            return trial.suggest_float("x", 0, 1)
        return 0.0

    study.optimize(objective, n_trials=2)
    table = study.trials_dataframe()
    assert table["params_x"].isna().tolist() == [True, False]
    assert table["system_attrs_constraints:c"].isna().tolist() == [True, False]


def test_no_trials_no_rows() -> None:
    assert optuna.create_study().trials_dataframe().empty
    assert optuna.create_study().trials_dataframe(multi_index=True).empty


def test_bad_attribute_is_refused() -> None:
    with pytest.raises(ArgumentError, match="Trials have no attribute 'colour'; they have"):
        optuna.create_study().trials_dataframe(attrs=("colour",))
