"""The surrogate: what is believed of the objective, and what a trial at a point would be worth.

The value of a point is the logarithm of an acquisition function of the objective's model, and terms
are added to it: the log probability of success, less a share of the log cost, and the log density
of the user's priors, which counts less and less.

Failure is met twice. A model of the margins (how far a trial is from those that ended otherwise)
gives the probability of a crash, as models of the constraints give that of breaking them. And a
trial that crashed counts as no better than the mean in the model of the objective, which otherwise
would promise ever more beyond the edge of what works.

Trials that are running are taken to end as the model expects (kriging believer): the mean stays
what it is, and the uncertainty about them goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.evidence import Evidence, Reports
from luthier.numerics.acquisition import chain, log_named, thompson
from luthier.numerics.gp import GaussianProcess
from luthier.numerics.kernels import Kernel
from luthier.numerics.marginal import Hyperparameters
from luthier.numerics.paths import Path
from luthier.numerics.warp import Warp
from luthier.samplers.gp.fitting import Data, model_of
from luthier.samplers.gp.terms import Success, Term

__all__ = ["Surrogate", "model_of_all", "recent", "surrogate_of"]

Array = NDArray[np.float64]
_MOST_CRASHES: Final = 200
_MOST_RECENT: Final = 600
_POOR: Final = 0.0  # the mean of all trials: with more the edge is hidden, with less more crash


@final
@dataclass(frozen=True, slots=True, eq=False)
class Surrogate:
    """What is believed of the objective.

    Attributes:
        objective: A model of the warped values.
        terms: What is added to the acquisition.
        best: The lowest mean at a trial that counts.
        place: That trial, encoded, shape (d,).
        leaders: The five of lowest mean, best first, shape (k, d).
        seen: Places in the evidence of the trials that the model has seen, in its order.
        unwarned: The model of the objective without the trials that crashed.
        partial: Whether the model has a last column that says how far a trial got.
    """

    objective: GaussianProcess
    terms: tuple[Term, ...]
    best: float
    place: Array
    leaders: Array
    seen: NDArray[np.intp]
    unwarned: GaussianProcess
    partial: bool = False

    @property
    def hyper(self) -> Hyperparameters:
        """What the model of the objective is like."""
        return self.objective.hyper

    def acquire(self, X: Array, acquisition: str, kappa: float) -> Array:
        """Return the logarithm of what it would be worth to try points, shape (n,)."""
        mean, std = self.objective.predict(self.whole(X))
        value = log_named(acquisition, mean, std, self.best, kappa).value
        return np.asarray(value + self.bonus(X))

    def bonus(self, X: Array) -> Array:
        """Return the sum of all terms, shape (n,)."""
        total = np.zeros(len(X))
        for term in self.terms:
            total += term.value(X)
        return total

    def acquire_with_gradient(
        self, X: Array, acquisition: str, kappa: float
    ) -> tuple[Array, Array]:
        """Return the same as ``acquire``, and its gradient."""
        mean, std, d_mean, d_std = self.objective.gradient(self.whole(X))
        acquired = log_named(acquisition, mean, std, self.best, kappa)
        value, gradient = acquired.value, chain(acquired, d_mean, d_std)[:, : X.shape[1]]
        for term in self.terms:
            more, slope = term.slope(X)
            value, gradient = value + more, gradient + slope
        return value, gradient

    def along(self, path: Path, X: Array) -> Array:
        """Return how good points are by a function drawn from the model, with terms, shape (n,)."""
        return np.asarray(thompson(path.value(self.whole(X))).value + self.bonus(X))

    def awaiting(self, X: Array) -> Surrogate:
        """Return the surrogate as if trials that are running had ended as it expects."""
        if not len(X):
            return self
        terms = tuple(term.awaiting(X) for term in self.terms)
        model, X = self.objective, self.whole(X)
        return replace(self, objective=model.append(X, model.mean(X)), terms=terms)

    def whole(self, X: Array) -> Array:
        """Return rows as the model of the objective takes them: for trials that end."""
        return np.column_stack([X, np.ones(len(X))]) if self.partial else X


def surrogate_of(
    evidence: Evidence,
    categories: tuple[int, ...],
    *,
    kernel: Kernel,
    warp: Warp,
    bends: bool = False,
    reports: Reports | None = None,
    terms: tuple[Term, ...] = (),
) -> Surrogate:
    """Fit models to the evidence.

    Args:
        evidence: At least one trial with a value.
        categories: For each column the number of choices, or 0 for a number.
        kernel: The kernel of the objective's model.
        warp: How the values are warped.
        bends: Whether inputs may be warped.
        reports: What to learn from reports, in place of the pruned trials.
        terms: More to be added to the acquisition.
    """
    d = len(categories)
    X, y, noise, feasible = evidence.X, evidence.y, evidence.noise, evidence.feasible
    n = evidence.n_completed
    if reports is not None:
        X, y, feasible = np.column_stack([reports.X, reports.share]), reports.y, reports.feasible
        n, noise, categories = len(y), np.zeros(len(y)), (*categories, 0)
    data = Data(X, y, categories, kernel, warp, bends)
    objective, seen = model_of(data, noise, feasible, n)
    mean = np.where(feasible[seen], objective.smoothed, np.inf)
    order = np.argsort(mean, kind="stable")[:5]
    leaders = X[seen[order], :d]
    unwarned, crashed = objective, evidence.crashed[-_MOST_CRASHES:]
    if len(crashed):
        if reports is not None:
            crashed = np.column_stack([crashed, np.ones(len(crashed))])
        objective = objective.append(crashed, np.maximum(objective.mean(crashed), _POOR))
    hurdles = tuple(_hurdles(evidence, categories[:d]))
    best = float(mean[order[0]])
    partial, terms = reports is not None, (*hurdles, *terms)
    return Surrogate(objective, terms, best, leaders[0], leaders, seen, unwarned, partial)


def recent(n: int) -> slice:
    """Return which of n trials a model sees that is to see the latest: as many as is affordable."""
    return slice(-(min(0, _MOST_RECENT - n) // 100) * 100, n)


def model_of_all(data: Data) -> GaussianProcess:
    """Return a model of data without known noise, all of which is worth to be seen."""
    n = len(data)
    return model_of(data, np.zeros(n), np.ones(n, dtype=bool), n)[0].revalued(data.y)


def _hurdles(evidence: Evidence, categories: tuple[int, ...]) -> Iterator[Success]:
    if not evidence.succeeded.all():
        last = recent(len(evidence.succeeded))
        outcomes = evidence.outcomes[last], evidence.succeeded[last]
        yield Success(model_of_all(Data.of_outcomes(*outcomes, categories)))
    X, last = evidence.X[: evidence.n_completed], recent(evidence.n_completed)
    for excess in evidence.excess.T:
        yield Success(model_of_all(Data(X[last], np.ascontiguousarray(excess[last]), categories)))
