"""Aims: what a point is worth where several objectives are to be minimised, by models of each.

Up to three objectives are judged by the volume that a point is expected to add to their front. Of
more a weighting is drawn, and improved on:

    name      meaning                                                        shape
    F         what is known: objective vectors, lower is better              (n, m)
    mu, s     predicted means and standard deviations                        (q, m)
    z, u      the best value and the range of each objective on the front    (m,)
    w         weights that add up to 1                                       (m,)
    c(y)      max_j w_j (y_j - z_j) / u_j, what is minimised                 ()
    t         c of the best that is known                                    ()

The distribution of c under independent models is a product, so that its expected improvement is
one integral, whatever m is:

    E (t - c(Y))^+ = integral from 0 to infinity of P(c(Y) < t - h) dh
    P(c(Y) < a)    = prod_j Phi((z_j + a u_j / w_j - mu_j) / s_j)

ParEGO models the weighted values instead: every weighting is another function then, and must be
learnt anew.

References:
    Knowles, ParEGO, IEEE Transactions on Evolutionary Computation 10 (2006): a weighting drawn for
    every trial. Emmerich et al., CEC 2011 (volume).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Protocol, final

import numpy as np
from numpy.typing import NDArray

from luthier.numerics.acquisition import Acquired
from luthier.numerics.ehvi import boxes_beyond, log_expected_hypervolume_improvement
from luthier.numerics.pareto import apart, non_dominated

__all__ = ["OF_A_FRONT", "Aim", "Volume", "Weighting", "aim_of", "improvement"]

Array = NDArray[np.float64]
OF_A_FRONT: Final[Mapping[str, str]] = {"logei": "LogEHVI", "ei": "EHVI", "ucb": "UCB of volume"}
"""The acquisition functions that there are of an aim, and how they are called in reasons."""
_SURE: Final = 0.1  # of the deviations, kept where the confidence bound stands for the mean
Places = NDArray[np.intp]
_MOST_POINTS: Final = {2: 60, 3: 24}  # of objectives whose front is cut into boxes
_BEYOND: Final = 0.1
_LEAST_SHARE: Final = 1e-3
_NODES: Final = 24
_SPREAD: Final = 6.0  # standard deviations beyond which nothing is left to chance
_MOST_EXPONENT: Final = 700.0
_LOG_ROOT_2PI: Final = 0.5 * float(np.log(2 * np.pi))


class Aim(Protocol):
    """What is to be improved."""

    def improvement(self, mean: Array, std: Array) -> Acquired:
        """Return the logarithm of what points are expected to improve, shape (q,).

        Args:
            mean: Shape (q, m).
            std: Above 0, shape (q, m).

        Returns:
            It and its derivatives by means and deviations, shape (q, m) each.
        """
        ...

    def beyond(self, F: Array) -> Aim:
        """Return the aim when more objective vectors are known, shape (k, m)."""
        ...


def aim_of(F: Array, rng: np.random.Generator) -> tuple[Aim, Places]:
    """Return what is to be improved on some objective vectors.

    Args:
        F: Two or more objectives, lower is better, finite, n at least 1, shape (n, m).
        rng: Draws the weighting, if there are more than three.

    Returns:
        The aim, and the places of what is best for it, the best or the most telling first.

    Example:
        >>> aim, places = aim_of(np.array([[0.0, 1.0], [1.0, 1.0]]), np.random.default_rng(0))
        >>> places.tolist()
        [0]
        >>> far, near = aim.improvement(
        ...     np.array([[0.9, 0.9], [0.0, 0.9]]), np.full((2, 2), 0.1)
        ... ).value
        >>> bool(near > far)
        True
    """
    front = np.flatnonzero(non_dominated(F))
    P = F[front]
    unit = np.ptp(P, axis=0)
    if F.shape[1] not in _MOST_POINTS:
        toward = np.maximum(rng.dirichlet(np.ones(F.shape[1])), _LEAST_SHARE)
        weights = (1 / toward) / (1 / toward).sum()  # least c lies on z + toward: evenly drawn
        aim = Weighting(P.min(axis=0), weights / np.where(unit > 0, unit, 1.0), 0.0)
        cost = aim.cost(P)
        return replace(aim, best=float(cost.min())), front[np.argsort(cost, kind="stable")]
    order = apart(P, _MOST_POINTS[F.shape[1]])
    reference = np.maximum(
        P.max(axis=0) + np.maximum(_BEYOND * unit, _BEYOND), np.median(F, axis=0)
    )
    return Volume(P[order], reference, boxes_beyond(P[order], reference)), front[order]


def improvement(aim: Aim, name: str, mean: Array, std: Array, kappa: float = 1.8) -> Acquired:
    """Return the logarithm of what points would improve, by an acquisition function's name.

    Args:
        aim: What is to be improved.
        name: One of ``OF_A_FRONT``. By "ucb" it is what points improve if each objective is as low
            as mu - kappa s.
        mean: Shape (q, m).
        std: Above 0, shape (q, m).
        kappa: How optimistic "ucb" is, at least 0.

    Returns:
        It and its derivatives by means and deviations, shape (q,) and (q, m) each.
    """
    if name != "ucb":
        return aim.improvement(mean, std)
    found = aim.improvement(mean - kappa * std, _SURE * std)
    return found._replace(by_std=_SURE * found.by_std - kappa * found.by_mean)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """The volume that a front dominates.

    Attributes:
        front: Objective vectors, shape (n, m).
        reference: What counts is better than this, shape (m,).
        boxes: Lower and upper corners of the boxes that the front leaves open, shape (b, m) each.
    """

    front: Array
    reference: Array
    boxes: tuple[Array, Array]

    def improvement(self, mean: Array, std: Array) -> Acquired:
        """Return the logarithm of the expected hypervolume improvement."""
        return log_expected_hypervolume_improvement(mean, std, *self.boxes)

    def beyond(self, F: Array) -> Volume:
        """Return the volume that more points dominate as well."""
        front = np.concatenate([self.front, F])
        return replace(self, front=front, boxes=boxes_beyond(front, self.reference))


@final
@dataclass(frozen=True, slots=True, eq=False)
class Weighting:
    """A weighted distance to the best value of each objective.

    Attributes:
        ideal: z, shape (m,).
        scale: w / u, above 0, shape (m,).
        best: t.
    """

    ideal: Array
    scale: Array
    best: float

    def cost(self, F: Array) -> Array:
        """Return c at objective vectors of shape (n, m), shape (n,)."""
        return np.asarray((self.scale * (F - self.ideal)).max(axis=1))

    def improvement(self, mean: Array, std: Array) -> Acquired:
        """Return the logarithm of the expected improvement of c."""
        from scipy.special import log_ndtr

        b = self.scale * std
        a = (self.best - self.scale * (mean - self.ideal)) / b  # (q, m)
        sure = np.maximum(((a - _SPREAD) * b).min(axis=1), 0.0)  # P is 1 up to there
        width = ((np.maximum(a, 0.0) + _SPREAD) * b).min(axis=1) - sure  # and 0 from there
        nodes, weights = _quadrature()
        h = sure[:, None] + width[:, None] * nodes
        x = a[:, None] - h[:, :, None] / b[:, None]  # (q, nodes, m)
        log_below = log_ndtr(x)
        table = log_below.sum(axis=2) + np.log(weights * width[:, None])
        top = table.max(axis=1, keepdims=True)
        share = np.exp(table - top)
        total = share.sum(axis=1, keepdims=True) + sure[:, None] * np.exp(
            np.minimum(-top, _MOST_EXPONENT)
        )
        slope = np.exp(-0.5 * x * x - _LOG_ROOT_2PI - log_below) * (share / total)[:, :, None]
        return Acquired(
            (top + np.log(total))[:, 0], -slope.sum(axis=1) / std, -(slope * x).sum(axis=1) / std
        )

    def beyond(self, F: Array) -> Weighting:
        """Return the same weighting with more to improve on."""
        return replace(self, best=min(self.best, float(self.cost(F).min())))


@lru_cache(maxsize=1)
def _quadrature() -> tuple[Array, Array]:
    """Nodes in (0, 1), dense near 0, and their weights: Gauss-Legendre in x^3."""
    x, w = np.polynomial.legendre.leggauss(_NODES)
    x = (x + 1) / 2
    return x**3, w / 2 * 3 * x**2
