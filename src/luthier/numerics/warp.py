"""Warping: make what was observed look like draws of a Gaussian process.

Losses are seldom Gaussian: a few bad configurations are worse by orders of magnitude, and a model
of the raw values spends itself on them. A monotone transformation of the values keeps the order of
all trials and gives the good ones room. A transformation of the inputs (``Bend``) mends scales:
a parameter that should have been declared logarithmic, say.

    name      meaning                                             shape
    y         values, lower is better                             (n,)
    lam       candidates of the Yeo-Johnson exponent              (g,)
    T         y transformed by each candidate                     (g, n)
    a, b      exponents of Kumaraswamy's distribution function    (p,)
    U, W      inputs in [0, 1], and bent: W = 1 - (1 - U^a)^b     (n, p)

References:
    Yeo and Johnson, A new family of power transformations, Biometrika 87 (2000). Cowen-Rivers et
    al., HEBO, arXiv:2012.03826. Song et al., The Vizier Gaussian process bandit algorithm,
    arXiv:2408.11527 (half-rank). Snoek et al., Input warping for Bayesian optimization of
    non-stationary functions, arXiv:1402.0929; Kumaraswamy, J. Hydrology 46 (1980).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.errors import ArgumentError

__all__ = ["WARPS", "Bend", "Warp", "half_rank", "standardised", "warped", "yeo_johnson"]

Array = NDArray[np.float64]
Warp = Literal["yeo-johnson", "half-rank", "none"]
_EXPONENTS: Final = np.linspace(-3.0, 2.5, 23)
_FEW: Final = 5
_MANY: Final = 1000
_FAR: Final = 100.0
_EDGE: Final = 1e-9


def warped(y: ArrayLike, warp: Warp = "yeo-johnson") -> Array:
    """Transform values so that they suit a Gaussian process.

    Infinite values first become the worst or best finite one, and those further above the
    median than 100 times its distance from the best are cut off.

    Args:
        y: Values, lower is better, shape (n,); not NaN.
        warp: "yeo-johnson" fits a power transformation; "half-rank" keeps the better half and
            goes by ranks in the worse one; "none" only standardises.

    Returns:
        Values in the same order, of mean 0 and standard deviation 1 (0 if all are equal).

    Raises:
        ArgumentError: y isn't a vector of numbers, or the warp is unknown.

    Example:
        >>> warped([1.0, 2.0, 3.0, 4.0, 1000.0]).round(1).tolist()
        [-1.2, -0.6, -0.1, 0.2, 1.8]
    """
    values = np.asarray(y, dtype=np.float64)
    if values.ndim != 1 or np.isnan(values).any():
        raise ArgumentError(
            f"warped: y must be a vector without NaN, got {values!r}. Leave out failures.", y=y
        )
    if warp not in WARPS:
        raise ArgumentError(
            f"warped: warp must be one of {', '.join(map(repr, WARPS))}, got {warp!r}.", warp=warp
        )
    return WARPS[warp](_bounded(values))


def standardised(y: Array) -> Array:
    """Shift and scale to mean 0 and standard deviation 1; all zeros if all are equal.

    Args:
        y: Finite values, shape (n,).

    Example:
        >>> standardised(np.array([1.0, 3.0])).round(3).tolist()
        [-1.0, 1.0]
    """
    if not len(y):
        return y.copy()
    scale = np.abs(y).max() or 1.0  # so that squares don't overflow
    centred = y / scale - np.mean(y / scale)
    deviation = centred.std()
    return centred / deviation if deviation > 1e-12 else np.zeros_like(y)


def yeo_johnson(y: Array) -> Array:
    """Transform by the power that makes values most Gaussian, then standardise.

    The transformation bends most around 0, which is therefore put at the median, with the
    median's distance from the best value as the unit. The exponent maximises the profile
    likelihood -n/2 log var(T) + (lam - 1) sum sgn(z) log(1 + |z|) over a grid of 23; of more than
    1,000 values, that of their quantiles. Where values are few, they are only standardised.

    Args:
        y: Finite values, lower is better, shape (n,).

    Returns:
        Shape (n,).

    Example:
        >>> yeo_johnson(np.exp(np.arange(6.0))).round(1).tolist()
        [-1.2, -1.0, -0.5, 0.2, 0.9, 1.6]
    """
    if len(np.unique(y)) < _FEW:
        return standardised(y)
    middle = np.median(y)
    unit = middle - y.min()
    if unit <= 0.0:
        return standardised(y)
    z = (y - middle) / unit
    part = z if len(z) <= _MANY else np.quantile(z, np.linspace(0.0, 1.0, _MANY))
    jacobian = np.sum(np.sign(part) * np.log1p(np.abs(part)))
    spread = np.maximum(_powers(part, _EXPONENTS).std(axis=1), 1e-12)
    best = np.argmax(-len(part) * np.log(spread) + (_EXPONENTS - 1.0) * jacobian)
    return standardised(_powers(z, _EXPONENTS[[best]])[0])


def half_rank(y: Array) -> Array:
    """Replace the worse half by what their ranks would be in a normal distribution.

    Args:
        y: Finite values, shape (n,).

    Returns:
        Standardised values, shape (n,).

    Example:
        >>> half_rank(np.array([1.0, 2.0, 3.0, 4.0, 1000.0])).round(1).tolist()
        [-1.5, -0.7, 0.1, 0.6, 1.4]
    """
    from scipy.special import ndtri

    z = standardised(y)
    if len(z) < 2:
        return z
    middle = np.median(z)
    spread = np.sqrt(np.mean((z[z <= middle] - middle) ** 2)) or 1.0
    values, rank = np.unique(z, return_inverse=True)
    counts = np.bincount(rank)
    share = (np.cumsum(counts) - 0.5 * counts) / len(z)
    ranked = middle + spread * ndtri(np.clip(share, 0.5, 1.0))
    return standardised(np.where(values <= middle, values, ranked)[rank])


WARPS: Final = {"yeo-johnson": yeo_johnson, "half-rank": half_rank, "none": standardised}
"""The transformations by name."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Bend:
    """A monotone transformation of the unit interval onto itself, for each column.

    Attributes:
        a: Above 0, shape (p,); below 1 it gives more room to what is near 0.
        b: Above 0, shape (p,); below 1 it gives more room to what is near 1.

    Example:
        >>> bend = Bend(np.array([0.5]), np.array([1.0]))
        >>> bend.forward(np.array([[0.01], [0.25]])).round(3).tolist()
        [[0.1], [0.5]]
    """

    a: Array
    b: Array

    def forward(self, U: Array) -> Array:
        """Return W, shape (n, p)."""
        return np.asarray(1.0 - (1.0 - _inside(U) ** self.a) ** self.b)

    def inverse(self, W: Array) -> Array:
        """Return U, shape (n, p)."""
        return np.asarray((1.0 - (1.0 - _inside(W)) ** (1.0 / self.b)) ** (1.0 / self.a))

    def slope(self, U: Array) -> Array:
        """Return dW / dU, shape (n, p)."""
        U = _inside(U)
        T = U**self.a
        return np.asarray(self.a * self.b * T / U * (1.0 - T) ** (self.b - 1.0))

    def by_logs(self, U: Array) -> tuple[Array, Array]:
        """Return dW / dlog a and dW / dlog b, shape (n, p) each."""
        log_U = np.log(_inside(U))
        T = np.exp(self.a * log_U)
        rest = (1.0 - T) ** self.b
        by_a = self.a * self.b * rest / (1.0 - T) * T * log_U
        return by_a, -self.b * rest * np.log1p(-T)


def _inside(U: Array) -> Array:
    return np.clip(U, _EDGE, 1.0 - _EDGE)


def _bounded(y: Array) -> Array:
    finite = y[np.isfinite(y)]
    if not len(finite):
        return np.sign(np.where(np.isinf(y), y, 0.0))
    low, middle = finite.min(), float(np.median(finite))
    far = middle + _FAR * (middle - low) if middle > low else np.inf
    return np.clip(y, low, min(far, finite.max()))


def _powers(y: Array, lam: Array) -> Array:
    """The Yeo-Johnson transformation for many exponents, shape (g, n)."""
    logs = np.log1p(np.abs(y))
    T = np.empty((len(lam), len(y)))
    for side, power in ((y >= 0, lam), (y < 0, 2.0 - lam)):
        p = power[:, None]
        curved = np.expm1(p * logs[side]) / np.where(p == 0.0, 1.0, p)
        T[:, side] = np.where(p == 0.0, logs[side], curved)
    T[:, y < 0] *= -1.0
    return T
