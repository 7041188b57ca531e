"""The outer loop: train, estimate, step, and know when to stop.

    u   free numbers that the hyperparameters stand for (hyper.py)
    g   dF/du = dF/dh dh/du, shape (q,)

A step is bounded; one that ends where a loss isn't finite is taken back and halved. "hoag" also
takes back a step after which the loss has risen by more than the training's tolerance explains, and
lengthens the next after every success by 1 / .95 (Pedregosa 2016, arXiv:1602.02355, section 4).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, final

import torch
from torch import Tensor

from luthier.errors import ArgumentError
from luthier.gradient.estimate import Diagnostics, Estimate, Estimator
from luthier.gradient.flat import Flat, Loss
from luthier.gradient.hyper import Free
from luthier.gradient.implicit import CG
from luthier.gradient.inner import Inner, chosen_inner
from luthier.gradient.unrolled import Unrolled

__all__ = ["Descent", "End", "OuterStep", "Schedule", "Start", "follow"]

Schedule = float | Literal["quadratic", "cubic", "exponential"] | Callable[[int], float]
_SCHEDULES: dict[str, Callable[[int], float]] = {
    "quadratic": lambda k: 0.1 / (k + 1) ** 2,
    "cubic": lambda k: 0.1 / (k + 1) ** 3,
    "exponential": lambda k: 0.1 * 0.9**k,
}
_ROUGHEST = 0.1  # a share that is left of a linear system's right side
_OPTIMISERS: dict[str, Any] = {
    "adam": torch.optim.Adam,
    "sgd": torch.optim.SGD,
    "hoag": torch.optim.SGD,
}


@final
@dataclass(frozen=True, slots=True)
class OuterStep:
    """What one outer step saw.

    Attributes:
        loss: The outer loss on the data that the hypergradient sees.
        guard: The outer loss on the guard's rows; NaN without a guard.
        gradient_norm: Of the hypergradient by free numbers.
        diagnostics: How the hypergradient came about.
        taken_back: Whether it led too far up, and was taken back.
    """

    loss: float
    guard: float
    gradient_norm: float
    diagnostics: Diagnostics
    taken_back: bool = False


@final
@dataclass(frozen=True, slots=True)
class Descent:
    """The settings of ``Bilevel.fit``."""

    via: Estimator
    inner: Inner | None
    outer: str | Callable[[list[Tensor]], torch.optim.Optimizer]
    lr: float
    warm_start: bool
    tolerance: Schedule
    patience: int | None
    max_step: float
    steps: int

    def __post_init__(self) -> None:
        if isinstance(self.outer, str) and self.outer not in _OPTIMISERS:
            raise ArgumentError(
                f"Bilevel.fit: outer must be {', '.join(_OPTIMISERS)} or a function that makes an "
                f"optimiser, got {self.outer!r}."
            )
        if isinstance(self.tolerance, str) and self.tolerance not in _SCHEDULES:
            raise ArgumentError(
                f"Bilevel.fit: tolerance must be a number, {', '.join(_SCHEDULES)} or a function "
                f"of the step, got {self.tolerance!r}."
            )
        for name in ("lr", "max_step", "steps"):
            if not getattr(self, name) > 0:
                raise ArgumentError(
                    f"Bilevel.fit: {name} must be positive, got {getattr(self, name)!r}."
                )

    def tol(self, k: int, dtype: torch.dtype) -> float:
        """The tolerance of the k-th training, as far as the numbers' type allows."""
        schedule = self.tolerance
        if isinstance(schedule, str):
            schedule = _SCHEDULES[schedule]
        asked = schedule(k) if callable(schedule) else schedule
        return max(asked, 1e-10 if dtype == torch.float64 else 1e-5)


@final
@dataclass(frozen=True, slots=True)
class Start:
    """A problem in vectors, and where it starts.

    Attributes:
        flat: The losses.
        w: Parameters, shape (p,).
        free: The hyperparameters' free numbers.
        watch: The outer loss on the guard's rows, if there is a guard.
    """

    flat: Flat
    w: Tensor
    free: Free
    watch: Loss | None = None


@final
@dataclass(frozen=True, slots=True)
class End:
    """Where a descent came to.

    Attributes:
        w: Parameters at the best step, shape (p,).
        h: Hyperparameters there, shape (q,).
        best: Its index.
        steps: What each step saw.
        reason: Why it ended.
    """

    w: Tensor
    h: Tensor
    best: int
    steps: tuple[OuterStep, ...]
    reason: str


def follow(start: Start, descent: Descent, until: int | None = None) -> End:
    """Follow hypergradients from a start.

    Args:
        start: The problem.
        descent: How.
        until: The step whose values are wanted; None is the best.

    Raises:
        ArgumentError: A loss that isn't finite at the start.
    """
    return _Walk(start, descent, until).walk()


@dataclass(slots=True)
class _Walk:
    """One descent: where it stands, and the best it has seen."""

    start: Start
    descent: Descent
    until: int | None
    seen: list[OuterStep] = field(default_factory=list)
    best: int = -1
    at_best: tuple[Tensor, Tensor] | None = None
    adjoint: Tensor | None = None  # of the last linear system

    def walk(self) -> End:
        descent, free = self.descent, self.start.free
        w = self.start.w
        mover = _Mover(descent, free)
        reason = f"all {descent.steps} steps were taken"
        for k in range(descent.steps):
            h = free.value(mover.u)
            estimate = self._train(w, h, k)
            slope = estimate.gradient * free.slope(mover.u)
            self._note(estimate, slope, h, mover.has_risen(estimate, descent.tol(k, w.dtype)))
            if self.seen[-1].taken_back:
                mover.back()
            else:
                mover.forward(slope, float(estimate.loss))
                if descent.warm_start:
                    w, self.adjoint = estimate.w, estimate.adjoint
            if self._is_stuck():
                reason = f"no better step in {descent.patience}"
                break
        assert self.at_best is not None  # the first step is finite
        return End(*self.at_best, self.best, tuple(self.seen), reason)

    def _train(self, w: Tensor, h: Tensor, k: int) -> Estimate:
        descent, flat, via = self.descent, self.start.flat, self.descent.via
        if isinstance(via, Unrolled):
            return via(flat, w, h)
        tol = descent.tol(k, w.dtype)
        inner = descent.inner or chosen_inner(len(w))
        w = inner.solve(lambda v: flat.inner(v, h), w, tol)
        if isinstance(via, CG):
            rough = min(tol, _ROUGHEST)  # the schedule's is a length, and theirs a share of one
            return replace(via, tol=max(via.tol, rough))(flat, w, h, self.adjoint)
        return via(flat, w, h)

    def _note(self, estimate: Estimate, slope: Tensor, h: Tensor, risen: bool) -> None:
        """Write the step down, and keep it if it is the best."""
        loss, norm, watch = float(estimate.loss), float(slope.norm()), self.start.watch
        finite = math.isfinite(loss) and math.isfinite(norm)
        if not (finite or self.seen):
            raise ArgumentError(
                f"Bilevel.fit: the outer loss and its gradient must be finite at the start, got "
                f"{loss} and a gradient of length {norm}. Choose another init, or see check()."
            )
        guard = math.nan if watch is None else float(watch(estimate.w, h))
        step = OuterStep(loss, guard, norm, self._diagnosed(estimate, h), risen or not finite)
        self.seen.append(step)
        index = len(self.seen) - 1
        better = not step.taken_back and self._rank(step) < self._least()
        if better if self.until is None else index == self.until:
            self.best, self.at_best = index, (estimate.w.detach(), h)

    def _diagnosed(self, estimate: Estimate, h: Tensor) -> Diagnostics:
        norm = float(self.start.flat.inner_gradient(estimate.w, h).norm())
        return replace(estimate.diagnostics, gradient_norm=norm)

    def _rank(self, step: OuterStep) -> float:
        return step.loss if self.start.watch is None else step.guard

    def _least(self) -> float:
        return math.inf if self.best < 0 else self._rank(self.seen[self.best])

    def _is_stuck(self) -> bool:
        patience = self.descent.patience
        return patience is not None and len(self.seen) - 1 - self.best >= patience


@final
class _Mover:
    """Moves the free numbers by an optimiser of torch, within bounds, and back."""

    def __init__(self, descent: Descent, free: Free) -> None:
        self._free, self._max_step = free, descent.max_step
        self._hoag = descent.outer == "hoag"
        self._lasting = free.start.clone().requires_grad_()
        outer = descent.outer
        self._optimiser: Any = (
            _OPTIMISERS[outer]([self._lasting], lr=descent.lr)
            if isinstance(outer, str)
            else outer([self._lasting])
        )
        self._before, self._loss = free.start.clone(), math.inf

    @property
    def u(self) -> Tensor:
        return self._lasting.detach()

    def has_risen(self, estimate: Estimate, slack: float) -> bool:
        """Whether "hoag" takes the step back: training's tolerance doesn't explain the rise."""
        return self._hoag and float(estimate.loss) > self._loss + slack

    def forward(self, gradient: Tensor, loss: float) -> None:
        """Step along the optimiser's direction; "hoag" first moves one free number by ``lr``."""
        if self._hoag:
            first = not math.isfinite(self._loss)
            self._scale(1 / float(gradient.abs().max().clamp_min(1e-300)) if first else 1 / 0.95)
        self._before, self._loss = self.u.clone(), loss
        self._lasting.grad = gradient.detach().clone()
        self._optimiser.step()
        with torch.no_grad():
            move = (self._lasting - self._before).clamp(-self._max_step, self._max_step)
            self._lasting.copy_(self._free.within(self._before + move))

    def back(self) -> None:
        """Half the way back to where the last step began, and shorter steps from now on."""
        self._scale(0.5)
        with torch.no_grad():
            self._lasting.copy_((self._lasting + self._before) / 2)

    def _scale(self, factor: float) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] *= factor
