"""Training: minimising the inner loss over a vector, to a tolerance.

Newton     a few hundred parameters: solves with the Hessian, quadratic at the end
LBFGS      thousands of parameters, full batch
Torch      any optimiser of torch, for a number of steps; the tolerance only ends it early
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, final

import torch
from torch import Tensor
from torch.func import grad, grad_and_value, jacrev

__all__ = ["LBFGS", "Inner", "Newton", "Torch", "chosen_inner"]

Objective = Callable[[Tensor], Tensor]
_NEWTON_LIMIT = 300  # parameters up to which factorising beats iterating


class Inner(Protocol):
    """A way to minimise the inner loss."""

    def solve(self, loss: Objective, w: Tensor, tol: float) -> Tensor:
        """Minimise.

        Args:
            loss: From parameters, shape (p,), to a scalar.
            w: Where to start.
            tol: The gradient's norm at which it is enough.

        Returns:
            Parameters, shape (p,), detached.
        """


@final
@dataclass(frozen=True, slots=True)
class Newton:
    """Newton's method with a line search, which leaves saddle points and maxima.

    Args:
        max_steps: The most steps.

    References: Dauphin et al. 2014, arXiv:1406.2572, for Hessians that aren't positive.
    """

    max_steps: int = 50

    def solve(self, loss: Objective, w: Tensor, tol: float) -> Tensor:
        """Minimise; see ``Inner``."""
        w = w.detach()
        for _ in range(self.max_steps):
            gradient, value = grad_and_value(loss)(w)
            if not value.isfinite() or gradient.norm() <= tol:
                break
            curvature = jacrev(grad(loss))(w)
            if not curvature.isfinite().all():
                break
            direction = _downhill(curvature, gradient)
            moved = _search(loss, w, value, direction, float(gradient @ direction))
            if moved is None:  # as low as rounding allows
                break
            w = moved
        return w


@final
@dataclass(frozen=True, slots=True)
class LBFGS:
    """Limited-memory BFGS with a strong Wolfe line search, by torch.

    Args:
        max_steps: The most iterations.
        memory: How many former steps are remembered.
    """

    max_steps: int = 500
    memory: int = 20

    def solve(self, loss: Objective, w: Tensor, tol: float) -> Tensor:
        """Minimise; see ``Inner``."""
        at = w.detach().clone().requires_grad_()
        optimiser = torch.optim.LBFGS(
            [at],
            max_iter=self.max_steps,
            tolerance_grad=tol / max(len(w), 1) ** 0.5,  # it looks at the largest entry
            tolerance_change=0.0,
            history_size=self.memory,
            line_search_fn="strong_wolfe",
        )

        def closure() -> Tensor:
            optimiser.zero_grad()
            value = loss(at)
            value.backward()  # type: ignore[no-untyped-call]
            return value

        optimiser.step(closure)  # type: ignore[no-untyped-call]
        return at.detach()


@final
@dataclass(frozen=True, slots=True)
class Torch:
    """An optimiser of torch.

    Args:
        optimiser: Makes it from a list of tensors, as in
            ``lambda tensors: torch.optim.Adam(tensors, lr=0.01)``.
        steps: How many steps.
    """

    optimiser: Callable[[Iterable[Tensor]], torch.optim.Optimizer]
    steps: int = 100

    def solve(self, loss: Objective, w: Tensor, tol: float) -> Tensor:
        """Minimise; see ``Inner``."""
        at = w.detach().clone().requires_grad_()
        optimiser: Any = self.optimiser([at])
        for _ in range(self.steps):
            optimiser.zero_grad()
            loss(at).backward()  # type: ignore[no-untyped-call]
            if at.grad is not None and at.grad.norm() <= tol:
                break
            optimiser.step()
        return at.detach()


def chosen_inner(size: int) -> Inner:
    """What trains a model of so many parameters unless something else is asked for."""
    return Newton() if size <= _NEWTON_LIMIT else LBFGS()


def _downhill(hessian: Tensor, gradient: Tensor) -> Tensor:
    """The Newton step; where the Hessian isn't positive, with its eigenvalues' sizes."""
    factor, failed = torch.linalg.cholesky_ex(hessian)
    if not failed:
        return -torch.cholesky_solve(gradient[:, None], factor)[:, 0]
    values, vectors = torch.linalg.eigh(hessian)
    sizes = values.abs().clamp_min(1e-8 * float(values.abs().max().clamp_min(1e-12)))
    step: Tensor = vectors @ ((vectors.T @ gradient) / sizes)
    return -step


def _search(
    loss: Objective, w: Tensor, value: Tensor, direction: Tensor, slope: float
) -> Tensor | None:
    """Backtrack until the loss falls by enough; None where it doesn't fall at all."""
    step = 1.0
    noise = 8 * torch.finfo(w.dtype).eps * float(value.abs())
    while step > 1e-10:
        moved = w + step * direction
        if loss(moved) <= value + 1e-4 * step * slope + noise * (step == 1.0):
            return moved
        step /= 2
    return None
