"""The front: what is believed of several objectives, and what a trial would improve on them.

Each objective has a model of its own. The front is that of their means at the trials, which noise
doesn't blur, in units of the warped values: a warp is monotone and keeps who dominates whom. What
a trial is worth is the logarithm of what it is expected to improve on the aim, which is the volume
of the front or, of more than three objectives, a weighting drawn for each ask; the confidence bound
takes the place of the means where the sampler explores.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.numerics.aims import Aim, aim_of, improvement
from luthier.numerics.marginal import Hyperparameters
from luthier.samplers.gp.surrogate import Surrogate

__all__ = ["Front", "front_of"]

Array = NDArray[np.float64]
_LEADERS: Final = 5


@final
@dataclass(frozen=True, slots=True, eq=False)
class Front:
    """What is believed of several objectives.

    Attributes:
        parts: What is believed of each. The first has the terms.
        aim: What is to be improved, in units of warped values.
        leaders: Trials on the front that the aim is about, encoded, shape (k, d).
    """

    parts: tuple[Surrogate, ...]
    aim: Aim
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
        """Return the logarithm of what points would improve, shape (n,)."""
        predicted = [part.objective.predict(X) for part in self.parts]
        mean, std = (np.column_stack(columns) for columns in zip(*predicted, strict=True))
        value = improvement(self.aim, acquisition, mean, std, kappa).value
        return np.asarray(value + self.parts[0].bonus(X))

    def acquire_with_gradient(
        self, X: Array, acquisition: str, kappa: float
    ) -> tuple[Array, Array]:
        """Return the same as ``acquire``, and its gradient."""
        predicted = [part.objective.gradient(X) for part in self.parts]
        mean, std = (np.column_stack([row[k] for row in predicted]) for k in (0, 1))
        value, by_mean, by_std = improvement(self.aim, acquisition, mean, std, kappa)
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
        parts = tuple(part.awaiting(X) for part in self.parts)
        return replace(self, parts=parts, aim=self.aim.beyond(expected))


def front_of(parts: tuple[Surrogate, ...], X: Array, rng: np.random.Generator) -> Front:
    """Return the front of some trials.

    Args:
        parts: What is believed of each objective, two or more.
        X: Trials that broke no constraint, encoded, at least one, shape (n, d).
        rng: Draws a weighting, if there are more than three objectives.
    """
    F = np.column_stack([part.objective.mean(X) for part in parts])
    aim, places = aim_of(F, rng)
    parts = (parts[0], *(replace(part, terms=()) for part in parts[1:]))
    return Front(parts, aim, X[places[:_LEADERS]])
