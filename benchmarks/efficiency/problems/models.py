"""Real scikit-learn models on its bundled data sets, with the spaces of Bayesmark.

Bayesmark draws some parameters uniformly on a logit scale; here they are plain ranges. The value
is the mean loss over three folds of four fifths of the data (it takes five: three keep a training
at some 20 ms): log loss or error rate for classes, squared error for numbers. Results are
deterministic and remembered.

References:
    Turner, Eriksson et al., Bayesian optimization is superior to random search for machine
    learning hyperparameter tuning, arXiv:2104.10201; spaces: bayesmark 0.0.8, sklearn_funcs.py.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

import numpy as np

from .memo import remembered
from .problem import Config, Parameter, Problem, choice, number, under, whole

TREE: Final = (
    whole("max_depth", 1, 15),
    number("min_samples_split", 0.01, 0.99),
    number("min_samples_leaf", 0.01, 0.49),
    number("min_weight_fraction_leaf", 0.01, 0.49),
    number("max_features", 0.01, 0.99),
    number("min_impurity_decrease", 0.0, 0.5),
)
SVM: Final = (
    number("C", 1, 1e3, log=True),
    number("gamma", 1e-4, 1e-3, log=True),
    number("tol", 1e-5, 1e-1, log=True),
)
KNN: Final = (whole("n_neighbors", 1, 25), whole("p", 1, 4))
MLP: Final = (
    whole("hidden_layer_sizes", 50, 200),
    number("alpha", 1e-5, 1e1, log=True),
    whole("batch_size", 10, 250),
    number("learning_rate_init", 1e-5, 1e-1, log=True),
    number("tol", 1e-5, 1e-1, log=True),
    number("validation_fraction", 0.1, 0.9),
    number("beta_1", 0.5, 0.99),
    number("beta_2", 0.9, 1.0 - 1e-6),
    number("epsilon", 1e-9, 1e-6, log=True),
)
LOGISTIC: Final = (
    number("C", 1e-2, 1e2, log=True),
    number("intercept_scaling", 1e-2, 1e2, log=True),
)
LASSO: Final = (
    number("alpha", 1e-2, 1e2, log=True),
    choice("fit_intercept", [False, True]),
    whole("max_iter", 10, 5000, log=True),
    number("tol", 1e-5, 1e-1, log=True),
    choice("positive", [False, True]),
)


@dataclass(frozen=True)
class Model:
    """A model on a data set.

    Args:
        place: Module and class in scikit-learn.
        data: The data set.
        space: Its parameters.
        fixed: Arguments that aren't searched.
        family: The family that it counts to.
        loss: "log", "error" or "squared".
    """

    place: str
    data: str
    space: tuple[Parameter, ...]
    fixed: Mapping[str, Any]
    family: str
    loss: str


FOREST: Final = {"n_estimators": 10, "random_state": 0}
NETWORK: Final = {"early_stopping": True, "random_state": 0, "max_iter": 25}
LIBLINEAR: Final = {"solver": "liblinear", "random_state": 0}

MODELS: Final[Mapping[str, Model]] = {
    "model_svm_diabetes": Model("svm.SVR", "diabetes", SVM, {}, "continuous", "squared"),
    "model_svm_wine": Model("svm.SVC", "wine", SVM, {}, "continuous", "error"),
    "model_knn_diabetes": Model(
        "neighbors.KNeighborsRegressor", "diabetes", KNN, {}, "mixed", "squared"
    ),
    "model_tree_breast": Model(
        "tree.DecisionTreeClassifier", "breast_cancer", TREE, {"random_state": 0}, "mixed", "log"
    ),
    "model_forest_wine": Model(
        "ensemble.RandomForestClassifier", "wine", TREE, FOREST, "mixed", "log"
    ),
    "model_mlp_iris": Model("neural_network.MLPClassifier", "iris", MLP, NETWORK, "mixed", "log"),
    "model_logistic_breast": Model(
        "linear_model.LogisticRegression",
        "breast_cancer",
        LOGISTIC,
        LIBLINEAR,
        "continuous",
        "log",
    ),
    "model_lasso_diabetes": Model("linear_model.Lasso", "diabetes", LASSO, {}, "mixed", "squared"),
}

# Which model, and its settings: of classes and of numbers.
CANDIDATES: Final[Mapping[str, Model]] = {
    "svm": Model("svm.SVC", "wine", SVM, {}, "conditional", "error"),
    "knn": Model("neighbors.KNeighborsClassifier", "wine", KNN, {}, "conditional", "error"),
    "tree": Model(
        "tree.DecisionTreeClassifier", "wine", TREE, {"random_state": 0}, "conditional", "error"
    ),
    "forest": Model(
        "ensemble.RandomForestClassifier", "wine", TREE, FOREST, "conditional", "error"
    ),
}
REGRESSORS: Final[Mapping[str, Model]] = {
    "svm": Model("svm.SVR", "diabetes", SVM, {}, "conditional", "squared"),
    "knn": Model("neighbors.KNeighborsRegressor", "diabetes", KNN, {}, "conditional", "squared"),
    "tree": Model(
        "tree.DecisionTreeRegressor",
        "diabetes",
        TREE,
        {"random_state": 0},
        "conditional",
        "squared",
    ),
    "lasso": Model("linear_model.Lasso", "diabetes", LASSO, {}, "conditional", "squared"),
}


def builders() -> Mapping[str, Callable[[], Problem]]:
    """Return what makes each problem, by name."""
    made: dict[str, Callable[[], Problem]] = {name: partial(_problem, name) for name in MODELS}
    made["cash_wine"] = partial(selection, "cash_wine", CANDIDATES)
    made["cash_diabetes"] = partial(selection, "cash_diabetes", REGRESSORS)
    return made


def _problem(name: str) -> Problem:
    model = MODELS[name]

    def compute(config: Config, seed: int) -> float:
        return trained(model, config)

    return Problem(name, model.family, model.space, compute)


def selection(name: str, models: Mapping[str, Model]) -> Problem:
    """Return the choice of a model together with its settings: combined selection (CASH)."""
    space = [choice("model", list(models))]
    for key, model in models.items():
        own = [{**parameter, "name": f"{key}_{parameter['name']}"} for parameter in model.space]
        space += under("model", [key], own)

    def compute(config: Config, seed: int) -> float:
        key = config["model"]
        own = {n.removeprefix(f"{key}_"): v for n, v in config.items() if n != "model"}
        return trained(models[key], own)

    return Problem(name, "conditional", tuple(space), compute)


def trained(model: Model, config: Config) -> float:
    """Return the loss of a model with the given settings."""
    import sklearn

    key = f"{model.place} {model.data} {model.loss} {sklearn.__version__}"
    return remembered(key, dict(config), lambda: _loss(model, config))


def _loss(model: Model, config: Config) -> float:
    import sklearn

    data = folds(model.data, model.loss != "squared")
    losses = []
    with sklearn.config_context(assume_finite=True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for X, y, held_X, held_y in data:
            fitted = _class(model.place)(**model.fixed, **config).fit(X, y)
            losses.append(_LOSSES[model.loss](fitted, held_X, held_y))
    return float(np.mean(losses))


def _log_loss(fitted: Any, X: Any, y: Any) -> float:
    chances = fitted.predict_proba(X)[np.arange(len(y)), y]
    return float(-np.log(np.maximum(chances, 1e-15)).mean())


def _error(fitted: Any, X: Any, y: Any) -> float:
    return float((fitted.predict(X) != y).mean())


def _squared(fitted: Any, X: Any, y: Any) -> float:
    error = ((fitted.predict(X) - y) ** 2).mean()
    return float(error) if math.isfinite(error) else math.nan


_LOSSES: Final = {"log": _log_loss, "error": _error, "squared": _squared}


@cache
def _class(place: str) -> Any:
    import importlib

    module, name = place.split(".")
    return getattr(importlib.import_module(f"sklearn.{module}"), name)


@cache
def folds(data: str, classes: bool) -> tuple[tuple[Any, Any, Any, Any], ...]:
    """Return a bundled data set as three folds: inputs and targets, then those held out."""
    from sklearn import datasets
    from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

    X, y = getattr(datasets, f"load_{data}")(return_X_y=True)
    X, _, y, _ = train_test_split(X, y, test_size=0.2, random_state=0)
    parts = (StratifiedKFold if classes else KFold)(3).split(X, y)
    return tuple((X[a], y[a], X[b], y[b]) for a, b in parts)
