"""Learning curves: where will a metric go that has been seen up to some step?

A curve is an offset, a decay of some shape and size, and noise, a part of which stays:

    y(t) = a + b g(t) + w(t) + e(t),    w a random walk in log t, e white

Shapes g and noises are drawn from a prior, once and for all. a and b have normal priors and
integrate out, so each pair of a shape and a noise predicts by a normal. What has been observed of a
curve weighs the pairs by its likelihood under each: importance sampling of curves in which two
dimensions and the walk are exact. The walk draws forecasts towards the last value: the more a curve
has wandered, the less its shape counts. Finished curves of the same study weigh the pairs, too.

    name      meaning                                                         shape
    Y, Z      curves of one study, NaN where not observed; standardised       (n, t)
    u, v      steps as shares of the last one; their logarithms, in [0, 1]    (t,)
    G         shapes at the steps: 1 at the first one, 0 at the last          (k, t)
    R, Q      variances of the white noise and of the walk's increments       (j, t)
    P, s      variances of the walk and of an innovation in the filter        (p, j)
    A, r      precision of (a, b), and precision times mean

Curves observed at the same steps form one of p patterns: all but a curve's own values is shared.
The constants were fitted by hand to half of the data sets of LCDB and to one table of TaskSet, and
checked on the others (benchmarks/fidelity).

References:
    Domhan et al., Speeding up automatic hyperparameter optimization of deep neural networks by
        extrapolation of learning curves, IJCAI 2015: families of curves.
    Adriaensen et al., Efficient Bayesian learning curve extrapolation using prior-data fitted
        networks, arXiv:2310.20447: a prior over curves, conditioned rather than fitted.
    Durbin & Koopman, Time series analysis by state space methods, 2nd ed., 2012: the local level
        model's filter, section 2.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.errors import ArgumentError

__all__ = ["Forecast", "forecast", "standardised"]

Array = NDArray[np.float64]
_FAMILIES: Final = (0.4, 0.35, 0.25)  # shares of power laws, inverse logarithms, Janoschek's curves
_N_SHAPES: Final = 48
_KRONECKER: Final = 1.2207440846057596 ** -np.arange(1.0, 4.0)  # the root of x^4 = x + 1
_LEVEL: Final = 2.0  # standard deviation of the offset a; b leans towards falling curves
_LEANING: Final = 0.7
_WHITE: Final = (0.005, 0.05, 0.5)
_WALK: Final = (0.05, 0.5, 3.0)
_GROWTH: Final = (0.3, 1.8)  # by what power of e the noise is larger at the first step
_STRENGTH: Final = 5.0  # how many finished curves the prior is worth
_FAR: Final = 8.0
_KNOWN: Final = 1e-9


@final
@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What curves are expected to be at some steps: for each, a mixture of normals.

    A step that a curve has been observed at is certain. One that it passed without a report is NaN.

    Attributes:
        weights: Of each curve's components; they add up to 1, shape (n, c).
        means: Shape (n, m, c) for m steps.
        deviations: Standard deviations, shape (n, m, c).
    """

    weights: Array
    means: Array
    deviations: Array

    @property
    def mean(self) -> Array:
        """The expected values, shape (n, m)."""
        return np.asarray(np.einsum("nc,nmc->nm", self.weights, self.means))

    def below(self, y: Array | float) -> Array:
        """Return the probability of a value below y.

        Args:
            y: Broadcasts to shape (n, m).

        Returns:
            Shape (n, m).
        """
        from scipy.special import ndtr

        z = (np.asarray(y)[..., None] - self.means) / self.deviations
        return np.asarray(np.einsum("nc,nmc->nm", self.weights, ndtr(z)))

    def log_density(self, y: Array | float) -> Array:
        """Return the logarithm of the density at y, shape (n, m).

        Args:
            y: Broadcasts to shape (n, m).
        """
        z = (np.asarray(y)[..., None] - self.means) / self.deviations
        with np.errstate(divide="ignore"):
            log_p = np.log(self.weights)[:, None] - np.log(self.deviations) - 0.5 * z * z
        return _log_sum(log_p) - 0.5 * float(np.log(2 * np.pi))

    def quantile(self, q: float) -> Array:
        """Return the values below which a share q lies, by bisection.

        Args:
            q: Above 0 and below 1.

        Returns:
            Shape (n, m).

        Raises:
            ArgumentError: q isn't.
        """
        if not 0 < q < 1:
            raise ArgumentError(f"Forecast: q must be above 0 and below 1, got {q!r}.", q=q)
        reach = _FAR * self.deviations
        low, high = (self.means - reach).min(axis=-1), (self.means + reach).max(axis=-1)
        for _ in range(40):
            middle = (low + high) / 2
            under = self.below(middle) < q
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        return np.asarray((low + high) / 2)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw values. Within a draw, all steps of a curve have one component and one luck.

        Args:
            n: How many draws.
            rng: Source of randomness.

        Returns:
            Shape (n, curves, m).
        """
        cumulative = np.cumsum(self.weights, axis=1)
        shares = rng.random((n, len(cumulative))) * cumulative[:, -1]
        curve = np.arange(len(cumulative))
        chosen = np.array([np.searchsorted(cumulative[i], shares[:, i]) for i in curve], np.intp)
        chosen = np.minimum(chosen.reshape(len(curve), n), cumulative.shape[1] - 1).T
        luck = rng.standard_normal((n, len(curve), 1))
        return np.asarray(
            self.means[curve, :, chosen] + luck * self.deviations[curve, :, chosen], np.float64
        )


def forecast(Y: Array, steps: Sequence[float] | Array, at: Sequence[float] | Array) -> Forecast:
    """Extrapolate the learning curves of one study.

    Curves that are observed at the last of all steps are finished: they tell which shapes and how
    much noise there are here. The spread of all values gives the scale, so at least a few curves,
    or a longer piece of one, are wanted. 200 curves of 50 steps take some 50 ms.

    Args:
        Y: Values, lower is better, NaN where there is none, shape (n, t); infinite ones count as
            far away.
        steps: Increasing and at least 0, shape (t,).
        at: The steps to forecast, increasing, shape (m,). The last of all is the horizon: the prior
            knows shapes by how much of them lies before it.

    Raises:
        ArgumentError: The shapes don't match, or the steps don't increase from at least 0.

    Example:
        >>> Y = np.array([[0.9, 0.5, 0.3, 0.25, 0.22], [0.8, 0.6, 0.5, np.nan, np.nan]])
        >>> expected = forecast(Y, [1, 2, 4, 8, 16], at=[16])
        >>> expected.mean.round(2).shape, bool(expected.mean[1, 0] < 0.5)
        ((2, 1), True)
        >>> bool(expected.below(0.3)[1, 0] < 0.5)
        True
    """
    known, goals = np.asarray(steps, dtype=np.float64), np.asarray(at, dtype=np.float64)
    _check(Y, known, goals)
    grid = np.union1d(known, goals)
    whole = np.full((len(Y), len(grid)), np.nan)
    whole[:, np.searchsorted(grid, known)] = Y
    Z, centre, scale = standardised(whole)
    curves = _Filtered(Z, *_prior(tuple(grid)))
    places = np.searchsorted(grid, goals)
    means, deviations = curves.predicted(places)
    weights = _weighted(curves.log_likelihood, ~np.isnan(whole[:, -1]))
    means, deviations = centre + scale * means, scale * deviations
    reached = np.where(np.isinf(whole), centre + scale * Z, whole)[:, places]
    there = ~np.isnan(whole)
    passed = (np.cumsum(there[:, ::-1], axis=1)[:, ::-1] > 0)[:, places]
    means[passed] = reached[passed][:, None]
    deviations[passed] = _KNOWN * scale
    return Forecast(weights, means, deviations)


@final
class _Filtered:
    """Curves after the Kalman filter of their random walks, regressed on offset and shape."""

    def __init__(self, Z: Array, G: Array, size: Array, R: Array, Q: Array) -> None:
        patterns, rows = np.unique(~np.isnan(Z), axis=0, return_inverse=True)
        rows = rows.reshape(-1)
        t, p, j, k = Z.shape[1], len(patterns), len(R), len(G)
        P, one, shape, own = np.zeros((p, j)), *map(np.zeros, ((p, j), (p, j, k), (len(Z), j)))
        E1, Eg, Ey = (np.zeros((t, *level.shape)) for level in (one, shape, own))
        log_s = np.zeros((p, j))
        for i in range(t):
            P = P + Q[:, i]
            s = np.where(patterns[:, i, None], P + R[:, i], np.inf)  # not observed: no information
            root, gain = np.sqrt(s), P / s
            innovation, g_innovation = 1.0 - one, G[:, i] - shape
            z_innovation = np.nan_to_num(Z[:, i, None]) - own
            E1[i], Eg[i] = innovation / root, g_innovation / root[..., None]
            Ey[i] = z_innovation / root[rows]
            one = one + gain * innovation
            shape = shape + gain[..., None] * g_innovation
            own = own + gain[rows] * z_innovation
            log_s += np.log(s, out=np.zeros_like(s), where=np.isfinite(s))
            P = P * (1.0 - gain)
        self._rows, self._G, self._R = rows, G, R
        self._P, self._one, self._shape, self._own = P, one, shape, own
        self._left = Q.sum(axis=1, keepdims=True) - np.cumsum(Q, axis=1)
        self._regress(E1, Eg, Ey, size, log_s)

    def _regress(self, E1: Array, Eg: Array, Ey: Array, size: Array, log_s: Array) -> None:
        """The posterior of (a, b), and the likelihood without them, for each pair (j, k)."""
        rows = self._rows
        precision_a, precision_b = _LEVEL**-2, size**-2.0
        mean_b = _LEANING * size
        A11 = (np.square(E1).sum(axis=0) + precision_a)[..., None]
        A12 = np.einsum("tpj,tpjk->pjk", E1, Eg)
        A22 = np.einsum("tpjk,tpjk->pjk", Eg, Eg) + precision_b
        r1 = np.einsum("tnj,tnj->nj", E1[:, rows], Ey)[..., None]
        r2 = np.empty((len(rows), *A12.shape[1:]))
        for pattern in range(len(A12)):
            mine = rows == pattern
            r2[mine] = np.einsum("tnj,tjk->njk", Ey[:, mine], Eg[:, pattern], optimize=True)
        r2 += mean_b * precision_b
        det = A11 * A22 - A12 * A12
        self._covariance = A22 / det, A12 / det, A11 / det
        V11, V12, V22 = (V[rows] for V in self._covariance)
        self._a, self._b = V11 * r1 - V12 * r2, V22 * r2 - V12 * r1
        square = np.square(Ey).sum(axis=0)[..., None] + mean_b**2 * precision_b
        square = square - self._a * r1 - self._b * r2
        volume = np.log(det) - np.log(precision_a * precision_b) + log_s[..., None]
        self.log_likelihood = (-0.5 * (square + volume[rows])).reshape(len(rows), -1)

    def predicted(self, places: NDArray[np.intp]) -> tuple[Array, Array]:
        """Means and standard deviations at later places of the grid, shape (n, m, c) each."""
        rows, n = self._rows, len(self._rows)
        means, variances = [], []
        f1 = (1.0 - self._one)[..., None]
        V11, V12, V22 = self._covariance
        for i in places:
            fg = self._G[:, i] - self._shape
            walked = self._P - self._left[:, i] + self._R[:, i]
            variance = f1**2 * V11 - 2 * f1 * fg * V12 + fg**2 * V22 + walked[..., None]
            means.append(self._own[..., None] + f1[rows] * self._a + fg[rows] * self._b)
            variances.append(np.maximum(variance, 0.0)[rows])
        shape = (n, len(places), -1)
        deviations = np.sqrt(np.stack(variances, axis=1)).reshape(shape)
        return np.stack(means, axis=1).reshape(shape), deviations


def _weighted(log_likelihood: Array, finished: NDArray[np.bool_]) -> Array:
    """Weights of the components: by a curve's own likelihood, and by how finished curves were."""
    own = np.exp(log_likelihood - _log_sum(log_likelihood)[:, None])
    if not finished.any():
        return own
    c = own.shape[1]
    usual = (_STRENGTH / c + own[finished].sum(axis=0)) / (_STRENGTH + finished.sum())
    both = own * usual
    return np.asarray(both / both.sum(axis=1, keepdims=True))


@lru_cache(maxsize=32)
def _prior(steps: tuple[float, ...]) -> tuple[Array, Array, Array, Array]:
    """Shapes at steps, usual sizes of their falls, variances of white noise and of the walk."""
    t = np.array(steps) + (steps[0] == 0)
    u = t / t[-1]
    v = np.log(t / t[0]) / max(np.log(t[-1] / t[0]), 1e-12)
    G, size = _shapes(u)
    white, walk, growth = np.array(list(product(_WHITE, _WALK, _GROWTH))).T[..., None]
    R = np.square(white * np.exp(growth * (1 - v)))
    middle = (v[1:] + v[:-1]) / 2
    Q = np.square(walk * np.exp(growth * (1 - middle))) * np.diff(v)
    return G, size, R, np.concatenate([np.zeros((len(R), 1)), Q], axis=1)


def _shapes(u: Array) -> tuple[Array, Array]:
    """Decays from 1 to 0 at shares u of the horizon, shape (k, t), and how far they may fall."""
    from scipy.special import ndtri

    number = np.arange(_N_SHAPES)
    drawn = (0.5 + (number[:, None] + 1) * _KRONECKER) % 1.0
    tau = np.exp(np.log(0.003) + drawn[:, :1] * np.log(1000.0))  # 0.003 to 3 horizons
    normal = ndtri(drawn[:, 1:2])
    family = np.searchsorted(np.cumsum(_FAMILIES)[:-1], number / _N_SHAPES, side="right")
    g = np.choose(
        family[:, None],
        [
            (u + tau / 10) ** -np.exp(0.8 * normal - 0.7),
            1 / np.log(np.e + u / tau),
            np.exp(-((u / tau) ** np.exp(0.4 * normal - 0.2))),
        ],
    )
    fall = np.maximum(g[:, :1] - g[:, -1:], 1e-12)
    return (g - g[:, -1:]) / fall, np.exp(1.0 + ndtri(drawn[:, 2]))


def standardised(Y: Array) -> tuple[Array, float, float]:
    """Return values around 0 with a spread of about 1, and their centre and scale.

    Values more than eight spreads away count as eight.
    """
    finite = Y[np.isfinite(Y)]
    if not len(finite):
        return np.clip(Y, -_FAR, _FAR), 0.0, 1.0
    low, centre, high = np.quantile(finite, [0.25, 0.5, 0.75]).tolist()
    scale = (high - low) / 1.35 or float(finite.std()) or 0.1 * abs(centre) or 1.0
    return np.clip((Y - centre) / scale, -_FAR, _FAR), centre, scale


def _check(Y: Array, steps: Array, at: Array) -> None:
    increasing = all(len(s) and s[0] >= 0 and (np.diff(s) > 0).all() for s in (steps, at))
    if Y.ndim != 2 or Y.shape[1] != len(steps) or not increasing:
        raise ArgumentError(
            f"forecast: Y must have shape (n, {len(steps)}), a column for each step, and steps and "
            f"at must increase from at least 0, got shape {Y.shape}, steps {steps.tolist()} and "
            f"at {at.tolist()}."
        )


def _log_sum(log_p: Array) -> Array:
    top = log_p.max(axis=-1, keepdims=True)
    return np.asarray(top[..., 0] + np.log(np.exp(log_p - top).sum(axis=-1)))
