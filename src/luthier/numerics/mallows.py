"""The Mallows model: a distribution over orders around a central one.

    name      meaning                                              shape
    d         Kendall's distance: pairs of items in another order
    phi       spread; towards 0 only the centre, at 1 all orders alike   (k,)
    places    where each item stands, any increasing function of it      (k, n)

    p(order) = phi^d(order, centre) / Z(phi),   Z(phi) = prod_{i=1..n} (1 + phi + ... + phi^(i-1))

References:
    Mallows, Non-null ranking models, Biometrika 44 (1957).
    Doignon et al., The repeated insertion model for rankings, Psychometrika 69 (2004).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_places", "log_probabilities"]

Array = NDArray[np.float64]


def log_probabilities(places: Array, centres: Array, phi: Array) -> Array:
    """Return the logarithm of each order's probability around each centre.

    Args:
        places: Orders, shape (c, n).
        centres: Central orders, shape (k, n).
        phi: The spread around each centre, above 0 and at most 1, shape (k,).

    Returns:
        Shape (c, k).

    Example:
        >>> log_p = log_probabilities(
        ...     np.array([[0, 1], [1, 0]]), np.array([[0, 1]]), np.array([0.5])
        ... )
        >>> np.exp(log_p).round(3).ravel().tolist()
        [0.667, 0.333]
    """
    n = centres.shape[1]
    pairs = n * (n - 1) / 2
    distance = (pairs - _signs(places) @ _signs(centres).T) / 2
    sums = np.cumsum(phi[:, None] ** np.arange(n), axis=1)  # 1 + phi + ... + phi^(i-1)
    log_p: Array = distance * np.log(phi) - np.log(sums).sum(axis=1)
    return log_p


def draw_places(orders: NDArray[np.intp], phi: Array, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw orders by repeated insertion: item i goes j places before the end, p ~ phi^j.

    Args:
        orders: The items in their central orders, shape (c, n).
        phi: The spread around each, above 0 and at most 1, shape (c,).
        rng: Source of randomness.

    Returns:
        Where each item stands in the order drawn, from 0, shape (c, n).

    Example:
        >>> draw_places(np.array([[2, 0, 1]]), np.array([1e-9]), np.random.default_rng(0)).tolist()
        [[1, 2, 0]]
    """
    c, n = orders.shape
    inserted = np.zeros((c, n), dtype=np.intp)
    shares = np.cumsum(phi[:, None] ** np.arange(n), axis=1)
    for i in range(1, n):
        drawn = rng.random(c) * shares[:, i]
        back = (shares[:, :i] < drawn[:, None]).sum(axis=1)
        inserted[:, :i] += inserted[:, :i] >= (i - back)[:, None]
        inserted[:, i] = i - back
    places = np.empty_like(inserted)
    np.put_along_axis(places, orders, inserted, axis=1)
    return places


def _signs(places: Array) -> Array:
    """For each pair of items, 1 if they stand in the order of their numbers, else -1."""
    first, second = np.triu_indices(places.shape[1], 1)
    signs: Array = np.sign(places[:, second] - places[:, first])
    return signs
