"""LightGBM and XGBoost under a scheduler: reported, stopped, paused and continued."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

import luthier
from luthier import TrialState
from luthier.errors import ArgumentError
from luthier.schedulers import Asha, Threshold

lightgbm = pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")

from luthier.integrations.lightgbm import Pruning as LightGBMPruning  # noqa: E402
from luthier.integrations.xgboost import Pruning as XGBoostPruning  # noqa: E402

X, y = load_breast_cancer(return_X_y=True)
X_TRAIN, Y_TRAIN, X_VALID, Y_VALID = X[:200], y[:200], X[200:300], y[200:300]
LIGHTGBM = {"objective": "binary", "verbose": -1, "num_threads": 1, "seed": 0, "num_leaves": 4}
XGBOOST = {"objective": "binary:logistic", "nthread": 1, "seed": 0, "max_depth": 2}
Train = Callable[..., Any]


def lightgbm_train(pruning: Any, rate: float, total: int, **more: Any) -> Any:
    data = lightgbm.Dataset(X_TRAIN, Y_TRAIN)
    return lightgbm.train(
        {**LIGHTGBM, "learning_rate": rate, **more},
        data,
        pruning.rounds(total),
        valid_sets=[data, data.create_valid(X_VALID, Y_VALID)],
        valid_names=["train", "valid"],
        init_model=pruning.init_model,
        callbacks=[pruning],
    )


def xgboost_train(pruning: Any, rate: float, total: int, **more: Any) -> Any:
    train, valid = xgboost.DMatrix(X_TRAIN, Y_TRAIN), xgboost.DMatrix(X_VALID, Y_VALID)
    return xgboost.train(
        {**XGBOOST, "eta": rate},
        train,
        pruning.rounds(total),
        evals=[(train, "train"), (valid, "valid")],
        xgb_model=pruning.xgb_model,
        callbacks=[pruning],
        verbose_eval=False,
        **more,
    )


BOTH = pytest.mark.parametrize(
    ("pruning_of", "train"),
    [(LightGBMPruning, lightgbm_train), (XGBoostPruning, xgboost_train)],
    ids=["lightgbm", "xgboost"],
)


def objective_of(pruning_of: Any, train: Train, total: int = 9, **settings: Any) -> Any:
    trained = []

    def objective(trial: Any) -> float:
        rate = trial.suggest_float("rate", 0.01, 0.5, log=True)
        pruning = pruning_of(trial, **settings)
        trained.append((trial.number, train(pruning, rate, total)))
        return pruning.finish()  # type: ignore[no-any-return]

    objective.trained = trained  # type: ignore[attr-defined]
    return objective


def n_rounds(model: Any) -> int:
    rounds = getattr(model, "num_boosted_rounds", None) or model.num_trees
    return int(rounds())


@BOTH
def test_each_round_is_reported_and_the_best_is_noted(pruning_of: Any, train: Train) -> None:
    study = luthier.create_study(seed=0)
    study.optimize(objective_of(pruning_of, train, total=30), n_trials=2)
    for trial in study.trials:
        curve = [trial.reports[step]["value"] for step in range(1, 31)]
        assert trial.value == min(curve)
        assert trial.user_attrs["best_iteration"] == int(np.argmin(curve)) + 1


@BOTH
def test_only_every_few_rounds_and_the_last_are_reported(pruning_of: Any, train: Train) -> None:
    study = luthier.create_study(seed=0)
    study.optimize(objective_of(pruning_of, train, every=4), n_trials=1)
    assert list(study.trials[0].reports) == [4, 8, 9]


@BOTH
def test_a_run_is_stopped_when_the_scheduler_says_so(pruning_of: Any, train: Train) -> None:
    study = luthier.create_study(scheduler=Threshold(upper=0.1), seed=0)
    objective = objective_of(pruning_of, train)
    study.optimize(objective, n_trials=2)
    assert {trial.state for trial in study.trials} == {TrialState.PRUNED}
    assert [trial.last_step for trial in study.trials] == [1, 1]
    assert objective.trained == []


@BOTH
def test_no_round_is_trained_twice_with_checkpoints(
    pruning_of: Any, train: Train, tmp_path: Path
) -> None:
    begun = []

    def counted(pruning: Any, rate: float, total: int) -> Any:
        begun.append(pruning.rounds(total))
        return train(pruning, rate, total)

    stored = {"storage": tmp_path / "s.db", "study_name": "s"}
    luthier.create_study(scheduler=Asha(9), seed=0, **stored)  # type: ignore[arg-type]
    objective = objective_of(pruning_of, counted, checkpoint=True)
    for total in (5, 12):
        luthier.load_study(**stored).optimize(objective, total_trials=total)  # type: ignore[arg-type]
    study = luthier.load_study(**stored)  # type: ignore[arg-type]
    paused = [trial for trial in study.trials if trial.state is TrialState.PAUSED]
    assert {trial.last_step for trial in paused} <= {1, 3}
    assert set(begun) == {9, 8, 6}
    assert objective.trained
    for number, model in objective.trained:
        assert n_rounds(model) == 9
        trial = study.trials[number]
        straight = objective_of(pruning_of, train)
        again = luthier.create_study(seed=0)
        again.enqueue_trial(trial.params)
        again.optimize(straight, n_trials=1)
        curve, expected = (t.reports for t in (trial, again.trials[0]))
        for step in (1, 3, 9):
            assert curve[step]["value"] == pytest.approx(expected[step]["value"], abs=1e-4)
        assert trial.user_attrs["best_iteration"] == again.trials[0].user_attrs["best_iteration"]


@BOTH
def test_without_checkpoints_a_promoted_trial_starts_over(pruning_of: Any, train: Train) -> None:
    study = luthier.create_study(scheduler=Asha(9), seed=0)
    objective = objective_of(pruning_of, train)
    study.optimize(objective, n_trials=10)
    assert all(n_rounds(model) == 9 for _, model in objective.trained)
    assert study.best_trial.last_step == 9


@BOTH
def test_early_stopping_of_the_library_goes_along(pruning_of: Any, train: Train) -> None:
    more: dict[str, Any] = {"early_stopping_round": 2}
    if pruning_of is XGBoostPruning:
        more = {"early_stopping_rounds": 2}
    study = luthier.create_study(seed=0)

    def objective(trial: Any) -> float:
        pruning = pruning_of(trial)
        model = train(pruning, 0.9, 200, **more)
        offset = 1 if pruning_of is XGBoostPruning else 0  # it counts from 0
        assert pruning.best_iteration == model.best_iteration + offset
        return pruning.finish()  # type: ignore[no-any-return]

    study.optimize(objective, n_trials=1)
    trial = study.trials[0]
    assert trial.state is TrialState.COMPLETE, trial.error
    assert trial.last_step == trial.user_attrs["best_iteration"] + 2 < 200


@BOTH
def test_a_score_that_is_not_there_is_said(pruning_of: Any, train: Train) -> None:
    for wanted in ({"metric": "auc"}, {"dataset": "test"}):
        study = luthier.create_study(seed=0)
        with pytest.raises(ArgumentError, match="logloss of valid"):
            study.optimize(objective_of(pruning_of, train, **wanted), n_trials=1, catch=())


@BOTH
def test_settings_are_checked(pruning_of: Any, train: Train) -> None:
    trial = luthier.create_study().ask()
    with pytest.raises(ArgumentError, match="every must be"):
        pruning_of(trial, every=0)
    with pytest.raises(ArgumentError, match="no round was scored"):
        pruning_of(trial).finish()


@BOTH
def test_the_training_score_counts_where_it_is_named(pruning_of: Any, train: Train) -> None:
    values = []
    for dataset in ("train", None):
        study = luthier.create_study(seed=0)
        study.optimize(objective_of(pruning_of, train, dataset=dataset), n_trials=1)
        values.append(study.best_value)
    assert values[0] != values[1]


def test_lightgbm_knows_what_is_to_be_maximised() -> None:
    study = luthier.create_study(seed=0)
    auc = objective_of(LightGBMPruning, lambda p, r, n: lightgbm_train(p, r, n, metric="auc"))
    with pytest.raises(ArgumentError, match="direction='maximize'"):
        study.optimize(auc, n_trials=1, catch=())
    study = luthier.create_study(direction="maximize", seed=0)
    study.optimize(auc, n_trials=1, catch=())
    assert study.best_value > 0.9


def lightgbm_cv(pruning: Any) -> Any:
    params = {**LIGHTGBM, "metric": ["auc", "binary_logloss"]}
    data = lightgbm.Dataset(X_TRAIN, Y_TRAIN)
    return lightgbm.cv(params, data, 9, nfold=3, callbacks=[pruning], eval_train_metric=True)


def xgboost_cv(pruning: Any) -> Any:
    data = xgboost.DMatrix(X_TRAIN, Y_TRAIN)
    given = {"metrics": ["auc", "logloss"], "callbacks": [pruning], "as_pandas": False}
    return xgboost.cv(XGBOOST, data, 9, nfold=3, **given)


@pytest.mark.parametrize(
    ("pruning_of", "cv", "metric", "column"),
    [
        (LightGBMPruning, lightgbm_cv, "binary_logloss", "valid binary_logloss-mean"),
        (XGBoostPruning, xgboost_cv, "logloss", "test-logloss-mean"),
    ],
    ids=["lightgbm", "xgboost"],
)
def test_one_callback_prunes_all_folds(pruning_of: Any, cv: Any, metric: str, column: str) -> None:
    study = luthier.create_study(seed=0)
    results = []

    def objective(trial: Any) -> float:
        pruning = pruning_of(trial, metric)
        results.append(cv(pruning))
        return pruning.finish()  # type: ignore[no-any-return]

    study.optimize(objective, n_trials=1, catch=())
    reported = [report["value"] for report in study.trials[0].reports.values()]
    assert reported == pytest.approx(results[0][column])

    study = luthier.create_study(scheduler=Threshold(upper=0.1), seed=0)
    study.optimize(objective, n_trials=1, catch=())
    assert study.trials[0].state is TrialState.PRUNED
    assert len(results) == 1

    trial = luthier.create_study(scheduler=Asha(9)).ask()
    with pytest.raises(ArgumentError, match="Leave checkpoint out"):
        cv(pruning_of(trial, checkpoint=True))


def test_the_estimators_of_scikit_learn_take_the_callback() -> None:
    def with_lightgbm(trial: Any) -> float:
        pruning = LightGBMPruning(trial)
        model = lightgbm.LGBMClassifier(n_estimators=9, n_jobs=1, verbose=-1, num_leaves=4)
        model.fit(X_TRAIN, Y_TRAIN, eval_X=X_VALID, eval_y=Y_VALID, callbacks=[pruning])
        return pruning.finish()

    def with_xgboost(trial: Any) -> float:
        pruning = XGBoostPruning(trial)
        model = xgboost.XGBClassifier(n_estimators=9, n_jobs=1, callbacks=[pruning])
        model.fit(X_TRAIN, Y_TRAIN, eval_set=[(X_VALID, Y_VALID)], verbose=False)
        return pruning.finish()

    for objective in (with_lightgbm, with_xgboost):
        study = luthier.create_study(seed=0)
        study.optimize(objective, n_trials=1, catch=())
        assert study.trials[0].last_step == 9


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_a_missing_library_is_named_with_its_extra(library: str) -> None:
    code = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "from luthier.errors import MissingExtraError\n"
        f"try:\n    import luthier.integrations.{library}\n"
        "except MissingExtraError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"pip install 'luthier[{library}]'" in done.stdout
