"""The surrogate: Gaussian processes of the objective and of failure, fitted to the evidence.

Hyperparameters of n trials are searched from those of fewer trials, which is much faster than from
nothing, and must still depend on the trials alone. So they are a recursive function of the data:
those of n trials start from those of the first n' trials, where n' is n without its lowest binary
digit: 100 -> 96 -> 64 -> from nothing. A study that goes on finds all of them in a cache; one that
is resumed computes at most log2(n) of them anew.

Failure is met twice. A model of the labels 1 and -1 gives the probability of a crash, as models
of the constraints give that of breaking them, and success multiplies the improvement. And a trial
that crashed counts as one of rather poor value in the model of the objective, which otherwise
would promise ever more beyond the edge of what works.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.evidence import Evidence
from luthier.numerics.acquisition import (
    Acquired,
    chain,
    log_expected_improvement,
    log_probability_below,
    lower_confidence_bound,
)
from luthier.numerics.gp import GaussianProcess, condition
from luthier.numerics.kernels import Features, Kernel
from luthier.numerics.marginal import Hyperparameters, map_estimate
from luthier.numerics.warp import Warp, standardised, warped

__all__ = ["Surrogate", "surrogate_of"]

Array = NDArray[np.float64]
_MOST: Final = 600
_MOST_TO_FIT: Final = 250
_MOST_CRASHES: Final = 200
_POOR: Final = 1.0  # a standard deviation worse than the average
_COLD_STEPS: Final = 40
_WARM_STEPS: Final = 20


@final
@dataclass(frozen=True, slots=True, eq=False)
class Surrogate:
    """What is believed of the objective.

    Attributes:
        objective: A model of the warped values.
        hurdles: Models of what must be below 0: a label that is 1 for trials that crashed and -1
            for others, and the excess over each constraint.
        best: The lowest mean at a trial that counts.
        place: That trial, encoded, shape (d,).
        leaders: The five of lowest mean, best first, shape (k, d).
    """

    objective: GaussianProcess
    hurdles: tuple[GaussianProcess, ...]
    best: float
    place: Array
    leaders: Array

    def acquire(self, X: Array, acquisition: str, kappa: float) -> Array:
        """Return how much it would be worth to try points, on a scale that may be a logarithm."""
        value = self._acquired(*self.objective.predict(X), acquisition, kappa).value
        return value + self.log_success(X)

    def log_success(self, X: Array) -> Array:
        """Return the log probability that trials neither crash nor break a constraint, (n,)."""
        total = np.zeros(len(X))
        for model in self.hurdles:
            total += _log_below_zero(*model.predict(X), model).value
        return total

    def acquire_with_gradient(
        self, X: Array, acquisition: str, kappa: float
    ) -> tuple[Array, Array]:
        """Return the same as ``acquire``, and its gradient."""
        mean, std, d_mean, d_std = self.objective.gradient(X)
        acquired = self._acquired(mean, std, acquisition, kappa)
        value, gradient = acquired.value, chain(acquired, d_mean, d_std)
        for model in self.hurdles:
            mean, std, d_mean, d_std = model.gradient(X)
            likely = _log_below_zero(mean, std, model)
            value, gradient = value + likely.value, gradient + chain(likely, d_mean, d_std)
        return value, gradient

    def believing(self, X: Array) -> Surrogate:
        """Return the surrogate as if trials that are running had ended as it expects."""
        if not len(X):
            return self
        objective, *hurdles = (
            model.append(X, model.mean(X)) for model in (self.objective, *self.hurdles)
        )
        return replace(self, objective=objective, hurdles=tuple(hurdles))

    def _acquired(self, mean: Array, std: Array, acquisition: str, kappa: float) -> Acquired:
        if acquisition == "ucb":
            return lower_confidence_bound(mean, std, kappa)
        if acquisition == "pi":
            return log_probability_below(mean, std, self.best)
        return log_expected_improvement(mean, std, self.best)


def _log_below_zero(mean: Array, std: Array, model: GaussianProcess) -> Acquired:
    """The log probability that what will be observed is below 0."""
    noise = model.hyper.noise * model.unit**2
    total = np.sqrt(std * std + noise)
    value, by_mean, by_total = log_probability_below(mean, total, 0.0)
    return Acquired(value, by_mean, by_total * std / total)


def surrogate_of(
    evidence: Evidence, categories: tuple[int, ...], *, kernel: Kernel, warp: Warp
) -> Surrogate:
    """Fit models to the evidence.

    Args:
        evidence: At least one trial with a value.
        categories: For each column the number of choices, or 0 for a number.
        kernel: The kernel of the objective's model.
        warp: How the values are warped.
    """
    data = _Data(evidence.X, evidence.y, categories, kernel, warp)
    hyper = _hyperparameters(data.first(_anchor(evidence.n_completed)))
    z = warped(evidence.y, warp)
    keep = _kept(evidence.X, z, evidence.feasible, hyper, Features(categories))
    X, z, noise = evidence.X[keep], z[keep], evidence.noise[keep]
    objective = condition(X, z, hyper, categories=categories, noise=noise, kernel=kernel)
    mean = np.where(evidence.feasible[keep], objective.mean(X), np.inf)
    order = np.argsort(mean, kind="stable")[:5]
    crashed = evidence.crashed[-_MOST_CRASHES:]
    if len(crashed):
        objective = objective.append(crashed, np.maximum(objective.mean(crashed), _POOR))
    return Surrogate(
        objective,
        tuple(_hurdles(evidence, categories)),
        float(mean[order[0]]),
        X[order[0]],
        X[order],
    )


def _hurdles(evidence: Evidence, categories: tuple[int, ...]) -> Iterator[GaussianProcess]:
    if not evidence.succeeded.all():
        labels = np.where(evidence.succeeded, -1.0, 1.0)
        yield _recent(evidence.outcomes, labels, categories)
    for excess in evidence.excess.T:
        yield _recent(evidence.X[: evidence.n_completed], excess, categories)


def _recent(X: Array, y: Array, categories: tuple[int, ...]) -> GaussianProcess:
    """A model of the latest trials, of as many as is affordable."""
    y = np.ascontiguousarray(y)
    hyper = _hyperparameters(_Data(X, y, categories, "matern52", "none").first(_anchor(len(y))))
    return condition(X[-_MOST:], y[-_MOST:], hyper, categories=categories)


@final
class _Data:
    """Data that hyperparameters are fitted to; equal where the contents are."""

    __slots__ = ("X", "_digest", "categories", "kernel", "warp", "y")

    def __init__(
        self, X: Array, y: Array, categories: tuple[int, ...], kernel: Kernel, warp: Warp
    ) -> None:
        self.X, self.y, self.categories = X, y, categories
        self.kernel, self.warp = kernel, warp
        digest = hashlib.blake2b(X.tobytes(), digest_size=16)
        digest.update(y.tobytes() + repr((categories, kernel, warp)).encode())
        self._digest = digest.digest()

    def first(self, n: int) -> _Data:
        return _Data(self.X[:n], self.y[:n], self.categories, self.kernel, self.warp)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Data) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)


@lru_cache(maxsize=256)
def _hyperparameters(data: _Data) -> Hyperparameters:
    n = len(data.y)
    earlier = n & (n - 1)
    start = _hyperparameters(data.first(earlier)) if earlier else None
    X, y = data.X, data.y
    if n > _MOST_TO_FIT:
        keep = _best_and_others(y, _MOST_TO_FIT)
        X, y = X[keep], y[keep]
    features = Features(data.categories)
    steps = _COLD_STEPS if start is None else _WARM_STEPS
    y = standardised(warped(y, data.warp))
    return map_estimate(
        features.of(X), y, features, kernel=data.kernel, start=start, max_steps=steps
    )


def _anchor(n: int) -> int:
    """How many of n trials hyperparameters are fitted to: all of few, every so often of many."""
    if n < 16:
        return n
    step: int = 1 << (n // 16).bit_length() - 1
    return n // step * step


def _best_and_others(y: Array, k: int) -> NDArray[np.intp]:
    """Places of the best two fifths of k values, and of others spread evenly over time."""
    order = np.argsort(y, kind="stable")
    best, others = order[: 2 * k // 5], np.sort(order[2 * k // 5 :])
    spread = others[np.linspace(0, len(others) - 1, k - len(best)).astype(np.intp)]
    return np.sort(np.concatenate([best, spread]))


def _kept(
    X: Array,
    y: Array,
    feasible: NDArray[np.bool_],
    hyper: Hyperparameters,
    features: Features,
) -> NDArray[np.intp]:
    """Places of the trials a model sees: of too many the best, those around it, and others."""
    n = len(y)
    if n <= _MOST:
        return np.arange(n)
    order = np.lexsort((y, ~feasible))
    best, rest = order[: _MOST // 2], order[_MOST // 2 :]
    A = features.of(X) / hyper.lengths[features.owner]
    distance = np.square(A[rest] - A[order[0]]).sum(axis=1)
    by_distance = rest[np.argsort(distance, kind="stable")]
    near, far = by_distance[: _MOST // 4], np.sort(by_distance[_MOST // 4 :])
    spread = far[np.linspace(0, len(far) - 1, _MOST // 4).astype(np.intp)]
    return np.sort(np.concatenate([best, near, spread]))
