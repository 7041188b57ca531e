"""Endings: where trials that were ended early would have ended, as the others' curves tell.

Which trials go on is decided by what they had reported, so what the others did next is known fairly
from one rung to the next, and only so: from the first rung straight to the end only those tell that
did well in between, as if early values hardly mattered. Therefore each trial is led on from rung to
rung, by a regression of the trials that got there on their values at the rung before (x) and the
change up to it (c):

    y = w_0 + w_1 x + w_2 c + s e,   e ~ N(0, 1)

Two pseudo-observations each say that differences stay as they are: w_1 = 1, w_2 = 0. Few curves
tell w and s vaguely, so 40 pairs are drawn from their posterior (flat in w_0 and log s), and 25
endings of all trials with each. Values further above the median than five times its distance from
the best are cut off.

    name      meaning                                                    shape
    X, y      regressors and values of the curves that tell              (m, 3), (m,)
    W, s      drawn weights and deviations                               (40, 3), (40,)
    now       drawn values of the trials at the rung they have reached   (n, 40, r)

References:
    Rubin, Multiple imputation for nonresponse in surveys (1987): monotone missing values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEWEST", "endings"]

Array = NDArray[np.float64]
Curve = dict[int, float]
FEWEST: Final = 8
"""Curves below which nothing is said: five more than there are weights."""
_MOST_CURVES: Final = 200
_MOST_RUNGS: Final = 8
_FAR: Final = 5.0
_WEIGHT: Final = 2.0
_DRAWS: Final = 40
_REPEATS: Final = 25
_PLENTY: Final = 50_000


def endings(
    stopped: Sequence[Curve], full: Sequence[Curve], horizon: int, rng: np.random.Generator
) -> Array:
    """Draw where trials would have ended.

    Args:
        stopped: Values by step, lower is better; may be empty.
        full: Those of trials that went to the horizon or beyond.
        horizon: Where trials end.
        rng: Source of randomness.

    Returns:
        Shape (n, 40, r): under each of 40 beliefs some endings of all trials at once; NaN for
        trials of which nothing can be said.
    """
    last = np.array([max(curve, default=-1) for curve in stopped], dtype=np.intp)
    repeats = int(np.clip(_PLENTY // max(len(stopped), 1), 2, _REPEATS))
    now = np.full((len(stopped), _DRAWS, repeats), np.nan)
    before = now.copy()
    for row, curve in enumerate(stopped):
        if curve:
            now[row] = curve[max(curve)]
            before[row] = value_at(curve, max(curve) // 2)
    at, rungs = last.copy(), _rungs(last[last >= 0], horizon)
    for k, rung in enumerate(rungs):
        there = [c for c in (*stopped, *full) if c and max(c) >= rung][-_MOST_CURVES:]
        y = np.array([c[max(c)] if rung == horizon else value_at(c, rung) for c in there])
        for rows, step, back in _alike(at, last, rung, rungs[k - 2] if k > 1 else 0):
            theirs = np.array([[value_at(c, step), value_at(c, back)] for c in there])
            led = _led_on(theirs.reshape(-1, 2), y, now[rows], before[rows], rng)
            before[rows], now[rows], at[rows] = now[rows], led, rung
    return now


def _alike(
    at: NDArray[np.intp], last: NDArray[np.intp], rung: int, earlier: int
) -> Iterator[tuple[NDArray[np.intp], int, int]]:
    """Trials that are to be led to a rung from one step, and the step that shows their change.

    Of a trial that itself went to the step that is half of it, of one that was led there the rung
    before it.
    """
    for step in sorted(set(at[(at >= 0) & (at < rung)].tolist())):
        for back, own in ((step // 2, True), (earlier, False)):
            rows = np.flatnonzero((at == step) & ((last == step) == own))
            if len(rows):
                yield rows, step, back


def value_at(curve: Curve, step: int) -> float:
    """The value of a curve at a step, or the latest before, or else its first."""
    if step in curve:
        return curve[step]
    return curve[max((s for s in curve if s <= step), default=min(curve))]


def _rungs(last: NDArray[np.intp], horizon: int) -> list[int]:
    """Where trials were stopped, at most eight such steps, and the horizon."""
    steps = np.unique(last[last < horizon])
    if len(steps) > _MOST_RUNGS:
        steps = np.unique(steps[np.linspace(0, len(steps) - 1, _MOST_RUNGS).astype(np.intp)])
    return [*steps.tolist(), horizon]


def _led_on(theirs: Array, y: Array, now: Array, before: Array, rng: np.random.Generator) -> Array:
    """Values at the next rung, shape of ``now``; NaN if too few curves tell."""
    fine = np.isfinite(y) & np.isfinite(theirs).all(axis=1)
    if fine.sum() < FEWEST:
        return np.full_like(now, np.nan)
    theirs, y = theirs[fine], y[fine]
    caps = [_cap(column) for column in theirs.T]
    A, z = np.minimum(theirs, caps), np.minimum(y, _cap(y))
    low, unit = z.min(), float(np.ptp(z)) or float(np.ptp(A)) or 1.0
    X = _regressors((A[:, 0] - low) / unit, (A[:, 1] - low) / unit)
    mine = _regressors(
        (np.minimum(now, caps[0]) - low) / unit, (np.minimum(before, caps[1]) - low) / unit
    )
    W, s = _posterior(X, (z - low) / unit, rng)
    noise = s[:, None] * rng.standard_normal(now.shape)
    led: Array = low + unit * (np.einsum("nkrp,kp->nkr", mine, W) + noise)
    return np.where(np.isfinite(now) & np.isfinite(before), led, np.nan)


def _posterior(X: Array, y: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw weights and deviations, shapes (40, 3) and (40,)."""
    pseudo = np.sqrt(_WEIGHT) * np.diag(X.std(axis=0))[1:]
    X, y = np.vstack([X, pseudo]), np.append(y, pseudo @ [0.0, 1.0, 0.0])
    values, vectors = np.linalg.eigh(X.T @ X)
    inverse = np.where(values > 1e-12 * values[-1], 1 / np.maximum(values, 1e-300), 0.0)
    w = vectors @ (inverse * (vectors.T @ (X.T @ y)))
    freedom = len(y) - X.shape[1]
    s = np.sqrt(np.sum((y - X @ w) ** 2) / rng.chisquare(freedom, _DRAWS))
    z = rng.standard_normal((_DRAWS, len(w))) * np.sqrt(inverse)
    return w + s[:, None] * (z @ vectors.T), s


def _regressors(x: Array, earlier: Array) -> Array:
    return np.stack([np.ones_like(x), x, x - earlier], axis=-1)


def _cap(values: Array) -> float:
    middle, low = float(np.median(values)), float(values.min())
    return middle + _FAR * (middle - low)
