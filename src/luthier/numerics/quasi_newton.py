"""Quasi-Newton descent in the unit cube, one evaluation at a time.

Whoever evaluates may take hours, and do other things in between; so a descent is a value, and what
was found makes the next one of it.

    name     meaning                                               shape
    x, f, g  the last point taken, its value and gradient          (d,), (), (d,)
    S, Y     the last moves and changes of gradient                (m, d)
    reach    the share of the step that is tried; 1 at first       ()

A coordinate at its bound whose gradient points outwards, or whose gradient is NaN, stays. A point
is taken by Armijo's rule; else the next try is shorter, at the minimum of the parabola through both
values and the slope.

References:
    Nocedal and Wright, Numerical optimization (2006), algorithm 7.4 and equation 3.58. Bertsekas,
    Projected Newton methods for optimization problems with simple constraints, SIAM J. Control
    Optim. 20 (1982).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Descent"]

Array = NDArray[np.float64]
_MEMORY: Final = 30
_ARMIJO: Final = 1e-4
_CURVED: Final = 1e-10
_FARTHEST: Final = 0.3  # of a coordinate's range, in one step
_REFUSALS: Final = 8
_GAIN: Final = 1e-12  # of all that was gained; as little, as many times in a row, ends it
_IDLE: Final = 3


@final
@dataclass(frozen=True, slots=True, eq=False)
class Descent:
    """Where a descent stands.

    Args:
        x: The point, in [0, 1], shape (d,).
        f: Its value, lower is better.
        g: Its gradient, NaN where it isn't known, shape (d,).
        step: How far the first step moves a coordinate at most.
        pairs: Moves and changes of gradient, the latest last.
        reach: The share of the step that is tried.
        refused: How many tries in a row weren't taken.
        gained: By how much the value fell in all.
        idle: How many steps in a row gained next to nothing.

    Example:
        >>> descent = Descent(np.array([0.9, 0.2]), 1.0, np.array([2.0, np.nan]))
        >>> descent.ahead()
        array([0.8, 0.2])
    """

    x: Array
    f: float
    g: Array
    step: float = 0.1
    pairs: tuple[tuple[Array, Array], ...] = ()
    reach: float = 1.0
    refused: int = 0
    gained: float = 0.0
    idle: int = 0

    def ahead(self, tol: float = 1e-6) -> Array | None:
        """Return the point to evaluate next, shape (d,).

        Args:
            tol: The least that some coordinate must move.

        Returns:
            None where the descent is at its end.
        """
        free = np.isfinite(self.g) & np.isfinite(self.x)
        free &= ~((self.x <= 0) & (self.g > 0)) & ~((self.x >= 1) & (self.g < 0))
        g = np.where(free, self.g, 0.0)
        if self.refused > _REFUSALS or self.idle >= _IDLE or not g.any():
            return None
        move = self.reach * self._direction(g, free)
        moved = np.where(free, np.clip(self.x + move, 0.0, 1.0), self.x)
        far = float(np.max(np.abs(moved - self.x), where=free, initial=0.0))
        return moved if far >= tol else None

    def told(self, x: Array, f: float, g: Array) -> Descent:
        """Return the descent after a point was evaluated.

        Args:
            x: The point, shape (d,).
            f: Its value; infinite or NaN where there is none.
            g: Its gradient, shape (d,); a point without any isn't taken.
        """
        s = np.nan_to_num(x - self.x)
        slope = float(np.nan_to_num(self.g) @ s)
        known = np.isfinite(g)
        if not (np.isfinite(f) and known.any() and f <= self.f + _ARMIJO * min(slope, 0.0)):
            rise = f - self.f - slope
            share = -slope / (2 * rise) if np.isfinite(rise) and rise > 0 else 0.25
            share = float(np.clip(share, 0.1, 0.5))
            return replace(self, reach=self.reach * share, refused=self.refused + 1)
        y = np.where(known & np.isfinite(self.g), g - self.g, 0.0)
        curved = float(s @ y) > _CURVED * float(np.linalg.norm(s) * np.linalg.norm(y))
        pairs = (*self.pairs, (s, y))[-_MEMORY:] if curved else self.pairs
        gained = self.gained + self.f - f
        idle = self.idle + 1 if self.f - f <= _GAIN * gained else 0
        return Descent(x, f, g, self.step, pairs, gained=gained, idle=idle)

    def _direction(self, g: Array, free: NDArray[np.bool_]) -> Array:
        """The step: -H g over the free coordinates, by the two loops of algorithm 7.4."""
        pairs = [(np.where(free, s, 0.0), np.where(free, y, 0.0)) for s, y in self.pairs]
        pairs = [(s, y) for s, y in pairs if s @ y > _CURVED * (y @ y)]
        q, shares = g.copy(), []
        for s, y in reversed(pairs):
            shares.append(float(s @ q) / float(s @ y))
            q -= shares[-1] * y
        if pairs:
            s, y = pairs[-1]
            q *= float(s @ y) / float(y @ y)
        for (s, y), share in zip(pairs, reversed(shares), strict=True):
            q += (share - float(y @ q) / float(s @ y)) * s
        longest = float(np.abs(q).max())
        if not pairs or not q @ g > 0:
            return -g * self.step / float(np.abs(g).max())
        return -q * min(1.0, _FARTHEST / longest)
