"""Fitting: hyperparameters and factorisations, as functions of the data alone.

Hyperparameters of n trials are searched from those of fewer trials, which is much faster than from
nothing, and must still depend on the trials alone. So they are a recursive function of the data:
those of n trials start from those of the first n' trials, where n' is n without its lowest binary
digit: 100 -> 96 -> 64 -> from nothing. A study that goes on finds all of them in a cache; one that
is resumed computes at most log2(n) of them anew. Trials since the last fit are appended.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.evidence import best_and_others
from luthier.numerics.gp import GaussianProcess, condition
from luthier.numerics.kernels import Features, Kernel
from luthier.numerics.margin import margins
from luthier.numerics.marginal import Hyperparameters, map_estimate, negative_log_posterior
from luthier.numerics.warp import Warp, standardised, warped
from luthier.samplers.gp.columns import splits

__all__ = ["Data", "model_of"]

Array = NDArray[np.float64]
_MOST: Final = 600
_MOST_TO_FIT: Final = 250
_MOST_MORE: Final = 200
_COLD_STEPS: Final = 40
_WARM_STEPS: Final = 10
_FIT_EVERY: Final = 32  # at most; trials since then are appended
_GAIN: Final = 3.0  # nats
_ROUGHLY: Final = 0.4
_LEAST_SPREAD: Final = 1e-12
_NOISY: Final = 0.1
_BEND_EVERY: Final = 16
_BEND_AFTER: Final = 4  # trials a number


@final
class Data:
    """What a model is fitted to; equal where the contents are.

    Args:
        X: Encoded trials in the order in which they count, shape (n, d).
        y: Their values, shape (n,).
        categories: For each column the number of choices, or 0 for a number.
        kernel: The kernel.
        warp: How values are warped.
        bends: Whether inputs may be warped.
    """

    __slots__ = ("X", "_digest", "bends", "categories", "kernel", "succeeded", "warp", "y")

    def __init__(
        self,
        X: Array,
        y: Array,
        categories: tuple[int, ...],
        kernel: Kernel = "matern52",
        warp: Warp = "none",
        bends: bool = False,
    ) -> None:
        self.X, self.y, self.categories = X, y, categories
        self.kernel, self.warp, self.bends = kernel, warp, bends
        self.succeeded: NDArray[np.bool_] | None = None
        digest = hashlib.blake2b(X.tobytes(), digest_size=16)
        digest.update(y.tobytes() + repr((categories, kernel, warp, bends)).encode())
        self._digest = digest.digest()

    @staticmethod
    def of_outcomes(X: Array, succeeded: NDArray[np.bool_], categories: tuple[int, ...]) -> Data:
        """Return how far trials are from others that ended otherwise, below 0 if they succeeded."""
        data = Data(X, margins(Features(categories).of(X), succeeded), categories)
        data.succeeded = succeeded
        return data

    def first(self, n: int) -> Data:
        """Return the first n trials, as they were when there were no others."""
        if self.succeeded is not None:
            return Data.of_outcomes(self.X[:n], self.succeeded[:n], self.categories)
        settings = (self.categories, self.kernel, self.warp, self.bends)
        return Data(self.X[:n], self.y[:n], *settings)

    @property
    def features(self) -> Features:
        """How its columns become features."""
        by_choice = self.succeeded is None and splits(self.categories)
        return Features(self.categories, by_choice=by_choice)

    @property
    def doubt(self) -> Array:
        """How uncertain values are by their nature, as variances of standardised values, (n,).

        A margin is known as well as the place of the edge near it is: better, the nearer it is.
        """
        if self.succeeded is None:
            return np.zeros(len(self))
        return np.square(_ROUGHLY * self.y / max(float(self.y.std()), _LEAST_SPREAD))

    def plain(self) -> Data:
        """Return the same without warps."""
        return Data(self.X, self.y, self.categories, self.kernel)

    def __len__(self) -> int:
        return len(self.y)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Data) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)


def model_of(
    data: Data, noise: Array, feasible: NDArray[np.bool_], n: int
) -> tuple[GaussianProcess, NDArray[np.intp]]:
    """Return the model of data, and the places of the trials that it has seen.

    Args:
        data: The data.
        noise: Known variances of the noise of warped values, shape (m,).
        feasible: Which trials are worth to be seen most, shape (m,).
        n: How many to fit to; those after them, of which the last 200 are seen, are only seen.
    """
    settled = _anchor(n)
    if data.warp != "none" and _is_blurred(data.first(settled)):
        data = data.plain()
    first = data.first(settled)
    known = ((noise[:settled] + first.doubt).tobytes(), feasible[:settled].tobytes())
    model, keep = _settled(first, *known)
    new = np.arange(settled, len(data))
    new = new[(new < n) | (new >= len(data) - _MOST_MORE)]
    if len(new):
        model = model.append(data.X[new], np.zeros(len(new)), (noise + data.doubt)[new])
    seen = np.concatenate([keep, new])
    return model.revalued(warped(data.y, data.warp)[seen]), seen


@lru_cache(maxsize=12)
def _settled(data: Data, noise: bytes, feasible: bytes) -> tuple[GaussianProcess, NDArray[np.intp]]:
    hyper = _hyperparameters(data)
    keep = _kept(data, hyper, np.frombuffer(feasible, dtype=bool))
    model = condition(
        data.X[keep],
        warped(data.y, data.warp)[keep],
        hyper,
        categories=data.categories,
        by_choice=data.features.by_choice,
        noise=np.frombuffer(noise)[keep],
        kernel=data.kernel,
    )
    return model, keep


@lru_cache(maxsize=16)
def _is_blurred(data: Data) -> bool:
    """Whether noise fills the room that warps make for good values, and less is known with them."""
    if _hyperparameters(data).noise < _NOISY:
        return False
    return _skill(data) < _skill(data.plain())


def _skill(data: Data) -> float:
    n = len(data)
    return _settled(data, np.zeros(n).tobytes(), np.ones(n, dtype=bool).tobytes())[0].skill


@lru_cache(maxsize=256)
def _hyperparameters(data: Data) -> Hyperparameters:
    n = len(data)
    earlier = n & (n - 1)
    start = _hyperparameters(data.first(earlier)) if earlier else None
    X, y, doubt = data.X, data.y, data.doubt
    if n > _MOST_TO_FIT:
        keep = np.sort(best_and_others(np.argsort(y, kind="stable"), _MOST_TO_FIT))
        X, y, doubt = X[keep], y[keep], doubt[keep]
    features = data.features
    F, z = features.of(X), standardised(warped(y, data.warp))
    at_once = float(np.mean((~np.isnan(X)).sum(axis=1)))  # of conditional parameters only some

    def fitted(start: Hyperparameters | None, bent: bool) -> Hyperparameters:
        steps = _COLD_STEPS if start is None else _WARM_STEPS
        return map_estimate(
            F,
            z,
            features,
            extra=doubt,
            kernel=data.kernel,
            start=start,
            bent=bent,
            at_once=at_once,
            max_steps=steps,
        )

    def badness(hyper: Hyperparameters) -> float:
        return negative_log_posterior(
            hyper.theta, F, z, features, kernel=data.kernel, at_once=at_once
        )[0]

    if not data.bends or n < max(_BEND_AFTER * len(features.numbers), _BEND_EVERY):
        return fitted(start, False)
    if n % (_BEND_EVERY if n < 4 * _BEND_EVERY else 2 * _BEND_EVERY):
        return fitted(start, start is not None and start.bend is not None)
    straight, bent = fitted(start, False), fitted(start, True)
    return bent if badness(bent) < badness(straight) - _GAIN else straight


def _anchor(n: int) -> int:
    """How many of n trials hyperparameters are fitted to: all of few, every so often of many."""
    if n < 16:
        return n
    step: int = min(1 << (n // 16).bit_length() - 1, _FIT_EVERY)
    return n // step * step


def _kept(data: Data, hyper: Hyperparameters, feasible: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Places of the trials a model sees: of too many the best, those around it, and others."""
    if len(data) <= _MOST:
        return np.arange(len(data))
    features = data.features
    order = np.lexsort((data.y, ~feasible))
    best, rest = order[: _MOST // 2], order[_MOST // 2 :]
    A = hyper.scaled(features.of(data.X), features)
    distance = np.square(A[rest] - A[order[0]]).sum(axis=1)
    by_distance = rest[np.argsort(distance, kind="stable")]
    near, far = by_distance[: _MOST // 4], np.sort(by_distance[_MOST // 4 :])
    spread = far[np.linspace(0, len(far) - 1, _MOST // 4).astype(np.intp)]
    return np.sort(np.concatenate([best, near, spread]))
