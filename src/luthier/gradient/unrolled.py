"""Hypergradients through the steps of training itself.

Training is T steps s' = step(s, h) of gradient descent (with momentum m), so that

    s_T = step(... step(s_0, h) ..., h)     F(w_T, h) is differentiated by the chain rule

    reverse   a_T = F_s,  a_t = a_{t+1} step_s,  dF/dh = F_h + sum_t a_{t+1} step_h
              cost of about four trainings, whatever q is; memory for about 2 sqrt(T) states, or
              three trainings and T states with ``checkpoint=False``
    forward   Z_0 = 0,    Z_{t+1} = step_s Z_t + step_h,  dF/dh = F_h + F_s Z_T
              cost of q trainings side by side, memory for q states, whatever T is

Both hold for any number of steps, converged or not, and for settings of the training itself, such
as its learning rate. Stretching the parameters makes steps others, and so changes both. Cutting the
backward pass after K steps leaves what is older than K out.

References: Maclaurin et al. 2015, arXiv:1502.03492 (reverse); Franceschi et al. 2017,
arXiv:1703.01785 (both); Shaban et al. 2019, arXiv:1810.10667 (truncation).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, final

import torch
from torch import Tensor
from torch.func import jvp, vjp, vmap

from luthier.errors import ArgumentError
from luthier.gradient.estimate import Diagnostics, Estimate
from luthier.gradient.flat import Flat
from luthier.gradient.implicit import largest_curvature

__all__ = ["Unrolled"]

_Step = Callable[[Tensor, Tensor], Tensor]  # (state, h) -> next state


@final
@dataclass(frozen=True, slots=True)
class Unrolled:
    """Train by gradient descent, and differentiate all of that.

    Args:
        steps: How many steps of training.
        lr: Learning rate; "auto" is 1 / (largest curvature at the start); the name of a scalar
            hyperparameter makes it one that is learnt.
        momentum: Heavy-ball momentum in [0, 1), or the name of a scalar hyperparameter.
        truncate: Only the last so many steps are differentiated; None for all. In reverse mode.
        mode: "reverse" for many hyperparameters, "forward" for a few.
        checkpoint: In reverse mode, keep every sqrt(T)-th state and compute the others again;
            else keep all, which takes more memory and less time.

    Raises:
        ArgumentError: A setting out of its range.
    """

    steps: int
    lr: float | str = "auto"
    momentum: float | str = 0.0
    truncate: int | None = None
    mode: Literal["reverse", "forward"] = "reverse"
    checkpoint: bool = True

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ArgumentError(f"Unrolled: steps must be at least 1, got {self.steps!r}.")
        if self.mode not in ("reverse", "forward"):
            raise ArgumentError(f"Unrolled: mode must be reverse or forward, got {self.mode!r}.")
        if self.truncate is not None and (self.truncate < 1 or self.mode == "forward"):
            raise ArgumentError(
                "Unrolled: truncate must be at least 1, and works in reverse mode, got "
                f"truncate={self.truncate!r}, mode={self.mode!r}."
            )
        if not isinstance(self.momentum, str) and not 0 <= self.momentum < 1:
            raise ArgumentError(f"Unrolled: momentum must lie in [0, 1), got {self.momentum!r}.")

    def __call__(self, flat: Flat, w: Tensor, h: Tensor) -> Estimate:
        """Train from w, shape (p,), and differentiate by h, shape (q,)."""
        step = self._step(flat, w, h)
        state = torch.cat([w, torch.zeros_like(w)]) if self.momentum else w
        go = self._forward if self.mode == "forward" else self._reverse
        return go(flat, step, state, h, len(w))

    def _step(self, flat: Flat, w: Tensor, h: Tensor) -> _Step:
        lr_of, momentum_of = self._lr(flat, w, h), _setting(flat, self.momentum, "momentum")

        def plain(state: Tensor, h: Tensor) -> Tensor:
            return state - lr_of(h) * flat.inner_gradient(state, h)

        def heavy(state: Tensor, h: Tensor) -> Tensor:
            w, velocity = state.chunk(2)
            velocity = momentum_of(h) * velocity + flat.inner_gradient(w, h)
            return torch.cat([w - lr_of(h) * velocity, velocity])

        return heavy if self.momentum else plain

    def _lr(self, flat: Flat, w: Tensor, h: Tensor) -> Callable[[Tensor], Tensor | float]:
        if self.lr != "auto":
            return _setting(flat, self.lr, "lr")
        curvature = largest_curvature(flat.curvature(w, h), w)
        lr = 1.0 / max(abs(curvature), 1e-30)
        return lambda h: lr

    def _forward(self, flat: Flat, step: _Step, state: Tensor, h: Tensor, p: int) -> Estimate:
        directions = torch.eye(len(h), dtype=h.dtype, device=h.device)
        spread = torch.zeros(len(h), len(state), dtype=h.dtype, device=h.device)
        for _ in range(self.steps):

            def moved(along: Tensor, direction: Tensor, at: Tensor = state) -> Tensor:
                return jvp(step, (at, h), (along, direction))[1]  # type: ignore[no-any-return]

            spread = vmap(moved)(spread, directions)
            state = step(state, h)
        loss, by_w, by_h = flat.outer_gradients(state[:p], h)
        gradient = by_h + spread[:, :p] @ by_w
        return Estimate(loss, gradient, state[:p], _diagnostics(self.steps))

    def _reverse(self, flat: Flat, step: _Step, state: Tensor, h: Tensor, p: int) -> Estimate:
        depth = min(self.truncate or self.steps, self.steps)
        for _ in range(self.steps - depth):
            state = step(state, h)
        every = math.isqrt(depth) if self.checkpoint else 1
        kept = []
        for t in range(depth):
            if t % every == 0:
                kept.append(state)
            state = step(state, h)
        loss, by_w, gradient = flat.outer_gradients(state[:p], h)
        adjoint = torch.cat([by_w, torch.zeros_like(state[p:])])
        while kept:
            start = kept.pop()
            segment = [start]
            for _ in range(min(every, depth - len(kept) * every) - 1):
                segment.append(step(segment[-1], h))
            while segment:
                pull = vjp(step, segment.pop(), h)[1]
                adjoint, by_h = pull(adjoint)
                gradient = gradient + by_h
        return Estimate(loss, gradient, state[:p], _diagnostics(depth))


def _diagnostics(steps: int) -> Diagnostics:
    return Diagnostics(steps, float("nan"), False)


def _setting(flat: Flat, setting: float | str, what: str) -> Callable[[Tensor], Tensor | float]:
    """A setting of the training, as a function of the hyperparameters."""
    if not isinstance(setting, str):
        return lambda h: setting
    if setting not in flat.slices or flat.slices[setting].stop - flat.slices[setting].start != 1:
        raise ArgumentError(
            f"Unrolled: {what} must be a number or the name of a scalar hyperparameter, got "
            f"{setting!r}. The hyperparameters are {', '.join(flat.slices)}."
        )
    where = flat.slices[setting]
    return lambda h: h[where][0]
