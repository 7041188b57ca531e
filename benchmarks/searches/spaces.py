"""What is tuned: an estimator and its space, said once, and turned into each library's words.

The ranges are wide, as of someone who doesn't know the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy import stats
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR


@final
@dataclass(frozen=True)
class Number:
    """A range, both ends included; with ``log`` its logarithm is uniform."""

    low: float
    high: float
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether it holds integers only."""
        return isinstance(self.low, int)


@final
@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple[Any, ...]


Space = Mapping[str, Number | Choice]


@final
class LogIntegers:
    """Integers whose logarithm is uniform, as a distribution that scikit-learn's searches take."""

    def __init__(self, low: float, high: float) -> None:
        self._logs = stats.uniform(np.log(low - 0.5), np.log((high + 0.5) / (low - 0.5)))
        self._low, self._high = low, high

    def rvs(self, random_state: Any = None) -> int:
        """Draw one."""
        drawn = round(float(np.exp(self._logs.rvs(random_state=random_state))))
        return int(min(max(drawn, self._low), self._high))


_SVM: Space = {
    "C": Number(1e-3, 1e3, log=True),
    "gamma": Number(1e-5, 1e1, log=True),
    "kernel": Choice(("rbf", "linear", "poly")),
}
_TREES: Space = {
    "max_depth": Number(1, 20, log=True),
    "min_samples_leaf": Number(1, 20, log=True),
    "max_features": Number(0.05, 1.0),
    "bootstrap": Choice((True, False)),
}
SPACES: Mapping[str, tuple[Space, Space]] = {
    "svm": (_SVM, {**_SVM, "epsilon": Number(1e-3, 1e2, log=True)}),
    "forest": ({**_TREES, "criterion": Choice(("gini", "entropy"))}, _TREES),
    "linear": (
        {
            "C": Number(1e-5, 1e5, log=True),
            "class_weight": Choice((None, "balanced")),
            "fit_intercept": Choice((True, False)),
        },
        {"alpha": Number(1e-4, 1e3, log=True), "l1_ratio": Number(0.0, 1.0)},
    ),
}
"""The spaces, for classification and for regression."""
_MODELS: Mapping[str, tuple[Callable[[int], Any], Callable[[int], Any]]] = {
    "svm": (lambda _: SVC(max_iter=20_000), lambda _: SVR(max_iter=20_000)),
    "forest": (
        lambda seed: RandomForestClassifier(10, random_state=seed),
        lambda seed: RandomForestRegressor(10, random_state=seed),
    ),
    "linear": (lambda _: LogisticRegression(max_iter=200), lambda _: ElasticNet()),
}


def model_and_space(name: str, regression: bool, seed: int) -> tuple[Any, Space]:
    """Return an estimator and what of it is tuned."""
    model, space = _MODELS[name][regression](seed), SPACES[name][regression]
    if name == "forest":
        return model, space
    step = type(model).__name__.lower()
    return make_pipeline(StandardScaler(), model), {f"{step}__{k}": p for k, p in space.items()}


def for_sklearn(space: Space) -> dict[str, Any]:
    """Return a space as distributions and lists."""
    return {name: _distribution(param) for name, param in space.items()}


def _distribution(param: Number | Choice) -> Any:
    if isinstance(param, Choice):
        return list(param.values)
    if param.whole:
        if param.log:
            return LogIntegers(param.low, param.high)
        return stats.randint(int(param.low), int(param.high) + 1)
    if param.log:
        return stats.loguniform(param.low, param.high)
    return stats.uniform(param.low, param.high - param.low)


def for_luthier(space: Space) -> dict[str, Any]:
    """Return a space in Luthier's words."""
    from luthier import Categorical, Float, Int

    return {
        name: Categorical(list(param.values))
        if isinstance(param, Choice)
        else (Int if param.whole else Float)(param.low, param.high, log=param.log)  # type: ignore[operator]
        for name, param in space.items()
    }


def for_optuna(space: Space) -> dict[str, Any]:
    """Return a space as Optuna's distributions."""
    from optuna import distributions as d

    return {
        name: d.CategoricalDistribution(param.values)
        if isinstance(param, Choice)
        else (d.IntDistribution if param.whole else d.FloatDistribution)(
            param.low, param.high, log=param.log
        )
        for name, param in space.items()
    }


def for_skopt(space: Space) -> dict[str, Any]:
    """Return a space as scikit-optimize's dimensions."""
    from skopt import space as s

    return {
        name: s.Categorical(list(param.values))
        if isinstance(param, Choice)
        else (s.Integer if param.whole else s.Real)(
            param.low, param.high, prior="log-uniform" if param.log else "uniform"
        )
        for name, param in space.items()
    }
