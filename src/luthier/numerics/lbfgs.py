"""L-BFGS in a box, for many starts at once.

Every start is a problem of its own, but all of them advance together, so that one step costs one
call of the function for all. Steps are projected onto the box; a coordinate at its bound whose
gradient points outwards takes no part in the step. Steps are accepted by Armijo's rule.

    name     meaning                                             shape
    X        where the problems stand                            (b, d)
    f, G     values and gradients there                          (b,), (b, d)
    D        directions                                          (b, d)
    S, Y     the last moves and changes of gradient, m of them   (m, b, d)
    rho      1 / (s . y), or 0 for a pair that is left out       (m, b)

References:
    Nocedal and Wright, Numerical optimization (2006), algorithm 7.4. Bertsekas, Projected Newton
    methods for optimization problems with simple constraints, SIAM J. Control Optim. 20 (1982).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.errors import ArgumentError

__all__ = ["minimize"]

Array = NDArray[np.float64]
Function = Callable[[Array], tuple[Array, Array]]
_ARMIJO: Final = 1e-4
_SHRINK: Final = 0.25
_TRIES: Final = 8
_CURVED: Final = 1e-10


def minimize(
    function: Function,
    starts: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    memory: int = 6,
    max_steps: int = 50,
    ftol: float = 1e-9,
    gtol: float = 1e-6,
) -> tuple[Array, Array]:
    """Find a local minimum in a box from each of several starts.

    Args:
        function: Takes points, shape (k, d) with any k up to b, and returns their values, shape
            (k,), and gradients, shape (k, d). An infinite value or NaN makes a step shorter.
        starts: Where to begin, shape (b, d); clipped to the box.
        lower: Lower bounds, shape (d,) or (b, d).
        upper: Upper bounds, likewise, nowhere below the lower ones.
        memory: How many steps are remembered, at least 1.
        max_steps: The largest number of steps.
        ftol: A problem ends when a step gains less than this.
        gtol: A problem ends when no component of its projected gradient is above this.

    Returns:
        The points reached, shape (b, d), and their values, shape (b,).

    Raises:
        ArgumentError: The shapes don't fit, or a lower bound is above its upper one.

    Example:
        >>> def bowl(X):
        ...     return ((X - 2) ** 2).sum(axis=1), 2 * (X - 2)
        >>> X, values = minimize(bowl, [[0.0, 0.0], [1.0, 0.5]], [0.0, 0.0], [3.0, 1.0])
        >>> X.round(6).tolist()
        [[2.0, 1.0], [2.0, 1.0]]
    """
    X, low, high = _checked(starts, lower, upper)
    f, G = function(X)
    end_X, end_f = X.copy(), f.copy()
    rows: NDArray[np.intp] = np.arange(len(X))
    pairs: list[tuple[Array, Array, Array]] = []
    scale = np.full(len(X), np.inf)
    for _ in range(max_steps):
        P = _projected(X, G, low, high)
        going = np.isfinite(f) & (np.abs(P).max(axis=1, initial=0.0) > gtol)
        if not going.all():
            end_X[rows], end_f[rows] = X, f
            state = (X, f, G, P, low, high, scale)
            X, f, G, P, low, high, scale = (array[going] for array in state)
            rows = rows[going]
            pairs = [(s[going], y[going], rho[going]) for s, y, rho in pairs]
        if not len(rows):
            break
        new_X, new_f, new_G = _step(function, X, f, G, _direction(P, G, pairs, scale), low, high)
        s, y = new_X - X, new_G - G
        sy, yy = _dot(s, y), _dot(y, y)
        curved = sy > _CURVED * yy
        rho = np.divide(1.0, sy, out=np.zeros_like(sy), where=curved)
        np.divide(sy, yy, out=scale, where=curved)
        pairs.append((s, y, rho))
        pairs = pairs[-memory:]
        G = np.where((f - new_f < ftol)[:, None], 0.0, new_G)  # ends at the next look
        X, f = new_X, new_f
    end_X[rows], end_f[rows] = X, f
    return end_X, end_f


def _checked(X: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> tuple[Array, Array, Array]:
    starts = np.array(X, dtype=np.float64)
    try:
        low = np.broadcast_to(np.asarray(lower, dtype=np.float64), starts.shape)
        high = np.broadcast_to(np.asarray(upper, dtype=np.float64), starts.shape)
        good = starts.ndim == 2 and bool((low <= high).all())
    except ValueError:
        good = False
    if not good:
        raise ArgumentError(
            "minimize: starts must have shape (b, d), and the bounds (d,) or (b, d) with lower <= "
            f"upper, got starts of shape {starts.shape}, lower={lower!r}, upper={upper!r}.",
            lower=lower,
            upper=upper,
        )
    return np.clip(starts, low, high), low, high


def _projected(X: Array, G: Array, lower: Array, upper: Array) -> Array:
    """The gradient without what points out of the box."""
    stuck = ((lower >= X) & (G > 0)) | ((upper <= X) & (G < 0))
    return np.where(stuck, 0.0, G)


def _direction(P: Array, G: Array, pairs: list[tuple[Array, Array, Array]], scale: Array) -> Array:
    """The quasi-Newton direction of the coordinates that are free (two-loop recursion).

    ``scale`` is that of the latest curvature seen; infinite before there is one.
    """
    free = P != 0.0
    q = P.copy()
    first = np.minimum(1.0 / np.sqrt(_dot(P, P)), 1.0)  # a step at most 1 long
    scale = np.where(np.isinf(scale), first, scale)
    weights = []
    for s, y, rho in reversed(pairs):
        weight = rho * _dot(s, q)
        q -= weight[:, None] * y
        weights.append(weight)
    q *= scale[:, None]
    for (s, y, rho), weight in zip(pairs, reversed(weights), strict=True):
        q += (weight - rho * _dot(y, q))[:, None] * s
    D = np.where(free, -q, 0.0)
    uphill = _dot(D, G) >= 0
    return np.where(uphill[:, None], -P * np.minimum(scale, 1.0)[:, None], D)


def _dot(A: Array, B: Array) -> Array:
    return np.asarray(np.einsum("ij,ij->i", A, B))


def _step(
    function: Function, X: Array, f: Array, G: Array, D: Array, lower: Array, upper: Array
) -> tuple[Array, Array, Array]:
    """Go along the directions, shorter and shorter, until the values fall enough."""
    new_X, new_f, new_G = X.copy(), f.copy(), G.copy()
    left = np.arange(len(X))
    t = 1.0
    for _ in range(_TRIES):
        trial = np.clip(X[left] + t * D[left], lower[left], upper[left])
        values, gradients = function(trial)
        expected = _dot(G[left], trial - X[left])
        good = values <= f[left] + _ARMIJO * np.minimum(expected, 0.0)
        done = left[good]
        new_X[done], new_f[done], new_G[done] = trial[good], values[good], gradients[good]
        left = left[~good]
        if not len(left):
            break
        t *= _SHRINK
    return new_X, new_f, new_G
