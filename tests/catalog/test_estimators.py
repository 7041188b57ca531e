"""``for_estimator`` finds what can be tuned, wherever it stands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegressionCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC
from xgboost import XGBRFClassifier

from luthier import catalog
from luthier.errors import ArgumentError
from luthier.space import Space, sample


def names(prefix: str, space: Space) -> list[str]:
    return [prefix + name for name in space]


def test_a_pipelines_step_has_its_prefix() -> None:
    space = catalog.for_estimator(make_pipeline(StandardScaler(), SVC()))
    assert list(space) == names("svc__", catalog.svc())
    assert space.active({"svc__kernel": "linear"}) == ("svc__C", "svc__kernel")


def test_relations_have_it_too() -> None:
    space = catalog.for_estimator(Pipeline([("scale", StandardScaler()), ("svm", LinearSVC())]))
    assert not space.allows({"svm__penalty": "l1", "svm__loss": "hinge", "svm__C": 1.0})
    assert space.allows({"svm__penalty": "l1", "svm__loss": "squared_hinge", "svm__C": 1.0})


@pytest.mark.parametrize(
    ("estimator", "prefix", "space"),
    [
        (
            TransformedTargetRegressor(KNeighborsRegressor(), transformer=StandardScaler()),
            "regressor__",
            catalog.nearest_neighbours(),
        ),
        (
            TransformedTargetRegressor(make_pipeline(MinMaxScaler(), KNeighborsRegressor())),
            "regressor__kneighborsregressor__",
            catalog.nearest_neighbours(),
        ),
        (BaggingClassifier(LinearSVC()), "estimator__", catalog.linear_svc()),
        (
            make_pipeline(
                ColumnTransformer([("numbers", StandardScaler(), [0, 1])]),
                RandomForestClassifier(),
            ),
            "randomforestclassifier__",
            catalog.random_forest(),
        ),
    ],
    ids=["target", "pipeline in target", "bagging", "columns"],
)
def test_what_is_held_is_found(estimator: Any, prefix: str, space: Space) -> None:
    found = catalog.for_estimator(estimator)
    assert list(found) == names(prefix, space)
    assert {*found} <= estimator.get_params(deep=True).keys()


def test_several_parts_are_tuned_together() -> None:
    voting = VotingClassifier([("svm", LinearSVC()), ("forest", RandomForestClassifier())])
    space = catalog.for_estimator(voting)
    parts = [*names("forest__", catalog.random_forest()), *names("svm__", catalog.linear_svc())]
    assert sorted(space) == sorted(parts)


def test_a_model_inside_a_column_transformer_is_found() -> None:
    class Score(BaseEstimator):  # type: ignore[misc]
        def __init__(self, model: Any) -> None:
            self.model = model

    columns = ColumnTransformer([("score", Score(SVC()), [0])])
    assert list(catalog.for_estimator(columns)) == names("score__model__", catalog.svc())


def test_subclasses_of_ones_own_are_known() -> None:
    class Mine(SVC):  # type: ignore[misc]
        pass

    assert catalog.for_estimator(Mine()) == catalog.for_estimator(SVC())


def test_own_settings_are_the_defaults() -> None:
    forest = RandomForestClassifier(min_samples_leaf=7, min_samples_split=99, max_features=0.33)
    space = catalog.for_estimator(forest)
    assert space["min_samples_leaf"].default == 7
    assert space["min_samples_split"].default == 20  # the nearest
    assert space["max_features"].default == "sqrt"  # not among the values
    assert catalog.for_estimator(SVC(C=np.float64(3.0)))["C"].default == 3.0


def test_catboost_is_known_by_name_without_being_installed() -> None:
    def get_params(self: Any, deep: bool = True) -> dict[str, Any]:
        return {"depth": 8, "iterations": 200}

    members = {"get_params": get_params, "__module__": "catboost.core"}
    for name in ("CatBoostClassifier", "CatBoostRegressor"):
        space = catalog.for_estimator(type(name, (), members)())
        assert space == catalog.catboost().with_params(
            depth=catalog.catboost()["depth"].with_default(8)
        )


def test_what_only_has_the_name_is_not_known() -> None:
    impostor = type("SVC", (BaseEstimator,), {"__module__": "elsewhere"})()
    with pytest.raises(ArgumentError, match="SVC must be, or hold, one of RandomForestClassifier"):
        catalog.for_estimator(impostor)


@pytest.mark.parametrize(
    "estimator",
    [
        LinearRegression(),
        make_pipeline(StandardScaler()),
        LogisticRegressionCV(),
        XGBRFClassifier(),
    ],
    ids=lambda e: type(e).__name__,
)
def test_an_unknown_estimator_is_an_error_that_says_what_is_known(estimator: Any) -> None:
    name = type(estimator).__name__
    with pytest.raises(ArgumentError, match=f"{name} must be, or hold, one of .*Write its") as info:
        catalog.for_estimator(estimator)
    for known in catalog.known():
        assert known in str(info.value)


@pytest.mark.parametrize("given_value", [SVC, None, "SVC", 3])
def test_what_is_no_estimator_is_an_error(given_value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"must be an estimator object, such as SVC\(\), got"):
        catalog.for_estimator(given_value)


def test_a_pipelines_configurations_fit() -> None:
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), LinearSVC(random_state=0, max_iter=20000))
    for config in sample(catalog.for_estimator(pipeline), 5, np.random.default_rng(0)):
        pipeline.set_params(**config | {"linearsvc__C": 0.1}).fit(X, y)
        assert pipeline.score(X, y) > 0.8
