"""Optuna's importance evaluators."""

from __future__ import annotations

from typing import Any

import pytest

import luthier.optuna as optuna
from luthier.errors import ArgumentError, UnsupportedError
from luthier.optuna import importance as names
from luthier.optuna.importance import get_param_importances

EVALUATORS = [
    names.FanovaImportanceEvaluator(seed=0),
    names.PedAnovaImportanceEvaluator(),
    names.MeanDecreaseImpurityImportanceEvaluator(n_trees=16, seed=0),
]


def study_of(objective: Any, n: int = 60, **settings: Any) -> Any:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), **settings)
    study.optimize(objective, n_trials=n)
    return study


def sloped(trial: Any) -> float:
    x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    rest = trial.suggest_int("only_a", 1, 9) / 9 if kind == "a" else 0.0
    return 5 * x + y + rest + trial.suggest_float("fixed", 2, 2)


@pytest.mark.parametrize("evaluator", [None, *EVALUATORS])
def test_shares_in_order_that_add_up_to_1(evaluator: Any) -> None:
    study = study_of(sloped)
    found = get_param_importances(study, evaluator=evaluator)
    assert next(iter(found)) == "x"
    assert found["fixed"] == 0
    assert set(found) == {"x", "y", "kind", "only_a", "fixed"}
    assert sum(found.values()) == pytest.approx(1)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    some = get_param_importances(study, evaluator=evaluator, params=["y", "x"])
    assert list(some) == ["x", "y"]
    assert some["x"] / some["y"] == pytest.approx(found["x"] / found["y"])
    raw = get_param_importances(study, evaluator=evaluator, normalize=False)
    assert raw["x"] / raw["y"] == pytest.approx(found["x"] / found["y"])


@pytest.mark.parametrize("evaluator", EVALUATORS)
def test_a_target_takes_the_values_place(evaluator: Any) -> None:
    study = study_of(sloped)
    found = get_param_importances(study, evaluator=evaluator, target=lambda t: t.params["y"])
    assert next(iter(found)) == "y"


def test_several_objectives() -> None:
    def objective(trial: Any) -> tuple[float, float]:
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        return x + 5 * y, (x - 0.5) ** 2 + 5 * y

    study = study_of(objective, directions=["minimize", "minimize"])
    assert next(iter(get_param_importances(study))) == "y"  # for reaching the front
    first = names.FanovaImportanceEvaluator()
    assert next(iter(get_param_importances(study, evaluator=first, target=lambda t: t.values[1])))
    with pytest.raises(ArgumentError, match="several objectives: give a target"):
        get_param_importances(study, evaluator=first)


@pytest.mark.parametrize("evaluator", EVALUATORS)
def test_a_single_trial_tells_nothing(evaluator: Any) -> None:
    found = get_param_importances(study_of(sloped, 1), evaluator=evaluator)
    assert len(set(found.values())) == 1
    assert sum(found.values()) == pytest.approx(1)


def test_an_evaluator_of_ones_own_is_asked() -> None:
    class Mine(names.BaseImportanceEvaluator):
        def evaluate(self, study: Any, params: Any = None, *, target: Any = None) -> Any:
            return {"x": 3.0, "y": 1.0}

    assert get_param_importances(study_of(sloped, 5), evaluator=Mine()) == {"x": 0.75, "y": 0.25}


def test_what_cant_be_honoured_is_said() -> None:
    study = study_of(sloped, 5)
    with pytest.raises(ArgumentError, match="evaluator must be one of luthier.optuna.importance"):
        get_param_importances(study, evaluator="fanova")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"params must be parameters of the study .*\['w'\]"):
        get_param_importances(study, params=["w"])
    with pytest.raises(UnsupportedError, match="max_depth must be at least 32, got 4"):
        names.FanovaImportanceEvaluator(max_depth=4)
    with pytest.raises(ArgumentError, match="0 < target_quantile < region_quantile <= 1"):
        names.PedAnovaImportanceEvaluator(target_quantile=0.5, region_quantile=0.4)
    with pytest.raises(AttributeError, match="has no attribute 'ShapleyEvaluator'"):
        names.ShapleyEvaluator
