"""Every space of the catalog, on the estimator that it is for."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import clone, is_classifier
from sklearn.datasets import make_classification, make_regression
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LogisticRegression,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR
from xgboost import XGBClassifier, XGBRegressor

from luthier import catalog
from luthier.errors import ArgumentError
from luthier.space import Float, Int, Space, sample

QUIET = {"n_jobs": 1, "verbosity": -1}
ESTIMATORS = [
    RandomForestClassifier(random_state=0),
    RandomForestRegressor(random_state=0),
    ExtraTreesClassifier(random_state=0),
    ExtraTreesRegressor(random_state=0),
    GradientBoostingClassifier(random_state=0),
    GradientBoostingRegressor(random_state=0),
    HistGradientBoostingClassifier(random_state=0),
    HistGradientBoostingRegressor(random_state=0),
    SVC(random_state=0),
    SVR(),
    LinearSVC(random_state=0),
    LinearSVR(random_state=0),
    Ridge(),
    RidgeClassifier(),
    Lasso(),
    ElasticNet(),
    SGDClassifier(random_state=0),
    SGDRegressor(random_state=0),
    LogisticRegression(random_state=0),
    GaussianNB(),
    LinearDiscriminantAnalysis(),
    KNeighborsClassifier(),
    KNeighborsRegressor(),
    MLPClassifier(random_state=0),
    MLPRegressor(random_state=0),
    LGBMClassifier(random_state=0, **QUIET),
    LGBMRegressor(random_state=0, **QUIET),
    XGBClassifier(random_state=0, n_jobs=1),
    XGBRegressor(random_state=0, n_jobs=1),
]
every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)

QUICK = {"n_estimators": 5, "max_iter": 5}
"""A few rounds show as well as many that the others of a configuration are accepted."""

SAME = {
    "GradientBoostingClassifier": {"max_features": (None, 1.0)},
    "GradientBoostingRegressor": {"max_features": (None, 1.0)},
    "RandomForestClassifier": {"max_samples": (None, 1.0)},
    "RandomForestRegressor": {"max_samples": (None, 1.0)},
    "LinearDiscriminantAnalysis": {"shrinkage": (None, "auto")},  # of least squares alone
    "LGBMClassifier": {"subsample_freq": (0, 1)},  # of samples that are everything
    "LGBMRegressor": {"subsample_freq": (0, 1)},
    "XGBClassifier": {name: (None, param.default) for name, param in catalog.xgboost().items()},
    "XGBRegressor": {name: (None, param.default) for name, param in catalog.xgboost().items()},
}
"""Defaults that a library writes in another way; they mean the same, as the next tests show."""


def data_for(estimator: Any) -> tuple[Any, Any]:
    if is_classifier(estimator):
        return make_classification(  # type: ignore[no-any-return]
            90, 10, n_informative=5, n_classes=3, random_state=0
        )
    X, y = make_regression(90, 10, noise=10.0, random_state=0)
    return X, (y - y.mean()) / y.std()


def fitted(estimator: Any, config: dict[str, Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return clone(estimator).set_params(**config).fit(*data_for(estimator))


def quickly(estimator: Any, config: dict[str, Any]) -> dict[str, Any]:
    iterates = not isinstance(estimator, SVC | SVR)  # whose -1 means to the end
    names = estimator.get_params().keys() & QUICK.keys() if iterates else set()
    return config | {name: QUICK[name] for name in names}


def test_the_list_above_is_all_that_is_known_but_catboost() -> None:
    names = {type(estimator).__name__ for estimator in ESTIMATORS}
    assert {*catalog.known()} - names == {"CatBoostClassifier", "CatBoostRegressor"}
    assert names <= {*catalog.known()}
    assert len(catalog.known()) == len({*catalog.known()})


@every_estimator
def test_any_configuration_fits(estimator: Any) -> None:
    space = catalog.for_estimator(estimator)
    X, _ = data_for(estimator)

    @settings(max_examples=50, deadline=None)
    @given(st.integers(0, 2**32 - 1))
    def holds(seed: int) -> None:
        [config] = sample(space, 1, np.random.default_rng(seed))
        assert space.check(config) == config
        assert config.keys() <= estimator.get_params().keys()
        model = fitted(estimator, quickly(estimator, config))
        assert np.isfinite(model.predict(X)).all()

    holds()


@every_estimator
def test_defaults_are_those_of_the_library(estimator: Any) -> None:
    space, own = catalog.for_estimator(estimator), estimator.get_params()
    written = SAME.get(type(estimator).__name__, {})
    assert space.default() is not None
    for name, param in space.items():
        if name in written:
            assert (own[name], param.default) == written[name]
        elif isinstance(param, Float | Int):
            assert param.default == min(max(own[name], param.low), param.high), name
        else:
            assert param.default == own[name], name


@every_estimator
def test_starting_at_the_default_is_fitting_the_estimator_as_it_is(estimator: Any) -> None:
    X, _ = data_for(estimator)
    config = catalog.for_estimator(estimator).default()
    assert config is not None
    from_config, as_it_is = fitted(estimator, config).predict(X), fitted(estimator, {}).predict(X)
    if is_classifier(estimator):
        assert (from_config == as_it_is).all()
    else:  # where a penalty of 0 has become 1e-10, an epsilon of 0 a thousandth
        assert from_config == pytest.approx(as_it_is, abs=0.02)


def test_xgboost_defaults_are_what_its_booster_says() -> None:
    model = XGBRegressor(n_jobs=1).fit(*data_for(XGBRegressor()))
    booster = json.loads(model.get_booster().save_config())["learner"]["gradient_booster"]
    trained = booster["tree_train_param"]
    space = catalog.xgboost()
    for ours, theirs in {"reg_lambda": "lambda", "reg_alpha": "alpha"}.items():
        value = float(trained[theirs])
        assert space[ours].default == max(value, space[ours].low)
    alike = (space.keys() & trained.keys()) - {"reg_alpha", "reg_lambda"}
    assert len(alike) == 6
    for name in alike:
        assert space[name].default == pytest.approx(float(trained[name])), name
    assert model.get_booster().num_boosted_rounds() == space["n_estimators"].default


def test_catboost_has_a_space_of_its_own() -> None:
    assert catalog.catboost().default() == {
        "learning_rate": 0.03,
        "depth": 6,
        "l2_leaf_reg": 3.0,
        "random_strength": 1.0,
        "border_count": 254,
    }


@pytest.mark.parametrize(
    ("space", "given_values", "inactive"),
    [
        (catalog.random_forest(), {"bootstrap": False}, {"max_samples"}),
        (catalog.svc(), {"kernel": "linear"}, {"gamma", "coef0"}),
        (catalog.svc(), {"kernel": "rbf"}, {"coef0"}),
        (catalog.svr(), {"kernel": "sigmoid"}, set()),
        (catalog.logistic_regression(), {"solver": "lbfgs"}, {"l1_ratio"}),
        (catalog.logistic_regression(), {"solver": "saga"}, set()),
        (catalog.sgd(), {"penalty": "l1"}, {"l1_ratio"}),
        (catalog.sgd("regression"), {"penalty": "l2", "loss": "huber"}, {"l1_ratio"}),
        (catalog.sgd("regression"), {"penalty": "elasticnet"}, {"epsilon"}),
        (catalog.linear_discriminant_analysis(), {"solver": "svd"}, {"shrinkage"}),
    ],
)
def test_only_what_has_an_effect_is_active(
    space: Space, given_values: dict[str, Any], inactive: set[str]
) -> None:
    assert {*space} - {*space.active(given_values)} == inactive


def test_an_old_logistic_regression_gets_its_penalty() -> None:
    old = catalog.logistic_regression({"penalty": "l2", "l1_ratio": None})
    assert old.active({"solver": "saga"}) == ("C", "solver", "penalty", "l1_ratio")
    assert old.default() == {"C": 1.0, "solver": "lbfgs"}
    configs = sample(old, 20, np.random.default_rng(0))
    assert {config.get("penalty") for config in configs} == {None, "elasticnet"}


def test_a_logistic_regression_with_a_mixture_of_its_own_stays_with_saga() -> None:
    estimator = LogisticRegression(solver="saga", l1_ratio=0.5)
    space = catalog.for_estimator(estimator)
    assert space.default() == {"C": 1.0, "solver": "saga", "l1_ratio": 0.5}
    fitted(estimator, quickly(estimator, {"C": 0.1, "solver": "saga", "l1_ratio": 0.0}))


def test_a_forest_is_of_classes_or_of_numbers() -> None:
    assert "criterion" in catalog.random_forest()
    assert "criterion" not in catalog.random_forest("regression")
    with pytest.raises(ArgumentError, match="task must be one of .* got 'ranking'"):
        catalog.extra_trees("ranking")  # type: ignore[arg-type]
    assert "epsilon" in catalog.sgd("regression")
    with pytest.raises(ArgumentError, match="task must be one of .* got 'ranking'"):
        catalog.sgd("ranking")  # type: ignore[arg-type]


def test_single_parameters_have_the_ranges_of_deep_learning() -> None:
    assert catalog.learning_rate() == Float(1e-5, 1e-1, log=True, default=1e-3)
    assert catalog.weight_decay() == Float(1e-6, 1e-2, log=True, default=1e-4)
    assert catalog.dropout() == Float(0.1, 0.8, default=0.5)
    assert catalog.batch_size().grid(1) == [16, 32, 64, 128, 256, 512]
    assert catalog.hidden_units().grid(1) == [32, 64, 128, 256, 512, 1024]
    space = Space(
        n_layers=Int(1, 2),
        width=catalog.hidden_units(default=None),
        rate=catalog.dropout(default=0.2, when={"n_layers": 2}),
    )
    assert space.active({"n_layers": 1}) == ("n_layers", "width")
    assert space["width"].default is None
    assert space["rate"].default == 0.2
