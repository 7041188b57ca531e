"""How far the best trial may be from the best there is, bounded by a Gaussian process.

    regret   <=  min over trials of mu + sqrt(beta) s  -  min over the space of mu - sqrt(beta) s
    beta      =  2/5 log(d n^2 pi^2 / (6 delta))               of n trials in d dimensions

holds with probability 1 - delta for functions such as the model believes in. The minimum over the
space is that over random points and neighbours of the best trials.

References:
    Makarova, Shen, Perrone, Klein, Faddoul, Krause, Seeger, Archambeau, Automatic termination for
    hyperparameter optimization (AutoML 2022), arXiv 2104.08166, section 3.
    Srinivas, Krause, Kakade, Seeger, Gaussian process optimization in the bandit setting (2010),
    theorem 1; divided by 5 as in their experiments.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.core.rng import generator
from luthier.core.trial import FrozenTrial
from luthier.numerics import gp

__all__ = ["regret_bound"]

Array = NDArray[np.float64]
_POINTS: Final = 1000
_NEAR: Final = (8, 25, 0.05)  # neighbours of so many trials, so many each, at this distance
_MOST: Final = 200
_LARGEST: Final = 1e100  # values beyond have no finite squares


def regret_bound(history: History, *, delta: float = 0.1, fewest: int = 2) -> float | None:
    """Return an upper bound on how much better than the best trial any could be.

    Args:
        history: The study; its first objective counts. Trials that were ended early count with
            their last values. Some ten milliseconds a trial, of 200 at most.
        delta: With which probability the bound may fail, between 0 and 1.
        fewest: How many trials with values it takes, at least 2.

    Returns:
        In units of the objective, at least 0; None if there are too few trials, or no parameter.

    Example:
        >>> from luthier import Float, Space, create_study
        >>> study = create_study(space=Space(x=Float(0, 1)), seed=0)
        >>> study.optimize(lambda trial: (trial.suggest_float("x", 0, 1) - 0.3) ** 2, n_trials=20)
        >>> 0 <= regret_bound(study.history) < 0.01
        True
    """
    X, y = _seen(history)
    if len(y) < max(fewest, 2) or not X.shape[1]:
        return None
    categories = [column.categories for column in history.space.encoding.columns]
    n, d = X.shape
    root = math.sqrt(0.4 * math.log(d * n**2 * math.pi**2 / (6 * delta)))
    model = gp.fit(X, y, categories=categories)
    mean, std = model.predict(X)
    upper = float(np.min(mean + root * std))
    mean, std = model.predict(np.vstack([X, _points(history, X, y, categories)]))
    return upper - float(np.min(mean - root * std))


def _seen(history: History) -> tuple[Array, Array]:
    """Encoded trials and values, lower is better: the best 200, the bad ones as bad as the middle.

    Trials that were ended early count with their last values.
    """
    X = np.vstack([history.encoded(history.completed), history.encoded(history.pruned)])
    y = np.concatenate([history.Y[:, 0], _last_values(history)])
    y = np.where(np.abs(y) < _LARGEST, y, np.nan)
    kept = np.flatnonzero(np.isfinite(y))
    kept = np.sort(kept[np.argsort(y[kept], kind="stable")][:_MOST])
    if not len(kept):
        return X[:0], y[:0]
    return X[kept], np.minimum(y[kept], np.median(y[kept]))


def _last_values(history: History) -> Array:
    """The last reported values of pruned trials, lower is better, shape (n,)."""
    name, sign = history.objective.names[0], 1.0
    if history.objective.directions[0] == "maximize":
        sign = -1.0

    def row(trial: FrozenTrial) -> tuple[float]:
        step = trial.last_step
        return (sign * (math.nan if step is None else trial.reports[step].get(name, math.nan)),)

    return history.table(("regret",), history.pruned, row)[:, 0]


def _points(history: History, X: Array, y: Array, categories: list[int]) -> Array:
    """Random points of the encoded cube, and neighbours of the best trials; shape (m, d)."""
    rng = generator(history.seed, history.next_number, "regret")
    anywhere = rng.random((_POINTS, X.shape[1]))
    for j, size in enumerate(categories):
        if size:
            anywhere[:, j] = rng.integers(size, size=_POINTS)
    few, each, distance = _NEAR
    near = np.repeat(X[np.argsort(y)[:few]], each, axis=0)
    numbers = np.array(categories) == 0
    steps = distance * rng.normal(size=(len(near), int(numbers.sum())))
    near[:, numbers] = np.clip(near[:, numbers] + steps, 0, 1)
    return np.vstack([anywhere, near])
