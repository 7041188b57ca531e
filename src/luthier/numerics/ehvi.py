"""Expected hypervolume improvement: how much volume a point is expected to add to a Pareto front.

The region that a front doesn't dominate, below a reference point, is cut into boxes. What a point
adds within a box is a product over the objectives, whose models are independent, so that the
expectation is one as well; no sampling is needed.

    name      meaning                                                   shape
    P         the front, lower is better                                (n, m)
    r         the reference point: what is worse doesn't count          (m,)
    L, U      lower (or -inf) and upper corners of the boxes            (b, m)
    mu, s     predicted means and standard deviations                   (q, m)
    psi(t)    E (t - Y)^+, which is expected improvement on t

    EHVI = sum_b prod_j (psi_j(U_bj) - psi_j(L_bj))

References:
    Emmerich et al., Hypervolume-based expected improvement, CEC 2011. Yang et al., Efficient
    computation of expected hypervolume improvement using box decomposition algorithms, J. Global
    Optim. 75 (2019). Daulton et al., arXiv:2006.05078; Ament et al., arXiv:2310.20708 (logarithm).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from luthier.errors import ArgumentError
from luthier.numerics.acquisition import Acquired, log_expected_improvement

__all__ = ["boxes_beyond", "log_expected_hypervolume_improvement"]

Array = NDArray[np.float64]
_THIN: Final = -1e-12


def boxes_beyond(front: Array, reference: Array) -> tuple[Array, Array]:
    """Cut what a front doesn't dominate into boxes that don't overlap.

    Args:
        front: Objective vectors, lower is better, shape (n, m), m of 2 or 3. Those that others
            dominate, or that aren't below the reference, make no difference.
        reference: The reference point, shape (m,).

    Returns:
        Lower corners, -inf where open, and upper ones, shape (b, m) each.

    Raises:
        ArgumentError: There are other than two or three objectives.

    Example:
        >>> lower, upper = boxes_beyond(np.array([[0.0, 0.0]]), np.array([1.0, 1.0]))
        >>> lower.tolist(), upper.tolist()
        ([[-inf, -inf], [0.0, -inf]], [[0.0, 1.0], [1.0, 0.0]])
    """
    P = np.asarray(front, dtype=np.float64).reshape(-1, len(reference))
    if len(reference) not in {2, 3}:
        raise ArgumentError(
            f"boxes_beyond: there must be 2 or 3 objectives, got {len(reference)}. Make one of "
            "them by luthier.numerics.pareto.chebyshev."
        )
    P = P[(reference > P).all(axis=1)]
    return _strips(P, reference) if len(reference) == 2 else _slices(P, reference)


def _strips(P: Array, r: Array) -> tuple[Array, Array]:
    """Of two objectives: upright strips between the points, which go down forever."""
    P = P[np.lexsort((P[:, 1], P[:, 0]))]
    if len(P):
        before = np.append(np.inf, np.minimum.accumulate(P[:-1, 1]))
        P = P[P[:, 1] < before]
    left, right = np.append(-np.inf, P[:, 0]), np.append(P[:, 0], r[0])
    top = np.append(r[1], P[:, 1])
    return np.column_stack([left, np.full(len(left), -np.inf)]), np.column_stack([right, top])


def _slices(P: Array, r: Array) -> tuple[Array, Array]:
    """Of three objectives: slices between values of the last one, each cut into strips."""
    levels = np.unique(P[:, 2])
    floors, ceilings = np.append(-np.inf, levels), np.append(levels, r[2])
    lower, upper = [], []
    for floor, ceiling in zip(floors, ceilings, strict=True):
        low, high = _strips(P[P[:, 2] <= floor, :2], r[:2])
        lower.append(np.column_stack([low, np.full(len(low), floor)]))
        upper.append(np.column_stack([high, np.full(len(high), ceiling)]))
    return np.concatenate(lower), np.concatenate(upper)


def log_expected_hypervolume_improvement(
    mean: Array, std: Array, lower: Array, upper: Array
) -> Acquired:
    """The logarithm of EHVI, exact however small it is.

    Args:
        mean: Shape (q, m).
        std: Above 0, shape (q, m).
        lower: Lower corners of the boxes, shape (b, m).
        upper: Upper corners, shape (b, m).

    Returns:
        Values of shape (q,), and derivatives by means and deviations of shape (q, m).

    Example:
        >>> boxes = boxes_beyond(np.empty((0, 2)), np.array([0.0, 0.0]))
        >>> found = log_expected_hypervolume_improvement(np.zeros((1, 2)), np.ones((1, 2)), *boxes)
        >>> np.exp(found.value).round(4).tolist()  # that of one objective, squared
        [0.1592]
    """
    m = mean.shape[1]
    parts = [_within(mean[:, j], std[:, j], lower[:, j], upper[:, j]) for j in range(m)]
    table = sum((part.value for part in parts[1:]), parts[0].value)
    top = table.max(axis=1, keepdims=True)
    weight = np.exp(table - top)
    total = weight.sum(axis=1, keepdims=True)
    weight /= total
    return Acquired(
        (top + np.log(total))[:, 0],
        np.column_stack([(weight * part.by_mean).sum(axis=1) for part in parts]),
        np.column_stack([(weight * part.by_std).sum(axis=1) for part in parts]),
    )


def _within(mean: Array, std: Array, lower: Array, upper: Array) -> Acquired:
    """Log (psi(upper) - psi(lower)) of one objective in each box, shape (q, b) each."""
    edges, places = np.unique(np.concatenate([lower, upper]), return_inverse=True)
    low, high = places[: len(lower)], places[len(lower) :]
    finite = np.where(np.isinf(edges), 0.0, edges)
    psi = log_expected_improvement(mean[:, None], std[:, None], finite)
    nothing = np.isinf(edges)
    psi.value[:, nothing] = -np.inf
    fall = np.minimum(psi.value[:, low] - psi.value[:, high], _THIN)
    share = np.exp(fall)
    rest = 1.0 - share
    return Acquired(
        psi.value[:, high] + np.log(rest),
        (psi.by_mean[:, high] - share * psi.by_mean[:, low]) / rest,
        (psi.by_std[:, high] - share * psi.by_std[:, low]) / rest,
    )
