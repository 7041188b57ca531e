"""The front: what is believed of several objectives, and what a trial would add to their front.

Each objective has a model of its own. The front is that of their means at the trials, which noise
doesn't blur, in units of the warped values: a warp is monotone and keeps who dominates whom. What a
trial is worth is the logarithm of the expected hypervolume improvement; the confidence bound takes
the place of the means where the sampler explores.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.numerics.acquisition import Acquired
from luthier.numerics.ehvi import boxes_beyond, log_expected_hypervolume_improvement
from luthier.numerics.marginal import Hyperparameters
from luthier.numerics.pareto import non_dominated
from luthier.samplers.gp.surrogate import Surrogate

__all__ = ["MOST_OBJECTIVES", "Front", "front_of"]

Array = NDArray[np.float64]
MOST_OBJECTIVES: Final = 3
_MOST_POINTS: Final = {2: 60, 3: 24}
_LEADERS: Final = 5
_BEYOND: Final = 0.1
_SURE: Final = 0.1


@final
@dataclass(frozen=True, slots=True, eq=False)
class Front:
    """What is believed of several objectives.

    Attributes:
        parts: What is believed of each. The first has the terms.
        ahead: The front, in units of warped values, shape (n, m).
        reference: What counts is better than this, shape (m,).
        boxes: Lower and upper corners of the boxes that the front leaves open, shape (b, m) each.
        leaders: Trials on the front, far from each other, encoded, shape (k, d).
    """

    parts: tuple[Surrogate, ...]
    ahead: Array
    reference: Array
    boxes: tuple[Array, Array]
    leaders: Array

    @property
    def place(self) -> Array:
        """A trial on the front, encoded, shape (d,)."""
        return np.asarray(self.leaders[0])

    @property
    def hyper(self) -> Hyperparameters:
        """Length scales between those of the objectives."""
        lengths = np.log([part.hyper.lengths for part in self.parts]).mean(axis=0)
        return Hyperparameters(np.exp(lengths), 1.0, 0.0)

    def acquire(self, X: Array, acquisition: str, kappa: float) -> Array:
        """Return the logarithm of what points would add to the front, shape (n,)."""
        predicted = [part.objective.predict(X) for part in self.parts]
        mean, std = (np.column_stack(columns) for columns in zip(*predicted, strict=True))
        return self._acquired(mean, std, acquisition, kappa).value + self.parts[0].bonus(X)

    def acquire_with_gradient(
        self, X: Array, acquisition: str, kappa: float
    ) -> tuple[Array, Array]:
        """Return the same as ``acquire``, and its gradient."""
        predicted = [part.objective.gradient(X) for part in self.parts]
        mean, std = (np.column_stack([row[k] for row in predicted]) for k in (0, 1))
        value, by_mean, by_std = self._acquired(mean, std, acquisition, kappa)
        gradient = np.zeros_like(X)
        for j, (_, _, d_mean, d_std) in enumerate(predicted):
            gradient += by_mean[:, j, None] * d_mean + by_std[:, j, None] * d_std
        for term in self.parts[0].terms:
            more, slope = term.slope(X)
            value, gradient = value + more, gradient + slope
        return value, gradient

    def awaiting(self, X: Array) -> Front:
        """Return the front as if trials that are running had ended as it expects."""
        if not len(X):
            return self
        expected = np.column_stack([part.objective.mean(X) for part in self.parts])
        ahead = np.concatenate([self.ahead, expected])
        return replace(
            self,
            parts=tuple(part.awaiting(X) for part in self.parts),
            ahead=ahead,
            boxes=boxes_beyond(ahead, self.reference),
        )

    def _acquired(self, mean: Array, std: Array, acquisition: str, kappa: float) -> Acquired:
        if acquisition != "ucb":
            return log_expected_hypervolume_improvement(mean, std, *self.boxes)
        bound = mean - kappa * std
        found = log_expected_hypervolume_improvement(bound, _SURE * std, *self.boxes)
        return found._replace(by_std=_SURE * found.by_std - kappa * found.by_mean)


def front_of(parts: tuple[Surrogate, ...], X: Array) -> Front:
    """Return the front of some trials.

    Args:
        parts: What is believed of each objective, two or three.
        X: Trials that broke no constraint, encoded, at least one, shape (n, d).
    """
    F = np.column_stack([part.objective.mean(X) for part in parts])
    ahead = non_dominated(F)
    X, F = X[ahead], F[ahead]
    unit = np.ptp(F, axis=0)
    reference = F.max(axis=0) + np.maximum(_BEYOND * unit, _BEYOND)
    order = _apart(F / np.where(unit > 0, unit, 1.0), _MOST_POINTS[len(parts)])
    boxes = boxes_beyond(F[order], reference)
    parts = (parts[0], *(replace(part, terms=()) for part in parts[1:]))
    return Front(parts, F[order], reference, boxes, X[order[:_LEADERS]])


def _apart(F: Array, k: int) -> NDArray[np.intp]:
    """Places of at most k points, each as far as can be from those before it."""
    order = [int(F.sum(axis=1).argmin())]
    distance = np.square(F - F[order[0]]).sum(axis=1)
    while len(order) < min(k, len(F)):
        order.append(int(distance.argmax()))
        distance = np.minimum(distance, np.square(F - F[order[-1]]).sum(axis=1))
    return np.array(order, dtype=np.intp)
