"""What an estimator of hypergradients gives back, and what it says about its trustworthiness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, final

from torch import Tensor

from luthier.gradient.flat import Flat

__all__ = ["Diagnostics", "Estimate", "Estimator"]


@final
@dataclass(frozen=True, slots=True)
class Diagnostics:
    """How an estimate came about.

    Attributes:
        products: Products with a Hessian (or steps differentiated) that it took.
        residual: What the linear system lacks of its solution, relative to its right side; NaN
            where no system was solved.
        negative_curvature: Whether the inner loss was found to bend downwards somewhere: then
            training hasn't reached a minimum, and implicit estimates mean little.
        gradient_norm: Of the inner loss at w: how far training is from its end.
    """

    products: int
    residual: float
    negative_curvature: bool
    gradient_norm: float = float("nan")


@final
@dataclass(frozen=True, slots=True)
class Estimate:
    """A hypergradient.

    Attributes:
        loss: The outer loss, a scalar.
        gradient: Its total derivative by the hyperparameters in their own units, shape (q,).
        w: The parameters it is about, shape (p,).
        diagnostics: How it came about.
        adjoint: The solution of the linear system, shape (p,), for the next to go on from; None
            where nothing is gained by that.
    """

    loss: Tensor
    gradient: Tensor
    w: Tensor
    diagnostics: Diagnostics
    adjoint: Tensor | None = None


class Estimator(Protocol):
    """A way to differentiate the outer loss through training."""

    def __call__(self, flat: Flat, w: Tensor, h: Tensor) -> Estimate:
        """Estimate dF/dh.

        Args:
            flat: The losses.
            w: Parameters, shape (p,): trained, for implicit estimators; a start, for unrolled ones.
            h: Hyperparameters, shape (q,).
        """
