"""Shapley effects: the variance of a function shared out among its independent inputs, by drawing.

Each input gets what it adds to the variance explained, on average over all orders in which inputs
may become known; what inputs explain only together is shared equally among them, and all shares
add up to the variance. With x and z drawn independently, an order, and x^(l) the point x in which
the first l inputs of the order are those of z,

    phi_k = E (f(x) - (f(x^(l-1)) + f(x^(l))) / 2) (f(x^(l-1)) - f(x^(l))),    k the l-th input

which takes p + 1 values of f for a draw of all p effects (Goda 2021, algorithm 1).

References:
    Owen, Sobol' indices and Shapley value, SIAM/ASA J. Uncertainty Quantification 2 (2014).
    Goda, A simple algorithm for global sensitivity analysis with Shapley effects, Reliability
    Engineering & System Safety 213 (2021), arXiv:2009.00874.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["shapley_effects"]

Array = NDArray[np.float64]


def shapley_effects(
    f: Callable[[Array], Array],
    x: Array,
    z: Array,
    inputs: Sequence[Sequence[int]],
    rng: np.random.Generator,
) -> Array:
    """Draw the Shapley effects of functions of common inputs.

    Args:
        f: The values of m functions at points of shape (c, d), shape (m, c).
        x: Points drawn, shape (n, d).
        z: Points drawn independently of them, shape (n, d).
        inputs: The columns of each of p inputs.
        rng: Draws the orders.

    Returns:
        A draw for each pair of points: shape (m, n, p). Their means are the effects.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x, z = rng.random((2, 500, 2))
        >>> phi = shapley_effects(lambda u: u[None, :, 0], x, z, [[0], [1]], rng)
        >>> bool(abs(phi.mean(axis=1)[0, 0] - 1 / 12) < 0.01), bool(phi.mean(axis=1)[0, 1] == 0)
        (True, True)
    """
    n, p = len(x), len(inputs)
    order = np.argsort(rng.random((n, p)), axis=1)
    point, first = x.copy(), np.array(f(x))
    before, rows = first, np.arange(n)
    phi = np.zeros((len(first), n, p))
    for step in order.T:
        for k, columns in enumerate(inputs):
            chosen = np.flatnonzero(step == k)
            cells = np.ix_(chosen, np.array(columns))
            point[cells] = z[cells]
        after = np.array(f(point))
        phi[:, rows, step] = (first - (before + after) / 2) * (before - after)
        before = after
    return phi
