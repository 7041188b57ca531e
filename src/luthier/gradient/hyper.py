"""Continuous hyperparameters that gradients may move, and the free numbers they are moved as.

A penalty must stay positive and a probability within (0, 1), but a gradient step knows no borders.
So each hyperparameter h is moved as a free number u of the same shape:

    log        h = exp(u)                          positive, over orders of magnitude
    softplus   h = log(1 + exp(u))                 positive, nearly linear for large h
    sigmoid    h = low + (high - low) sigmoid(u)   between its bounds
    identity   h = u

Moving a penalty on its linear scale makes steps that are too long for small ones and too short for
large ones; on the logarithmic scale one step size fits all (Pedregosa 2016, arXiv:1602.02355).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, final, get_args

import torch
from torch import Tensor

from luthier.errors import ArgumentError

__all__ = ["Free", "Hyper", "Transform"]

Transform = Literal["log", "softplus", "sigmoid", "identity"]
_FARTHEST = 15.0  # of u under a sigmoid: beyond it lies less than 1e-6 of the range


@final
@dataclass(frozen=True, slots=True)
class Hyper:
    """A hyperparameter, or an array of them.

    Args:
        init: Where it starts, in its own units: one number for all entries, or a tensor of them.
        shape: Its shape; that of ``init`` where that is a tensor.
        transform: The scale it is moved on.
        bounds: The smallest and the largest value it may take, in its own units. Of a sigmoid these
            are never quite reached; the default there is (0, 1).

    Raises:
        ArgumentError: The start lies outside the bounds or the range of the transform.

    Example:
        >>> Hyper(0.01, shape=(3,), transform="log", bounds=(1e-8, 1e4)).start(torch.float64)
        tensor([0.0100, 0.0100, 0.0100], dtype=torch.float64)
    """

    init: float | Tensor
    shape: tuple[int, ...] = ()
    transform: Transform = "log"
    bounds: tuple[float, float] | None = None
    _range: tuple[float, float] = field(init=False, repr=False, default=(-math.inf, math.inf))

    def __post_init__(self) -> None:
        if self.transform not in get_args(Transform):
            raise ArgumentError(
                f"Hyper: transform must be one of {', '.join(get_args(Transform))}, "
                f"got {self.transform!r}."
            )
        if isinstance(self.init, Tensor):
            object.__setattr__(self, "shape", tuple(self.init.shape))
        low, high = self.bounds or self._widest()
        if not low < high:
            raise ArgumentError(f"Hyper: bounds must be (low, high), got {self.bounds!r}.")
        if self.transform in ("log", "softplus") and low < 0:
            raise ArgumentError(
                f"Hyper: under {self.transform!r} values are positive, got bounds={self.bounds!r}. "
                "Choose transform='identity' for values of either sign."
            )
        object.__setattr__(self, "_range", (float(low), float(high)))
        self._check_init()

    def start(self, dtype: torch.dtype) -> Tensor:
        """The first value, of shape ``shape``."""
        return torch.as_tensor(self.init, dtype=dtype).detach().expand(self.shape).clone()

    def value(self, free: Tensor) -> Tensor:
        """The value that free numbers stand for, of the same shape.

        Args:
            free: Free numbers u.
        """
        low, high = self._range
        if self.transform == "log":
            return free.exp()
        if self.transform == "softplus":
            return torch.nn.functional.softplus(free)
        if self.transform == "sigmoid":
            return low + (high - low) * free.sigmoid()
        return free

    def free(self, value: Tensor) -> Tensor:
        """The free numbers of a value, of the same shape: the inverse of ``value``."""
        low, high = self._range
        if self.transform == "log":
            return value.log()
        if self.transform == "softplus":
            return value + torch.log(-torch.expm1(-value))
        if self.transform == "sigmoid":
            return torch.logit((value - low) / (high - low))
        return value

    def slope(self, free: Tensor) -> Tensor:
        """How fast the value moves with its free number, dh/du, of the same shape."""
        low, high = self._range
        if self.transform == "log":
            return free.exp()
        if self.transform == "softplus":
            return free.sigmoid()
        if self.transform == "sigmoid":
            return (high - low) * free.sigmoid() * (-free).sigmoid()
        return torch.ones_like(free)

    def within(self, free: Tensor) -> Tensor:
        """Free numbers, moved back to the bounds where they have passed them."""
        if self.transform == "sigmoid":
            return free.clamp(-_FARTHEST, _FARTHEST)
        low, high = (torch.tensor(bound, dtype=free.dtype) for bound in self._range)
        return torch.minimum(torch.maximum(free, self.free(low)), self.free(high))

    def _widest(self) -> tuple[float, float]:
        if self.transform == "sigmoid":
            return 0.0, 1.0
        return (-math.inf if self.transform == "identity" else 0.0), math.inf

    def _check_init(self) -> None:
        low, high = self._range
        start = self.start(torch.float64)
        inside = (start >= low) & (start <= high) & start.isfinite()
        if self.transform != "identity":
            inside &= start > low if self.transform == "sigmoid" else start > 0
        if self.transform == "sigmoid":
            inside &= start < high
        if not bool(inside.all()):
            worst = start[~inside].flatten()[0].item()
            raise ArgumentError(
                f"Hyper: init must lie within its bounds ({low:g}, {high:g}) under "
                f"{self.transform!r}, got {worst:g}."
            )


@final
class Free:
    """Several hyperparameters as one vector of free numbers, shape (q,).

    Args:
        hypers: The hyperparameters, in the order of their vector.
        h: Their first values, shape (q,).

    Attributes:
        start: The free numbers of ``h``.
    """

    def __init__(self, hypers: tuple[Hyper, ...], h: Tensor) -> None:
        self._hypers = hypers
        self._sizes = [torch.Size(hyper.shape).numel() for hyper in hypers]
        self.start = self._each(Hyper.free, h)

    def value(self, u: Tensor) -> Tensor:
        """The values of free numbers."""
        return self._each(Hyper.value, u)

    def slope(self, u: Tensor) -> Tensor:
        """How fast each value moves with its free number."""
        return self._each(Hyper.slope, u)

    def within(self, u: Tensor) -> Tensor:
        """Free numbers, back at their bounds where they had passed them."""
        return self._each(Hyper.within, u)

    def _each(self, function: Callable[[Hyper, Tensor], Tensor], vector: Tensor) -> Tensor:
        parts = zip(self._hypers, torch.split(vector, self._sizes), strict=True)
        return torch.cat([function(hyper, part) for hyper, part in parts])
