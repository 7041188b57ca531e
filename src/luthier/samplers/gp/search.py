"""The search for the point that is worth most: candidates first, then gradients, then swaps.

name     meaning                                                        shape
Z        candidates without gaps, snapped to values that exist          (k, d)
score    what they are worth                                            (k,)
lo, hi   the box for numbers                                            (d,)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.numerics.lbfgs import minimize
from luthier.numerics.qmc import Sobol
from luthier.numerics.reflection import reflected
from luthier.numerics.warp import Bend
from luthier.samplers.gp.columns import Columns

__all__ = ["Task", "candidates", "search"]

Array = NDArray[np.float64]
_WIDE: Final = 512
_NEAR: Final = 256
_STARTS: Final = 6
_ALIKE: Final = 2
_ROUNDS: Final = 3
_STEPS: Final = 40
_FEW_STEPS: Final = 12
_FTOL: Final = 3e-4
_GTOL: Final = 1e-3


@final
@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What is to be searched.

    Attributes:
        columns: The space's columns.
        score: Says what points are worth; takes rows with gaps, shape (k, d).
        slope: The same with the gradient.
        lengths: Length scales, shape (d,).
        leaders: The best points known, without gaps, shape (k, d).
        lo: Lower end of the box.
        hi: Upper end of the box.
        bend: How the model sees the numbers, if it doesn't see them as they are. Candidates are
            spread evenly over what the model sees.
    """

    columns: Columns
    score: Callable[[Array], Array]
    slope: Callable[[Array], tuple[Array, Array]]
    lengths: Array
    leaders: Array
    lo: Array
    hi: Array
    bend: Bend | None = None

    def forward(self, Z: Array) -> Array:
        """Return points as the model sees them."""
        return self._with_numbers(Z, Bend.forward)

    def inverse(self, W: Array) -> Array:
        """Return the points that the model sees so."""
        return self._with_numbers(W, Bend.inverse)

    def _with_numbers(self, Z: Array, change: Callable[[Bend, Array], Array]) -> Array:
        if self.bend is None:
            return Z
        numbers = self.columns.numbers
        Z = Z.copy()
        Z[:, numbers] = change(self.bend, Z[:, numbers])
        return Z


def candidates(task: Task, rng: np.random.Generator, more: Array) -> Array:
    """Return points to choose from: wide and near ones.

    Args:
        task: What is to be searched.
        rng: Moves the candidates.
        more: Points that must be among them, without gaps, shape (k, d).

    Returns:
        Rows without gaps, snapped, shape (k, d).
    """
    around = map(task.columns.neighbours, task.leaders[:3])
    return task.columns.snapped(np.concatenate([_wide(task, rng), _near(task, rng), *around, more]))


def search(task: Task, Z: Array) -> Array:
    """Return points in order of what they are worth, the best first.

    Args:
        task: What is to be searched.
        Z: Where to begin: rows without gaps, snapped, shape (k, d).

    Returns:
        These and the points found from them, likewise.
    """
    score = task.score(task.columns.inputs(Z))
    starts = _stratified(Z, score, task.columns)
    Z, score = _merged(task, Z, score, _climbed(task, Z[starts], _STEPS))
    for _ in range(_ROUNDS):
        best = score[0]
        around = task.columns.neighbours(Z[0])
        if not len(around):
            break
        Z, score = _merged(task, Z, score, around)
        if score[0] <= best:
            break
        Z, score = _merged(task, Z, score, _climbed(task, Z[:1], _FEW_STEPS))
    return Z


def _merged(task: Task, Z: Array, score: Array, new: Array) -> tuple[Array, Array]:
    """Add points to those known, the best first."""
    new = task.columns.snapped(new)
    Z = np.concatenate([Z, new])
    score = np.concatenate([score, task.score(task.columns.inputs(new))])
    order = np.argsort(-score, kind="stable")
    return Z[order], score[order]


def _wide(task: Task, rng: np.random.Generator) -> Array:
    """Points spread evenly over the box and all choices."""
    d = len(task.lo)
    U = (_sobol(d) + rng.random(d)) % 1.0
    lo, hi = task.forward(np.stack([task.lo, task.hi]))
    inside = task.inverse(lo + U * (hi - lo))
    return np.where(task.columns.categories, np.floor(U * task.columns.categories), inside)


def _near(task: Task, rng: np.random.Generator) -> Array:
    """The best points, each with some columns changed by more or less."""
    k, d = _NEAR, len(task.lo)
    categories = np.array(task.columns.categories)
    Z = task.leaders[np.arange(k) % len(task.leaders)]
    share = np.maximum(min(1.0, 4.0 / d), rng.random(k) ** 2)
    moved = rng.random((k, d)) < share[:, None]
    moved[np.arange(k), rng.integers(d, size=k)] = True
    width = 10.0 ** rng.uniform(-3.0, -0.3, size=k)
    X = task.forward(Z) + width[:, None] * rng.standard_normal((k, d))
    X = reflected(np.clip(X, -2.0, 2.0))  # those from still further away end at 0
    X = np.clip(task.inverse(X), task.lo, task.hi)
    drawn = np.floor(rng.random((k, d)) * categories)
    flipped = np.where(rng.random((k, d)) < 0.5, drawn, Z)
    return np.where(moved, np.where(categories, flipped, X), Z)


def _stratified(Z: Array, score: Array, columns: Columns) -> list[int]:
    """Places of the best points, not more than two for each combination of choices."""
    starts: list[int] = []
    counts: dict[bytes, int] = {}
    for place in np.argsort(-score, kind="stable").tolist():
        key = Z[place, columns.choices].tobytes()
        if len(columns.choices) == 0 or counts.get(key, 0) < _ALIKE:
            counts[key] = counts.get(key, 0) + 1
            starts.append(place)
        if len(starts) == _STARTS:
            break
    return starts


def _climbed(task: Task, Z: Array, max_steps: int) -> Array:
    """Follow gradients from points, in all columns that are smooth."""
    smooth = task.columns.smooth
    if not smooth.any():
        return Z[:0]
    unit = np.where(smooth, task.lengths, 1.0)

    def descent(steps: Array) -> tuple[Array, Array]:
        X = task.inverse(steps * unit)
        value, gradient = task.slope(task.columns.inputs(X))
        if task.bend is not None:
            numbers = task.columns.numbers
            gradient[:, numbers] /= task.bend.slope(X[:, numbers])
        return -value, np.where(smooth, -unit * gradient, 0.0)

    rows = (Z, np.where(smooth, task.lo, Z), np.where(smooth, task.hi, Z))
    starts, lower, upper = (task.forward(row) / unit for row in rows)
    X, _ = minimize(descent, starts, lower, upper, max_steps=max_steps, ftol=_FTOL, gtol=_GTOL)
    return np.where(smooth, task.inverse(X * unit), Z)


@lru_cache(maxsize=16)
def _sobol(d: int) -> Array:
    return Sobol(d).points(1, _WIDE)
