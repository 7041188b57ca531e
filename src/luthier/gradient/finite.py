"""Hypergradients by trial: train again with every hyperparameter moved a little both ways.

Slow, and right: what the other estimators are audited against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from luthier.gradient.estimate import Diagnostics, Estimate
from luthier.gradient.flat import Flat
from luthier.gradient.inner import Inner, Newton

__all__ = ["FiniteDiff"]

_NEWTON = Newton(max_steps=100)


@final
@dataclass(frozen=True, slots=True)
class FiniteDiff:
    """Central differences, 2 q trainings to a tight tolerance.

    Args:
        step: How far each hyperparameter is moved, relative to its size.
        inner: How to train.
        tol: The gradient's norm that training goes down to.
    """

    step: float = 1e-4
    inner: Inner = _NEWTON
    tol: float = 1e-12

    def __call__(self, flat: Flat, w: Tensor, h: Tensor) -> Estimate:
        """Estimate the hypergradient from trainings that start at w, shape (p,)."""

        def trained(at: Tensor) -> Tensor:
            return self.inner.solve(lambda v: flat.inner(v, at), w, self.tol)

        slopes = []
        for i in range(len(h)):
            move = torch.zeros_like(h)
            move[i] = self.step * max(abs(float(h[i])), 1e-8)
            high, low = h + move, h - move
            rise = flat.outer(trained(high), high) - flat.outer(trained(low), low)
            slopes.append(rise / (high[i] - low[i]))
        end = trained(h)
        diagnostics = Diagnostics(2 * len(h), float("nan"), False)
        return Estimate(flat.outer(end, h), torch.stack(slopes).detach(), end, diagnostics)
