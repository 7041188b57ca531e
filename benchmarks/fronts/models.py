"""Models of scikit-learn on its bundled data: the loss on held-out data against their size.

The size is how many numbers a fitted model keeps: weights, training points, or five for each node
of a tree. Both are means over three folds; results are deterministic and remembered.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import numpy as np

from benchmarks.efficiency.problems.memo import remembered
from benchmarks.efficiency.problems.models import folds
from benchmarks.efficiency.problems.problem import Parameter, choice, number, under, whole

NODE: Final = 5  # feature, threshold, two children, value
FOREST: Final = (
    whole("n_estimators", 1, 20, log=True),
    whole("max_depth", 1, 12),
    number("min_samples_leaf", 0.002, 0.3, log=True),
    number("max_features", 0.05, 1.0),
    choice("criterion", ["gini", "entropy", "log_loss"]),
    choice("bootstrap", [True, False]),
)
NETWORK: Final = (
    whole("layers", 1, 3),
    whole("width", 2, 128, log=True),
    choice("activation", ["relu", "tanh", "logistic"]),
    number("alpha", 1e-6, 1.0, log=True),
    choice("solver", ["sgd", "adam"]),
    *under("solver", ["sgd"], [number("momentum", 0.0, 0.99), number("rate", 1e-4, 1, log=True)]),
    *under("solver", ["adam"], [number("step", 1e-5, 0.1, log=True), number("beta_1", 0.5, 0.99)]),
)
ANY: Final = (
    choice("model", ["svm", "neighbours", "forest", "ridge"]),
    *under(
        "model",
        ["svm"],
        [
            number("C", 0.1, 1e3, log=True),
            number("gamma", 1e-3, 10.0, log=True),
            number("epsilon", 1.0, 150.0, log=True),
        ],
    ),
    *under(
        "model", ["neighbours"], [whole("k", 1, 40), choice("weights", ["uniform", "distance"])]
    ),
    *under(
        "model",
        ["forest"],
        [
            whole("trees", 1, 40, log=True),
            whole("depth", 1, 12),
            number("leaf", 0.005, 0.3, log=True),
        ],
    ),
    *under("model", ["ridge"], [whole("degree", 1, 2), number("shrink", 1e-3, 1e3, log=True)]),
)


def _of_forest(config: dict[str, Any]) -> tuple[float, float]:
    from sklearn.ensemble import RandomForestClassifier

    def made() -> Any:
        return RandomForestClassifier(random_state=0, **config)

    return _weighed(made, "breast_cancer", _log_loss, _nodes)


def _of_network(config: dict[str, Any]) -> tuple[float, float]:
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    own = {k: config[k] for k in ("activation", "alpha", "solver")}
    own["hidden_layer_sizes"] = (config["width"],) * config["layers"]
    if config["solver"] == "sgd":
        own |= {"momentum": config["momentum"], "learning_rate_init": config["rate"]}
    else:
        own |= {"beta_1": config["beta_1"], "learning_rate_init": config["step"]}

    def made() -> Any:
        return make_pipeline(StandardScaler(), MLPClassifier(max_iter=20, random_state=0, **own))

    def size(fitted: Any, n: int) -> float:
        network = fitted[-1]
        return float(sum(part.size for part in (*network.coefs_, *network.intercepts_)))

    return _weighed(made, "breast_cancer", _log_loss, size)


def _of_any(config: dict[str, Any]) -> tuple[float, float]:
    kind = config["model"]
    return _weighed(partial(_REGRESSORS[kind], config), "diabetes", _squared, _SIZES[kind])


def _svm(config: dict[str, Any]) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    own = {k: config[k] for k in ("C", "gamma", "epsilon")}
    return make_pipeline(StandardScaler(), SVR(**own))


def _neighbours(config: dict[str, Any]) -> Any:
    from sklearn.neighbors import KNeighborsRegressor

    return KNeighborsRegressor(config["k"], weights=config["weights"])


def _trees(config: dict[str, Any]) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(
        config["trees"],
        max_depth=config["depth"],
        min_samples_leaf=config["leaf"],
        random_state=0,
    )


def _ridge(config: dict[str, Any]) -> Any:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    return make_pipeline(
        PolynomialFeatures(config["degree"]), StandardScaler(), Ridge(config["shrink"])
    )


def _nodes(fitted: Any, n: int) -> float:
    return float(NODE * sum(tree.tree_.node_count for tree in fitted.estimators_))


def _size_of_svm(fitted: Any, n: int) -> float:
    return float(fitted[-1].support_vectors_.size + len(fitted[-1].support_))


def _size_of_neighbours(fitted: Any, n: int) -> float:
    return float(n * (fitted.n_features_in_ + 1))


def _size_of_ridge(fitted: Any, n: int) -> float:
    return float(fitted[-1].coef_.size + 1)


_REGRESSORS: Final = {"svm": _svm, "neighbours": _neighbours, "forest": _trees, "ridge": _ridge}
_SIZES: Final = {
    "svm": _size_of_svm,
    "neighbours": _size_of_neighbours,
    "forest": _nodes,
    "ridge": _size_of_ridge,
}


def _weighed(
    made: Callable[[], Any],
    data: str,
    loss: Callable[[Any, Any, Any], float],
    size: Callable[[Any, int], float],
) -> tuple[float, float]:
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for X, y, held_X, held_y in folds(data, data != "diabetes"):
            fitted = made().fit(X, y)
            found.append((loss(fitted, held_X, held_y), size(fitted, len(X))))
    lost, kept = np.mean(found, axis=0).tolist()
    return lost, kept


def _log_loss(fitted: Any, X: Any, y: Any) -> float:
    chances = fitted.predict_proba(X)[np.arange(len(y)), y]
    return float(-np.log(np.clip(chances, 1e-3, 1.0)).mean())


def _squared(fitted: Any, X: Any, y: Any) -> float:
    return float(((fitted.predict(X) - y) ** 2).mean())


def _kept(name: str, weigh: Callable[[dict[str, Any]], tuple[float, float]]) -> Any:
    """Return the same function, which remembers on disk what it has worked out."""

    def evaluate(config: dict[str, Any]) -> tuple[float, float]:
        import sklearn

        both: list[float] = []

        def value(j: int) -> float:
            both[:] = both or weigh(config)
            return both[j]

        key = f"fronts {name} {sklearn.__version__}"
        lost, size = (remembered(f"{key} {j}", config, partial(value, j)) for j in (0, 1))
        return lost, size

    return evaluate


MODELS: Final[Mapping[str, tuple[tuple[Parameter, ...], Any]]] = {
    "forest_breast": (FOREST, _kept("forest_breast", _of_forest)),
    "network_breast": (NETWORK, _kept("network_breast", _of_network)),
    "any_diabetes": (tuple(ANY), _kept("any_diabetes", _of_any)),
}
