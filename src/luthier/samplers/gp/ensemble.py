"""The ensemble: models of all rungs, each trusted as far as it ranks the highest rung's trials.

    name      meaning                                                          shape
    mu, s     mean and deviation of each rung's model                          (k, m)
    p         the share of pairs of the highest rung's trials that it puts     (k,)
              in their order
    w         trust: p^3 over the sum of these                                 (k,)

    1 / S^2  =  sum_i w_i / s_i^2          M  =  S^2 sum_i w_i mu_i / s_i^2

This is a generalised product of experts: who is sure of a point counts more there. A lower rung's
model says what it expects of the highest rung's trials; the highest rung's own says of each what it
expects from all others. So early values count while they tell who will be good, and as long as
late ones are few.

References:
    Li et al., MFES-HB: Efficient Hyperband with Multi-Fidelity Quality Measurements, AAAI 2021,
    arXiv:2012.03011. Cao and Fleet, arXiv:1410.7827: the product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.evidence import Evidence
from luthier.numerics.acquisition import chain, log_named
from luthier.numerics.marginal import Hyperparameters
from luthier.samplers.gp.surrogate import Surrogate

__all__ = ["Ensemble", "ensemble_of"]

Array = NDArray[np.float64]
_MOST_RANKED: Final = 200
_SHARPNESS: Final = 3  # of the paper
_LEADERS: Final = 5


@final
@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """What is believed of the objective from several rungs.

    Attributes:
        parts: What is believed from each, the lowest rung first. The last has the terms.
        weights: How far each is trusted, together 1, shape (k,).
        best: The lowest mean at a trial of the highest rung that counts.
        leaders: The five such trials of lowest mean, best first, encoded, shape (l, d).
    """

    parts: tuple[Surrogate, ...]
    weights: Array
    best: float
    leaders: Array

    @property
    def place(self) -> Array:
        """The best trial, encoded, shape (d,)."""
        return np.asarray(self.leaders[0])

    @property
    def hyper(self) -> Hyperparameters:
        """What the model that is trusted most is like."""
        return self.parts[int(np.argmax(self.weights))].hyper

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Return the mean and standard deviation at points, both of shape (m,)."""
        mu, s = zip(*(part.objective.predict(X) for part in self.parts), strict=True)
        precision = self.weights[:, None] / np.square(s)
        variance = 1.0 / precision.sum(axis=0)
        return variance * (precision * np.array(mu)).sum(axis=0), np.sqrt(variance)

    def acquire(self, X: Array, acquisition: str, kappa: float) -> Array:
        """Return the logarithm of what it would be worth to try points, shape (m,)."""
        value = log_named(acquisition, *self.predict(X), self.best, kappa).value
        return np.asarray(value + self.parts[-1].bonus(X))

    def acquire_with_gradient(
        self, X: Array, acquisition: str, kappa: float
    ) -> tuple[Array, Array]:
        """Return the same as ``acquire``, and its gradient."""
        predicted = zip(*(part.objective.gradient(X) for part in self.parts), strict=True)
        mu, s, d_mu, d_s = map(np.array, predicted)
        precision = self.weights[:, None] / s**2
        variance = 1.0 / precision.sum(axis=0)
        mean, std = variance * (precision * mu).sum(axis=0), np.sqrt(variance)
        d_precision = -2.0 * (precision / s)[..., None] * d_s
        d_mean = (d_precision * (mu - mean)[..., None] + precision[..., None] * d_mu).sum(axis=0)
        d_std = -0.5 * (std * variance)[:, None] * d_precision.sum(axis=0)
        acquired = log_named(acquisition, mean, std, self.best, kappa)
        value, gradient = acquired.value, chain(acquired, variance[:, None] * d_mean, d_std)
        for term in self.parts[-1].terms:
            more, slope = term.slope(X)
            value, gradient = value + more, gradient + slope
        return value, gradient

    def awaiting(self, X: Array) -> Ensemble:
        """Return the ensemble as if trials that are running had ended as each part expects.

        A rung that they have reached has seen them.
        """
        parts = (part.awaiting(X[~part.objective.has_seen(X)]) for part in self.parts)
        return replace(self, parts=tuple(parts))


def ensemble_of(parts: Sequence[Surrogate], evidence: Evidence) -> Ensemble:
    """Return the ensemble of what is believed from some rungs.

    Args:
        parts: What is believed from each, the lowest rung first.
        evidence: That of the highest rung.
    """
    *lower, last = parts
    n = len(last.seen)
    ranked = np.arange(max(0, n - _MOST_RANKED), n)
    X, y = evidence.X[last.seen[ranked]], evidence.y[last.seen[ranked]]
    left_out = last.objective.leave_one_out[0][ranked]
    told = [*(part.objective.mean(X) for part in lower), left_out]
    trust = np.array([_in_order(y, values) for values in told]) ** _SHARPNESS
    whole = Ensemble(tuple(parts), trust / trust.sum(), 0.0, last.leaders)
    known = evidence.X[last.seen]
    mean = np.where(evidence.feasible[last.seen], whole.predict(known)[0], np.inf)
    order = np.argsort(mean, kind="stable")[:_LEADERS]
    return replace(whole, best=float(mean[order[0]]), leaders=known[order])


def _in_order(y: Array, told: Array) -> float:
    """The share of pairs that are told in their order, ties left out; above 0, so that it weighs.

    Where all values are equal, or there is one, it is a half.
    """
    i, j = np.triu_indices(len(y), 1)
    differ = y[i] != y[j]
    right = ((y[i] < y[j]) == (told[i] < told[j])) & differ
    return float((right.sum() + 0.5) / (differ.sum() + 1.0))
