"""Terms: what is added to the acquisition of a point beside what the objective's model says.

    Success     log p(g(x) < 0), for crashes and each constraint
    Cost        -w mu(x), where mu is the expected log cost
    Believed    w log pi(x), where pi is the density of the priors

References:
    Gardner et al., Bayesian optimization with inequality constraints, ICML 2014. Snoek et al.,
    Practical Bayesian optimization, arXiv:1206.2944 (cost). Hvarfner et al., piBO,
    arXiv:2204.11051.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.numerics.acquisition import (
    Acquired,
    chain,
    log_cost,
    log_prior,
    log_probability_below,
)
from luthier.numerics.gp import GaussianProcess
from luthier.samplers.gp.belief import Belief

__all__ = ["Believed", "Cost", "Success", "Term"]

Array = NDArray[np.float64]
_LEAST_STD: Final = 1e-6


class Term(ABC):
    """A function of points that is added to the logarithm of the acquisition."""

    __slots__ = ()

    def value(self, X: Array) -> Array:
        """Return the term at points of shape (n, d), shape (n,)."""
        return self.slope(X)[0]

    @abstractmethod
    def slope(self, X: Array) -> tuple[Array, Array]:
        """Return the term, shape (n,), and its gradient, shape (n, d)."""

    def awaiting(self, X: Array) -> Term:
        """Return the term while trials are running: as it is."""
        return self


@final
@dataclass(frozen=True, slots=True, eq=False)
class Success(Term):
    """The log probability that something is below 0, by a model of it."""

    model: GaussianProcess

    def value(self, X: Array) -> Array:
        """Return the log probability."""
        return _below_zero(*self.model.predict(X)).value

    def slope(self, X: Array) -> tuple[Array, Array]:
        """Return it and its gradient."""
        mean, std, d_mean, d_std = self.model.gradient(X)
        likely = _below_zero(mean, std)
        return likely.value, chain(likely, d_mean, d_std)

    def awaiting(self, X: Array) -> Success:
        """Return the term as if trials ended as the model expects."""
        return Success(self.model.append(X, self.model.mean(X)))


def _below_zero(mean: Array, std: Array) -> Acquired:
    """The log probability of a value below 0 apart from noise, which would blur edges."""
    return log_probability_below(mean, np.maximum(std, _LEAST_STD), 0.0)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Cost(Term):
    """Less a share of the log cost, by a model of it."""

    model: GaussianProcess
    share: float

    def value(self, X: Array) -> Array:
        """Return minus the share of the expected log cost."""
        return log_cost(self.model.mean(X), self.share).value

    def slope(self, X: Array) -> tuple[Array, Array]:
        """Return it and its gradient."""
        mean, _, d_mean, d_std = self.model.gradient(X)
        cost = log_cost(mean, self.share)
        return cost.value, chain(cost, d_mean, d_std)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Believed(Term):
    """The log density of the priors, with a weight."""

    belief: Belief
    weight: float

    def slope(self, X: Array) -> tuple[Array, Array]:
        """Return it and its gradient."""
        log_density, gradient = self.belief.log_density(X)
        believed = log_prior(log_density, self.weight)
        return believed.value, chain(believed, gradient, np.zeros_like(gradient))
