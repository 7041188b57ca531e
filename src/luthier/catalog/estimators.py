"""The space that fits an estimator, wherever in a pipeline it stands.

An estimator is known by the name of its class and the library that the class comes from, so that
none of these libraries is imported here. Its parts are found as ``get_params`` lists them: steps of
pipelines, columns' transformers, what is bagged, stacked or given another target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from luthier.catalog import boosting, forests, gaussian, linear, neighbours, networks, svm
from luthier.errors import ArgumentError
from luthier.space import Float, Int, Param, Space
from luthier.space.conditions import Clause
from luthier.space.relations import Forbid

__all__ = ["for_estimator", "known"]

Maker = Callable[[Mapping[str, Any]], Space]


def _always(make: Callable[[], Space]) -> Maker:
    return lambda own: make()


_FORESTS: Final[Mapping[str, Maker]] = {
    "RandomForestClassifier": lambda own: forests.random_forest("classification"),
    "RandomForestRegressor": lambda own: forests.random_forest("regression"),
    "ExtraTreesClassifier": lambda own: forests.extra_trees("classification"),
    "ExtraTreesRegressor": lambda own: forests.extra_trees("regression"),
}
_MAKERS: Final[Mapping[str, Mapping[str, Maker]]] = {
    "sklearn": {
        **_FORESTS,
        "GradientBoostingClassifier": _always(boosting.gradient_boosting),
        "GradientBoostingRegressor": _always(boosting.gradient_boosting),
        "HistGradientBoostingClassifier": _always(boosting.hist_gradient_boosting),
        "HistGradientBoostingRegressor": _always(boosting.hist_gradient_boosting),
        "SVC": _always(svm.svc),
        "SVR": _always(svm.svr),
        "LinearSVC": _always(linear.linear_svc),
        "LinearSVR": _always(linear.linear_svr),
        "Ridge": _always(linear.ridge),
        "RidgeClassifier": _always(linear.ridge),
        "Lasso": _always(linear.lasso),
        "ElasticNet": _always(linear.elastic_net),
        "SGDClassifier": lambda own: linear.sgd("classification"),
        "SGDRegressor": lambda own: linear.sgd("regression"),
        "LogisticRegression": linear.logistic_regression,
        "GaussianNB": _always(gaussian.gaussian_nb),
        "LinearDiscriminantAnalysis": _always(gaussian.linear_discriminant_analysis),
        "KNeighborsClassifier": _always(neighbours.nearest_neighbours),
        "KNeighborsRegressor": _always(neighbours.nearest_neighbours),
        "MLPClassifier": _always(networks.mlp),
        "MLPRegressor": _always(networks.mlp),
    },
    "lightgbm": {
        "LGBMClassifier": _always(boosting.lightgbm),
        "LGBMRegressor": _always(boosting.lightgbm),
    },
    "xgboost": {
        "XGBClassifier": _always(boosting.xgboost),
        "XGBRegressor": _always(boosting.xgboost),
    },
    "catboost": {
        "CatBoostClassifier": _always(boosting.catboost),
        "CatBoostRegressor": _always(boosting.catboost),
    },
}


def known() -> tuple[str, ...]:
    """Return the names of the estimators that have a space.

    Example:
        >>> "RandomForestClassifier" in known()
        True
    """
    return tuple(name for makers in _MAKERS.values() for name in makers)


def for_estimator(estimator: Any) -> Space:
    """Return the recommended space of an estimator.

    Args:
        estimator: One of ``known()``, a subclass of one, or anything that holds some of them as
            parameters: a pipeline, a ``ColumnTransformer``, a ``TransformedTargetRegressor``, an
            ensemble. Parameters of its parts are named as ``set_params`` takes them.

    Returns:
        The space. What the estimator itself is set to is the default where it lies in a range; of
        a number outside, it is the nearest end.

    Raises:
        ArgumentError: It isn't an estimator, or none is known that it is or holds.

    Example:
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> from sklearn.svm import SVC
        >>> space = for_estimator(make_pipeline(StandardScaler(), SVC(C=10.0)))
        >>> list(space)[:2], space["svc__C"].default
        (['svc__C', 'svc__kernel'], 10.0)
    """
    if isinstance(estimator, type) or not hasattr(estimator, "get_params"):
        raise ArgumentError(
            "catalog.for_estimator: estimator must be an estimator object, such as SVC(), "
            f"got {estimator!r}."
        )
    parts = {"": estimator}
    parts |= {f"{name}__": part for name, part in estimator.get_params(deep=True).items()}
    whole = Space()
    for prefix, part in parts.items():
        maker = _maker(part)
        if maker is not None:
            whole = _joined(whole, prefix, _started_at(maker, part.get_params(deep=False)))
    if not whole:
        raise ArgumentError(
            f"catalog.for_estimator: {type(estimator).__name__} must be, or hold, one of "
            f"{', '.join(known())}. Write its space by hand: Space(C=Float(1e-3, 1e3, log=True)).",
            estimator=type(estimator).__name__,
        )
    return whole


def _maker(part: Any) -> Maker | None:
    """What makes the space of a part, decided by the first of its classes that a library has."""
    for kind in type(part).__mro__:
        makers = _MAKERS.get(kind.__module__.partition(".")[0])
        if makers is not None:
            return makers.get(kind.__name__)
    return None


def _started_at(maker: Maker, own: Mapping[str, Any]) -> Space:
    """The space with an estimator's own settings as defaults, as far as the ranges go."""
    space = maker(own)
    return space.with_params({n: _with_own(param, own.get(n)) for n, param in space.items()})


def _with_own(param: Param, value: Any) -> Param:
    if isinstance(param, Float | Int) and type(value) in (int, float):
        value = min(max(value, param.low), param.high)
    if param.size == 1 or value is None or not param.contains(value):
        return param
    return param.with_default(value)


def _joined(whole: Space, prefix: str, space: Space) -> Space:
    """Add a part's parameters under its prefix, with their conditions and relations."""

    def renamed(clause: Clause) -> dict[str, Any]:
        return {prefix + name: predicate for name, predicate in clause}

    params = {}
    for name, param in space.items():
        when = param.when and [renamed(clause) for clause in param.when.clauses]
        params[prefix + name] = param.with_when(when)
    whole = whole.with_params(params)
    for relation in space.relations:
        assert isinstance(relation, Forbid)  # the only ones in this catalog
        whole = whole.forbid(renamed(relation.clause))
    return whole
