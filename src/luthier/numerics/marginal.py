"""What a Gaussian process's hyperparameters are worth: the marginal likelihood and their priors.

    name     meaning                                                 shape
    theta    log l_1 .. log l_d, log sf2, log sn2; of bent inputs    (d + 2,) or
             also log a_1 .. log a_p, log b_1 .. log b_p             (d + 2 + 2 p,)
    l        length scales, of columns and of numbers in choices     (d,)
    sf2      variance of the function                                ()
    sn2      variance of the noise                                   ()
    e        known extra noise variance of each point                (n,)
    K        sf2 k + diag(sn2 + e)                                   (n, n)
    a        K^-1 y                                                  (n,)
    A        features over length scales                             (n, p)
    W        (K^-1 - a a') o sf2 g                                   (n, n)

    NLL                =  1/2 y'a + 1/2 log|K| + n/2 log 2 pi        R&W eq. 2.30
    dNLL / dlog l_j    =  sum over the features of j of
                          (A o A)' W 1 - colsum(A o (W A))           from R&W eq. 5.9
    dNLL / dlog sf2    =  1/2 tr((K^-1 - a a') sf2 k)
    dNLL / dlog sn2    =  1/2 tr(K^-1 - a a') sn2
    dNLL / dA          =  W A - diag(W 1) A                          and on, by the chain rule

The second line needs two matrix products for all length scales together, where the usual way
builds an (n, n, d) tensor.

References:
    Rasmussen and Williams, Gaussian processes for machine learning (2006), chapter 5. Hvarfner et
    al., Vanilla Bayesian optimization performs great in high dimensions, arXiv:2402.02229: length
    scales that grow with the dimension.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.numerics.kernels import MIDDLE, Features, Kernel, correlation
from luthier.numerics.lbfgs import minimize
from luthier.numerics.warp import Bend

__all__ = ["Hyperparameters", "map_estimate", "negative_log_posterior"]

Array = NDArray[np.float64]
_L_RANGE: Final = (math.log(0.005), math.log(100.0))
_SF2_RANGE: Final = (-6.0, 6.0)
_SN2_RANGE: Final = (math.log(1e-7), math.log(2.0))
_L_PRIOR: Final = (math.sqrt(2.0), 3.0)  # log l ~ N(sqrt 2 + 1/2 log d, 3)
_SF2_PRIOR: Final = (0.0, 0.7**2)
_SN2_PRIOR: Final = (math.log(1e-3), 2.5**2)
_BEND_RANGE: Final = (-2.5, 2.5)
_BEND_PRIOR: Final = (0.0, 0.5)
_START: Final = 0.456  # times sqrt(d): twice the prior's mode, away from vanishing gradients
_FTOL: Final = 0.02  # nats: less than that makes no difference to predictions
_GTOL: Final = 0.2


@final
@dataclass(frozen=True, slots=True, eq=False)
class Hyperparameters:
    """What a Gaussian process is like before it has seen data.

    Attributes:
        lengths: How far points may be apart, column by column, to still be alike, shape (d,).
        scale: Variance of the function, of standardised values.
        noise: Variance of the noise, of standardised values.
        bend: How numbers are warped first, if they are.
    """

    lengths: Array
    scale: float
    noise: float
    bend: Bend | None = None

    @staticmethod
    def of(theta: Array, d: int) -> Hyperparameters:
        """Read a vector of logarithms for d columns."""
        values = np.exp(theta)
        a, b = values[d + 2 :].reshape(2, -1)
        bend = Bend(a, b) if len(a) else None
        return Hyperparameters(values[:d], float(values[d]), float(values[d + 1]), bend)

    @property
    def theta(self) -> Array:
        """The logarithms as one vector."""
        bend = [] if self.bend is None else [self.bend.a, self.bend.b]
        values: Array = np.concatenate([self.lengths, [self.scale, self.noise], *bend])
        return np.log(values)

    def scaled(self, F: Array, features: Features) -> Array:
        """Return A for features F, shape (n, p)."""
        if self.bend is not None:
            p = len(features.numbers)
            W = self.bend.forward(F[:, :p] + MIDDLE) - MIDDLE
            F = np.concatenate([W, F[:, p:]], axis=1)
        return F / self.lengths[features.owner]

    def through(self, by_A: Array, X: Array, features: Features) -> Array:
        """Return gradients by the numbers of points, from those by A.

        Args:
            by_A: Shape (m, p).
            X: The points, shape (m, d).
            features: How columns become features.

        Returns:
            Shape (m, d), 0 in columns of choices.
        """
        numbers, (places, _, _) = features.numbers, features.within
        p, n_features = len(numbers), by_A.shape[1]
        inner = by_A[:, :p] / self.lengths[numbers]
        if self.bend is not None:
            inner *= self.bend.slope(features.of(X)[:, :p] + MIDDLE)
        full = np.zeros((len(X), len(features.categories)))
        full[:, numbers] = inner
        if len(places):
            first = n_features - len(places)
            within = by_A[:, first:] / self.lengths[features.owner[first:]]
            np.add.at(full.T, numbers[places], (within * features.chosen(X)).T)
        return full


def map_estimate(
    F: Array,
    y: Array,
    features: Features,
    *,
    extra: Array | float = 0.0,
    kernel: Kernel = "matern52",
    start: Hyperparameters | None = None,
    bent: bool = False,
    at_once: float | None = None,
    max_steps: int = 20,
) -> Hyperparameters:
    """Find the most probable hyperparameters (maximum a posteriori).

    Args:
        F: Features of the points, shape (n, p).
        y: Standardised values, shape (n,).
        features: How columns became features.
        extra: Known noise variances beside the unknown one, shape (n,).
        kernel: A name of ``KERNELS``.
        start: Where the search starts; from the prior if None.
        bent: Whether to warp the inputs too.
        at_once: How many columns matter at once, which is what length scales are expected to grow
            with; all of them if None.
        max_steps: The largest number of steps of the search.

    Example:
        >>> x = np.linspace(0, 1, 12)[:, None]
        >>> found = map_estimate(x, np.sin(9 * x[:, 0]), Features((0,)))
        >>> 0.1 < found.lengths[0] < 1.0 and found.noise < 0.01
        True
    """
    d = features.n_lengths
    n_bends = 2 * len(features.numbers) * bent
    bounds = np.array([_L_RANGE] * d + [_SF2_RANGE, _SN2_RANGE] + [_BEND_RANGE] * n_bends)

    def function(rows: Array) -> tuple[Array, Array]:
        pairs = [
            negative_log_posterior(row, F, y, features, extra, kernel, at_once) for row in rows
        ]
        return np.array([value for value, _ in pairs]), np.array([slope for _, slope in pairs])

    first = _prior_start(d, len(features.categories)) if start is None else start.theta
    first = np.concatenate([first, np.zeros(len(bounds))])[: len(bounds)]
    found, _ = minimize(
        function, first[None], *bounds.T, max_steps=max_steps, ftol=_FTOL, gtol=_GTOL
    )
    return Hyperparameters.of(found[0], d)


def negative_log_posterior(
    theta: Array,
    F: Array,
    y: Array,
    features: Features,
    extra: Array | float = 0.0,
    kernel: Kernel = "matern52",
    at_once: float | None = None,
) -> tuple[float, Array]:
    """Return the negative log posterior of hyperparameters, up to a constant, and its gradient.

    Args:
        theta: See the table above, shape (t,).
        F: Features of the points, shape (n, p).
        y: Standardised values, shape (n,).
        features: How columns became features.
        extra: Known noise variances, shape (n,).
        kernel: A name of ``KERNELS``.
        at_once: See ``map_estimate``.

    Returns:
        The value, infinite where K isn't positive definite, and its gradient, shape (t,).
    """
    value, gradient = _prior(theta, features.n_lengths, at_once or len(features.categories))
    nll = _negative_log_likelihood(theta, F, y, features, extra, kernel)
    if nll is None:
        return math.inf, gradient
    return value + nll[0], gradient + nll[1]


def _negative_log_likelihood(
    theta: Array, F: Array, y: Array, features: Features, extra: Array | float, kernel: Kernel
) -> tuple[float, Array] | None:
    from scipy.linalg.lapack import dpotrf, dpotri

    n, d = len(y), features.n_lengths
    hyper = Hyperparameters.of(theta, d)
    sf2, sn2 = hyper.scale, hyper.noise
    A = hyper.scaled(F, features)
    k, g = correlation(A, A, kernel)
    k *= sf2
    noise = sn2 + np.broadcast_to(extra, (n,))
    k.flat[:: n + 1] += noise
    L, info = dpotrf(k.T, lower=1, clean=1, overwrite_a=1)
    if info:
        return None
    log_det = 2.0 * float(np.log(np.diagonal(L)).sum())
    inverse, _ = dpotri(L, lower=1, overwrite_c=1)  # the lower triangle; above it zeros
    diagonal = np.diagonal(inverse).copy()
    a = inverse @ y
    a += y @ inverse
    a -= diagonal * y
    value = 0.5 * (float(y @ a) + log_det + n * math.log(2.0 * math.pi))

    inverse -= a[:, None] * a
    W = np.tril(inverse, -1)
    W *= g
    W *= sf2
    w = W.sum(axis=0) + W.sum(axis=1)
    slope = np.empty(len(theta))
    slope[d] = 0.5 * (n - diagonal @ noise - y @ a + a @ (noise * a))
    slope[d + 1] = 0.5 * sn2 * float(diagonal.sum() - a @ a)
    if hyper.bend is None:
        per_feature = w @ (A * A) - 2.0 * np.einsum("ij,ij->j", A, W @ A)
    else:
        by_A = W @ A + W.T @ A - w[:, None] * A
        per_feature = -np.einsum("ij,ij->j", A, by_A)
        p = len(features.numbers)
        by_W = by_A[:, :p] / hyper.lengths[features.numbers]
        by_a, by_b = hyper.bend.by_logs(F[:, :p] + MIDDLE)
        slope[d + 2 : d + 2 + p] = np.einsum("ij,ij->j", by_W, by_a)
        slope[d + 2 + p :] = np.einsum("ij,ij->j", by_W, by_b)
    slope[:d] = np.bincount(features.owner, per_feature, minlength=d)
    return value, slope


def _prior(theta: Array, d: int, at_once: float) -> tuple[float, Array]:
    """Minus the log density of the priors, up to a constant, and its gradient."""
    mean, variance = np.empty((2, len(theta)))
    mean[:d], variance[:d] = _L_PRIOR[0] + 0.5 * math.log(max(at_once, 1)), _L_PRIOR[1]
    mean[d : d + 2] = _SF2_PRIOR[0], _SN2_PRIOR[0]
    variance[d : d + 2] = _SF2_PRIOR[1], _SN2_PRIOR[1]
    mean[d + 2 :], variance[d + 2 :] = _BEND_PRIOR
    z = (theta - mean) / variance
    value = 0.5 * float(z @ (theta - mean)) + float(theta[:d].sum())
    z[:d] += 1.0  # the density is one of l, not of log l
    return value, z


def _prior_start(d: int, at_once: int) -> Array:
    theta = np.full(d + 2, math.log(_START * math.sqrt(max(at_once, 1))))
    theta[-2:] = 0.0, _SN2_PRIOR[0]
    return theta
