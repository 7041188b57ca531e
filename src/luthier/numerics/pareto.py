"""Several objectives: fronts, ranks, how crowded points lie, hypervolume, one objective of many.

    name      meaning                                              shape
    Y         objective vectors, lower is better                   (n, m)
    Z         reference directions, each adds up to 1              (k, m)
    z*        the ideal point: the least value of each objective   (m,)
    a         intercepts: what one unit of each objective is       (m,)

References:
    Deb et al., NSGA-II, IEEE Transactions on Evolutionary Computation 6 (2002).
    Deb and Jain, NSGA-III, IEEE Transactions on Evolutionary Computation 18 (2014).
    While et al., A fast way of calculating exact hypervolumes, ibid. 16 (2012): limit sets.
    Das and Dennis, Normal-boundary intersection, SIAM Journal on Optimization 8 (1998).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.numerics.checks import floats, points
from luthier.numerics.qmc import Sobol

__all__ = [
    "apart",
    "associate",
    "chebyshev",
    "covering",
    "crowding_distance",
    "das_dennis",
    "extreme_points",
    "hypervolume",
    "intercepts",
    "niched",
    "non_dominated",
    "non_dominated_ranks",
]

Array = NDArray[np.float64]
Places = NDArray[np.intp]
_RHO: Final = 0.05
_EVEN: Final = 512
_AXIS: Final = 1e-6  # weight of the other objectives where an extreme point is looked for


def non_dominated(Y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mark the points that no other point dominates.

    A point dominates another if it is nowhere worse and somewhere better. Equal points don't
    dominate each other.

    Args:
        Y: Objective vectors, lower is better, shape (n, m), without NaN.

    Returns:
        A mask, shape (n,).

    Example:
        >>> non_dominated(np.array([[0.0, 2.0], [1.0, 1.0], [2.0, 2.0]])).tolist()
        [True, True, False]
    """
    n = len(Y)
    front = np.ones(n, dtype=np.bool_)
    left = np.lexsort(Y.T[::-1])  # a point can only be dominated by one before it
    while len(left):
        first, rest = left[0], left[1:]
        beaten = (Y[first] <= Y[rest]).all(axis=1) & (Y[first] < Y[rest]).any(axis=1)
        front[rest[beaten]] = False
        left = rest[~beaten]
    return front


def chebyshev(Y: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Make one objective of several: max_j w_j y_j + 0.05 sum_j w_j y_j, w random.

    Args:
        Y: Objective vectors, lower is better, shape (n, m), n at least 1; infinite values count
            as the worst and best finite ones.
        rng: Draws the weights, evenly from all that add up to 1.

    Returns:
        Shape (n,).

    Example:
        >>> Y = np.array([[0.0, 0.0], [1.0, 1.0]])
        >>> chebyshev(Y, np.random.default_rng(0)).round(2).tolist()
        [0.0, 0.65]

    References:
        Knowles, ParEGO, IEEE Transactions on Evolutionary Computation 10 (2006), eq. 2.
    """
    finite = _finite(Y)
    span = np.ptp(finite, axis=0)
    unit = (finite - finite.min(axis=0)) / np.where(span > 0, span, 1.0)
    weighted = unit * rng.dirichlet(np.ones(Y.shape[1]))
    total: NDArray[np.float64] = weighted.max(axis=1) + _RHO * weighted.sum(axis=1)
    return total


def non_dominated_ranks(Y: Array) -> Places:
    """Sort points into fronts: 0 for those that nothing dominates, 1 for those behind them, ...

    O(n log n) for up to three objectives: in lexicographic order a point's front is found by
    bisection, since what a front dominates the fronts before it dominate, too. Fronts are peeled
    off one by one for more.

    Args:
        Y: Objective vectors, lower is better, shape (n, m), without NaN.

    Returns:
        Shape (n,); equal points have equal ranks.

    Example:
        >>> non_dominated_ranks(np.array([[0.0, 2.0], [1.0, 1.0], [2.0, 2.0]])).tolist()
        [0, 0, 1]
    """
    order = np.lexsort(Y.T[::-1])
    ordered = Y[order]
    is_new = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))[: len(Y)]
    distinct = ordered[is_new]
    m = Y.shape[1]
    if m == 1:
        ranked = np.arange(len(distinct))
    elif m == 2:
        ranked = _ranks_of_2(distinct)
    elif m == 3:
        ranked = _ranks_of_3(distinct)
    else:
        ranked = _peeled(distinct)
    ranks = np.empty(len(Y), dtype=np.intp)
    ranks[order] = ranked[np.cumsum(is_new) - 1]
    return ranks


def _ranks_of_2(Y: Array) -> Places:
    """Ranks of different points in lexicographic order: only each front's last one counts."""
    lowest: list[float] = []
    ranks = []
    for y in Y[:, 1].tolist():
        rank = bisect_right(lowest, y)
        lowest[rank : rank + 1] = [y]
        ranks.append(rank)
    return np.array(ranks, dtype=np.intp)


def _ranks_of_3(Y: Array) -> Places:
    """The same for three objectives: a front is a staircase in the last two."""
    fronts: list[tuple[list[float], list[float]]] = []
    ranks = []
    for b, c in Y[:, 1:].tolist():
        low, high = 0, len(fronts)
        while low < high:
            middle = (low + high) // 2
            B, C = fronts[middle]
            i = bisect_right(B, b)
            if i and C[i - 1] <= c:
                low = middle + 1
            else:
                high = middle
        if low == len(fronts):
            fronts.append(([], []))
        B, C = fronts[low]
        i = bisect_left(B, b)
        k = _covered(C, i, c)
        B[i:k], C[i:k] = [b], [c]
        ranks.append(low)
    return np.array(ranks, dtype=np.intp)


def _covered(C: list[float], i: int, c: float) -> int:
    """Where the steps end, from the i-th on, that aren't below c."""
    while i < len(C) and C[i] >= c:
        i += 1
    return i


def _peeled(Y: Array) -> Places:
    ranks = np.empty(len(Y), dtype=np.intp)
    left, rank = np.arange(len(Y)), 0
    while len(left):
        front = non_dominated(Y[left])
        ranks[left[front]] = rank
        left, rank = left[~front], rank + 1
    return ranks


def crowding_distance(Y: Array, ranks: Places | None = None) -> Array:
    """Return how far apart the neighbours of each point in its front lie.

    The sum over the objectives of the distance between the next lower and the next higher value,
    in units of the front's range; infinite for the ends of a front.

    Args:
        Y: Objective vectors, shape (n, m), without NaN; infinite values count as the largest and
            least finite ones.
        ranks: The front of each point, shape (n,); all are one front if None.

    Example:
        >>> Y = np.array([[0.0, 4.0], [1.0, 2.0], [4.0, 0.0]])
        >>> crowding_distance(Y).tolist()
        [inf, 2.0, inf]

    References:
        Deb et al. 2002, section III-B.
    """
    n = len(Y)
    groups = np.zeros(n, dtype=np.intp) if ranks is None else ranks
    total = np.zeros(n)
    for y in _finite(Y).T:
        order = np.lexsort((y, groups))
        sorted_y, group = y[order], groups[order]
        starts = np.append(True, group[1:] != group[:-1])[:n]
        ends = np.append(starts[1:], True)[:n]
        front = np.cumsum(starts) - 1
        span = (sorted_y[ends] - sorted_y[starts])[front]
        gaps = np.full(n, np.inf)
        inner = np.flatnonzero(~(starts | ends))
        gaps[inner] = (sorted_y[inner + 1] - sorted_y[inner - 1]) / np.where(
            span[inner] > 0, span[inner], 1.0
        )
        total[order] += gaps
    return total


def _finite(Y: Array) -> Array:
    """Infinite values replaced by the extreme finite ones of their objective."""
    if np.isfinite(Y).all():
        return Y
    finite = np.isfinite(Y)
    low = np.min(Y, axis=0, where=finite, initial=np.inf)
    high = np.max(Y, axis=0, where=finite, initial=-np.inf)
    return np.clip(Y, np.where(low < np.inf, low, 0.0), np.where(high > -np.inf, high, 0.0))


def apart(Y: Array, k: int) -> Places:
    """Choose points that lie far from each other: each as far as can be from those before it.

    The first is the one of the least sum; distances are in units of the range of each objective.

    Args:
        Y: Finite objective vectors, shape (n, m), n at least 1.
        k: How many at most.

    Returns:
        Places of the chosen, shape (min(n, k),).

    Example:
        >>> apart(np.array([[0.0, 4.0], [1.0, 2.0], [1.1, 2.1], [4.0, 0.0]]), 3).tolist()
        [1, 3, 0]
    """
    span = np.ptp(Y, axis=0)
    F = Y / np.where(span > 0, span, 1.0)
    order = [int(F.sum(axis=1).argmin())]
    distance = np.square(F - F[order[0]]).sum(axis=1)
    while len(order) < min(k, len(F)):
        order.append(int(distance.argmax()))
        distance = np.minimum(distance, np.square(F - F[order[-1]]).sum(axis=1))
    return np.array(order, dtype=np.intp)


def covering(F: Array, k: int) -> Places:
    """Choose points that dominate most of the unit cube together: each adds as much as can be.

    Greedy hypervolume subset selection with the reference point 1, where volume is the share of 512
    evenly spread points: a matrix of truths does, whatever the number of objectives.

    Args:
        F: Objective vectors in [0, 1], lower is better, shape (n, m).
        k: How many at most.

    Returns:
        Places of the chosen, those that add most first, the older first among equals, shape
        (min(n, k),).

    Example:
        >>> covering(np.array([[0.0, 0.9], [0.4, 0.4], [0.5, 0.5], [0.9, 0.0]]), 3).tolist()
        [1, 0, 3]

    References:
        Guerreiro, Fonseca, Paquete, Greedy hypervolume subset selection in low dimensions,
        Evolutionary Computation 24 (2016).
    """
    spots = _even_points(F.shape[1])
    beaten = np.ones((len(spots), len(F)), dtype=np.bool_)
    for f, p in zip(F.T, spots.T, strict=True):
        beaten &= f <= p[:, None]
    gains = np.count_nonzero(beaten, axis=0)
    left = np.ones(len(spots), dtype=np.bool_)
    chosen: list[int] = []
    for _ in range(min(k, len(F))):
        best = int(gains.argmax())
        chosen.append(best)
        new = beaten[:, best] & left
        left &= ~new
        gains -= np.count_nonzero(beaten[new], axis=0)
        gains[best] = -len(left) - 1
    return np.array(chosen, dtype=np.intp)


@lru_cache(maxsize=16)
def _even_points(m: int) -> Array:
    return Sobol(m).points(1, _EVEN)


def hypervolume(Y: ArrayLike, reference: ArrayLike) -> float:
    """Return the volume that points dominate, up to a reference point; exact.

    Two objectives are sorted and summed, three swept along the third in O(n log n). From four on
    points are taken in falling order of the last objective: each adds its own box less what later
    points dominate of it, a hypervolume of one dimension less (limit sets, While 2012).

    Args:
        Y: Objective vectors, lower is better, shape (n, m). Only what is below the reference in
            every objective counts.
        reference: Shape (m,).

    Raises:
        ArgumentError: The shapes don't fit.

    Example:
        >>> hypervolume([[1.0, 2.0], [2.0, 1.0]], [3.0, 3.0])
        3.0
    """
    corner = floats(reference, "hypervolume: reference").ravel()
    P = points(Y, corner.size, "hypervolume: Y")
    P = P[(corner > P).all(axis=1)]
    return _volume(P, corner) if len(P) else 0.0


def _volume(Y: Array, reference: Array) -> float:
    m = len(reference)
    if m == 1:
        return float(reference[0] - Y[:, 0].min())
    if m == 2:
        return _area(Y, reference)
    if m == 3:
        return _swept(Y, reference)
    Y = Y[non_dominated(Y)]
    Y = Y[np.argsort(-Y[:, -1], kind="stable")]
    boxes, heights = np.prod(reference[:-1] - Y[:, :-1], axis=1), reference[-1] - Y[:, -1]
    total = 0.0
    for k, (y, box, height) in enumerate(zip(Y, boxes, heights, strict=True)):
        limits = np.maximum(Y[k + 1 :, :-1], y[:-1])
        total += height * (box - (_volume(limits, reference[:-1]) if len(limits) else 0.0))
    return float(total)


def _area(Y: Array, reference: Array) -> float:
    Y = Y[np.argsort(Y[:, 0], kind="stable")]
    lowest = np.append(reference[1], np.minimum.accumulate(Y[:, 1]))
    return float(np.sum((reference[0] - Y[:, 0]) * (lowest[:-1] - lowest[1:])))


def _swept(Y: Array, reference: Array) -> float:
    """Sweep along the third objective; the area dominated so far is a staircase."""
    width, depth, end = reference.tolist()
    A: list[float] = []
    B: list[float] = []
    volume = area = at = 0.0
    for a, b, c in Y[np.argsort(Y[:, 2], kind="stable")].tolist():
        i = bisect_right(A, a)
        if i and B[i - 1] <= b:
            continue
        volume += area * (c - at) if area else 0.0
        at = c
        i = bisect_left(A, a)
        k, left, top = i, a, B[i - 1] if i else depth
        while k < len(A) and B[k] >= b:
            area += (A[k] - left) * (top - b)
            left, top, k = A[k], B[k], k + 1
        area += ((A[k] if k < len(A) else width) - left) * (top - b)
        A[i:k], B[i:k] = [a], [b]
    return float(volume + area * (end - at))


def das_dennis(m: int, divisions: int) -> Array:
    """Return evenly spread reference directions: all whole parts of ``divisions``, scaled to 1.

    Args:
        m: Number of objectives, at least 1.
        divisions: Into how many parts each axis is cut, at least 1.

    Returns:
        Shape (binomial(divisions + m - 1, m - 1), m), each row adds up to 1.

    Example:
        >>> das_dennis(2, 2).tolist()
        [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]

    References:
        Das and Dennis 1998.
    """
    cuts = np.array(list(combinations(range(divisions + m - 1), m - 1)), dtype=np.float64)
    ends = np.full((len(cuts), 1), -1.0), np.full((len(cuts), 1), divisions + m - 1.0)
    return np.asarray((np.diff(np.hstack([ends[0], cuts, ends[1]])) - 1) / divisions)


def extreme_points(Y: Array, ideal: Array) -> Array:
    """Return for each objective the point that is good in all others.

    Args:
        Y: Objective vectors, finite, shape (n, m), n at least 1.
        ideal: z*, shape (m,).

    Returns:
        Shape (m, m): row j minimises max_i (y_i - z*_i) / w_i with w_j = 1 and 1e-6 elsewhere.

    Example:
        >>> extreme_points(np.array([[0.0, 3.0], [1.0, 1.0], [4.0, 0.0]]), np.zeros(2)).tolist()
        [[4.0, 0.0], [0.0, 3.0]]

    References:
        Deb and Jain 2014, eq. 4.
    """
    m = Y.shape[1]
    weights = np.where(np.eye(m, dtype=np.bool_), 1.0, _AXIS)
    achieved = ((Y - ideal)[:, None, :] / weights).max(axis=2)
    return np.asarray(Y[achieved.argmin(axis=0)])


def intercepts(extremes: Array, ideal: Array, worst: Array) -> Array:
    """Return where the plane through the extreme points meets the axes, measured from z*.

    Args:
        extremes: Shape (m, m).
        ideal: z*, shape (m,).
        worst: What counts if there is no such plane: the worst values of the front, shape (m,).

    Returns:
        a, above 0, shape (m,).

    Example:
        >>> intercepts(np.array([[2.0, 0.0], [0.0, 1.0]]), np.zeros(2), np.ones(2)).tolist()
        [2.0, 1.0]

    References:
        Deb and Jain 2014, section IV-C.
    """
    try:
        plane = np.linalg.solve(extremes - ideal, np.ones(len(ideal)))
    except np.linalg.LinAlgError:
        plane = np.zeros(len(ideal))
    with np.errstate(divide="ignore"):
        a = 1 / plane
    if not (np.isfinite(a).all() and (a > _AXIS).all()):
        a = worst - ideal
    return np.asarray(np.where(a > _AXIS, a, 1.0))


def associate(F: Array, Z: Array) -> tuple[Places, Array]:
    """Return each point's nearest reference direction and its distance from that line.

    Args:
        F: Objectives in units of the intercepts, measured from the ideal point, shape (n, m).
        Z: Reference directions, shape (k, m).

    Returns:
        Places in Z and distances, shapes (n,).

    Example:
        >>> associate(np.array([[0.0, 2.0]]), das_dennis(2, 2))
        (array([0]), array([0.]))
    """
    unit = Z / np.linalg.norm(Z, axis=1, keepdims=True)
    along = F @ unit.T
    squared = np.maximum((F**2).sum(axis=1, keepdims=True) - along**2, 0.0)
    nearest = squared.argmin(axis=1)
    return nearest, np.sqrt(squared[np.arange(len(F)), nearest])


def niched(
    k: int, niche: Places, distance: Array, crowd: Places, rng: np.random.Generator
) -> Places:
    """Choose k points of a front so that the emptiest directions are filled first.

    Args:
        k: How many, at most n.
        niche: The direction of each point, shape (n,).
        distance: Its distance from that direction, shape (n,).
        crowd: How many points each direction has already, one count per direction.
        rng: Breaks ties, and chooses where a direction isn't empty.

    Returns:
        Places of the chosen points, shape (k,).

    Example:
        >>> niche, distance = np.array([0, 0, 1]), np.array([0.2, 0.1, 0.3])
        >>> niched(1, niche, distance, np.array([0, 4]), np.random.default_rng(0)).tolist()
        [1]

    References:
        Deb and Jain 2014, algorithm 4.
    """
    order = np.lexsort((rng.random(len(niche)), niche))
    members = {int(j): order[niche[order] == j].tolist() for j in np.unique(niche)}
    for j, places in members.items():
        if not crowd[j]:  # the nearest goes first, the others in random order
            places.append(places.pop(int(distance[places].argmin())))
    counts = {j: int(crowd[j]) for j in members}
    chosen: list[int] = []
    while len(chosen) < k:
        least = min(counts.values())
        ties = [j for j, count in counts.items() if count == least]
        for j in rng.permutation(ties)[: k - len(chosen)].tolist():
            chosen.append(members[j].pop())
            counts[j] += 1
            if not members[j]:
                del counts[j]
    return np.array(chosen, dtype=np.intp)
