"""Gaussian process regression: a mean and an uncertainty at every point, from values at some.

    model = fit(X, y)
    mean, std = model.predict(points)

Exact inference; hyperparameters by maximum a posteriori (``marginal.py``). Meant for up to about a
thousand points; a point more costs O(n^2) by ``append``.

    name     meaning                                               shape
    A        training features over length scales                  (n, p)
    J        L^-1, where L L' = sf2 k(A, A) + diag(sn2 + e)        (n, n)
    a        (L L')^-1 y                                           (n,)
    Kx       sf2 k(A*, A), for points *                            (m, n)
    V        Kx J'                                                 (m, n)

    mean     =  Kx a                                               R&W eq. 2.25
    var      =  sf2 - rowsum(V o V)                                R&W eq. 2.26

References:
    Rasmussen and Williams, Gaussian processes for machine learning (2006), chapter 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.errors import ArgumentError
from luthier.numerics.checks import data, floats, points, targets
from luthier.numerics.kernels import KERNELS, Features, Kernel, correlation
from luthier.numerics.marginal import Hyperparameters, map_estimate

__all__ = ["GaussianProcess", "condition", "fit"]

Array = NDArray[np.float64]
_TINY: Final = 1e-12
_FEWEST_ROWS: Final = 64
_BLOCK: Final = 15_000
_JITTERS: Final = (0.0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4)


@final
@dataclass(frozen=True, slots=True, eq=False)
class GaussianProcess:
    """A Gaussian process that has seen data. ``fit`` and ``condition`` make them.

    Attributes:
        hyper: Its hyperparameters, of standardised values.
        features: How columns become features.
        kernel: A name of ``KERNELS``.
        center: What was subtracted from the values.
        unit: What they were divided by then.
        A: Training features over length scales, shape (n, p).
        y: Standardised values, shape (n,).
        J: Inverse of the Cholesky factor, lower triangular, shape (n, n).
        a: Weights of the training points in the mean, shape (n,).
        noise: Variances of the noise of standardised values, shape (n,).

    Example:
        >>> fit([[0.0], [0.5]], [4.0, 0.0]).y.tolist()
        [1.0, -1.0]
    """

    hyper: Hyperparameters
    features: Features
    kernel: Kernel
    center: float
    unit: float
    A: Array
    y: Array
    J: Array
    a: Array
    noise: Array

    def predict(self, X: ArrayLike) -> tuple[Array, Array]:
        """Return the mean and standard deviation of the function, without noise, at points.

        Args:
            X: Shape (m, d), as for ``fit``; only the shape is checked, since this has to be fast.

        Returns:
            Both of shape (m,), in the units of y.

        Raises:
            ArgumentError: Another number of columns than the model has.

        Example:
            >>> model = fit([[0.0], [0.5], [1.0]], [1.0, 0.0, 1.0])
            >>> mean, std = model.predict([[0.5], [9.0]])
            >>> bool(std[0] < std[1])
            True
        """
        from scipy.linalg.blas import dtrmm

        A = self.scaled(X)
        mean, std = np.empty(len(A)), np.empty(len(A))
        rows = max(_BLOCK // len(self.y), _FEWEST_ROWS)
        for start in range(0, len(A), rows):  # what fits the cache is several times faster
            block = slice(start, start + rows)
            Kx = self.hyper.scale * correlation(A[block], self.A, self.kernel)[0]
            mean[block] = Kx @ self.a
            V = dtrmm(1.0, self.J.T, Kx.T, trans_a=1, overwrite_b=1).T  # half the work of Kx @ J.T
            std[block] = self._deviation(V)
        return self.center + self.unit * mean, self.unit * std

    def has_seen(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Return which points are among those of its data, shape (m,).

        Args:
            X: Shape (m, d).

        Raises:
            ArgumentError: Another number of columns than the model has.

        Example:
            >>> fit([[0.0], [1.0]], [1.0, 0.0]).has_seen([[0.5], [1.0]]).tolist()
            [False, True]
        """
        return np.asarray((self.scaled(X)[:, None] == self.A).all(axis=2).any(axis=1))

    def mean(self, X: ArrayLike) -> Array:
        """Return the mean at points, which costs much less than the deviation.

        Args:
            X: Shape (m, d).

        Returns:
            Shape (m,), in the units of y.

        Raises:
            ArgumentError: Another number of columns than the model has.

        Example:
            >>> fit([[0.0], [1.0]], [3.0, 3.0]).mean([[0.5]]).tolist()
            [3.0]
        """
        Kx = self.hyper.scale * correlation(self.scaled(X), self.A, self.kernel)[0]
        mean: Array = self.center + self.unit * (Kx @ self.a)
        return mean

    def gradient(self, X: ArrayLike) -> tuple[Array, Array, Array, Array]:
        """Return mean and standard deviation at points, and how they change with the numbers.

        Args:
            X: Shape (m, d).

        Returns:
            The mean, shape (m,), the standard deviation, (m,), and the gradient of each, (m, d),
            which is 0 in columns of choices: in the units of y, by one of X.

        Raises:
            ArgumentError: Another number of columns than the model has.

        Example:
            >>> [part.shape for part in fit([[0.0], [1.0]], [1.0, 0.0]).gradient([[0.5]])]
            [(1,), (1,), (1, 1), (1, 1)]
        """
        x = floats(X, "GaussianProcess: X")
        A = self.scaled(x)
        Kx, g = correlation(A, self.A, self.kernel)
        Kx *= self.hyper.scale
        g *= self.hyper.scale
        V = Kx @ self.J.T
        std = self._deviation(V)
        d_mean = self._through(x, A, g * self.a)
        d_std = self._through(x, A, g * (V @ self.J)) / -std[:, None]
        mean = self.center + self.unit * (Kx @ self.a)
        return mean, self.unit * std, self.unit * d_mean, self.unit * d_std

    def sample(self, X: ArrayLike, n: int, rng: np.random.Generator) -> Array:
        """Draw functions, and return their values at points.

        Args:
            X: The points, shape (m, d).
            n: How many functions, at least 1.
            rng: Source of randomness.

        Returns:
            Shape (n, m), in the units of y.

        Raises:
            ArgumentError: Another number of columns than the model has, or n below 1.

        Example:
            >>> fit([[0.0], [1.0]], [1.0, 0.0]).sample([[0.5]], 5, np.random.default_rng(0)).shape
            (5, 1)
        """
        if n < 1:
            raise ArgumentError(f"GaussianProcess: n must be at least 1, got {n!r}.", n=n)
        A = self.scaled(X)
        Kx = self.hyper.scale * correlation(A, self.A, self.kernel)[0]
        V = Kx @ self.J.T
        covariance = self.hyper.scale * correlation(A, A, self.kernel)[0] - V @ V.T
        L = _cholesky(covariance, self.hyper.scale * 1e-9)
        values = Kx @ self.a + rng.standard_normal((n, len(A))) @ L.T
        drawn: Array = self.center + self.unit * values
        return drawn

    def append(self, X: ArrayLike, y: ArrayLike, noise: ArrayLike = 0.0) -> GaussianProcess:
        """Return the model after more data, with the same hyperparameters, in O(n^2) a point.

        Args:
            X: New points, shape (m, d).
            y: Their values, finite, shape (m,).
            noise: Known noise variances beside the model's own, as for ``fit``, shape (m,).

        Raises:
            ArgumentError: See ``fit``.

        Example:
            >>> len(fit([[0.0], [1.0]], [1.0, 0.0]).append([[0.25]], [0.2]).y)
            3
        """
        x = data(X, self.features.categories, "GaussianProcess: X")
        A = self.scaled(x)
        new = (targets(y, len(x), "GaussianProcess: y") - self.center) / self.unit
        extra = _variances(noise, len(x)) / self.unit**2
        Kx = self.hyper.scale * correlation(A, self.A, self.kernel)[0]
        V = Kx @ self.J.T  # V' is the new part of L
        S = self.hyper.scale * correlation(A, A, self.kernel)[0] - V @ V.T
        corner = _inverse_cholesky(S, self.hyper.noise + extra)
        n, m = len(self.y), len(A)
        J = np.zeros((n + m, n + m))
        J[:n, :n], J[n:, n:] = self.J, corner
        J[n:, :n] = -corner @ (V @ self.J)
        values = np.concatenate([self.y, new])
        a = J.T @ (J @ values)
        noises = np.concatenate([self.noise, self.hyper.noise + extra])
        return replace(self, A=np.concatenate([self.A, A]), y=values, J=J, a=a, noise=noises)

    def revalued(self, y: ArrayLike) -> GaussianProcess:
        """Return the model after other values at the same points, in O(n^2).

        Args:
            y: Values, finite, shape (n,). Noise keeps its relation to their spread.

        Raises:
            ArgumentError: Another number of values than the model has, or not all finite.

        Example:
            >>> fit([[0.0], [1.0]], [1.0, 0.0]).revalued([3.0, 5.0]).center
            4.0
        """
        values = targets(y, len(self.y), "GaussianProcess: y")
        center, unit = _center_and_unit(values)
        z = (values - center) / unit
        return replace(self, center=center, unit=unit, y=z, a=self.J.T @ (self.J @ z))

    @property
    def smoothed(self) -> Array:
        """The mean at the training points, shape (n,), which costs next to nothing.

        Example:
            >>> fit([[0.0], [1.0]], [3.0, 3.0]).smoothed.tolist()
            [3.0, 3.0]
        """
        return self.center + self.unit * (self.y - self.noise * self.a)

    @property
    def skill(self) -> float:
        """How much better values are foretold than by their mean and spread alone.

        The mean log density of each value given all others, in nats, minus that of a constant
        model; 0 or less says that the model knows nothing. Costs O(n^2).

        Example:
            >>> bool(fit(np.eye(9).cumsum(axis=0), np.arange(9.0)).skill > 1)
            True
        """
        precision = np.einsum("ij,ij->j", self.J, self.J)
        error = self.a / precision
        mine = 0.5 * (np.log(precision) - error * error * precision)
        n = len(self.y)
        wide = n / max(n - 1, 1)  # leaving a value out moves the mean away from it
        constant = -0.5 * np.square(self.y * wide)
        return float(np.mean(mine - constant))

    @property
    def leave_one_out(self) -> tuple[Array, Array]:
        """Predict each value from all others: means and deviations, noise included, (n,) each.

        Example:
            >>> fit([[0.0], [1.0]], [3.0, 3.0]).leave_one_out[0].tolist()
            [3.0, 3.0]
        """
        precision = np.einsum("ij,ij->j", self.J, self.J)  # R&W eq. 5.12
        mean = self.y - self.a / precision
        return self.center + self.unit * mean, self.unit / np.sqrt(precision)

    @property
    def log_likelihood(self) -> float:
        """The log marginal likelihood of the standardised values, in nats.

        Example:
            >>> bool(fit([[0.0], [0.5], [1.0]], [1.0, 0.0, 1.0]).log_likelihood < 0)
            True
        """
        log_det = -2.0 * float(np.log(np.diagonal(self.J)).sum())
        n = len(self.y)
        return -0.5 * (float(self.y @ self.a) + log_det + n * float(np.log(2.0 * np.pi)))

    def scaled(self, X: ArrayLike) -> Array:
        """Return the features of points over their length scales, A, shape (m, p).

        Args:
            X: Shape (m, d).

        Raises:
            ArgumentError: Another number of columns than the model has.

        Example:
            >>> fit([[0.0, 0], [1.0, 1]], [1.0, 0.0], categories=[0, 2]).scaled([[0.5, 1]]).shape
            (1, 3)
        """
        x = points(X, len(self.features.categories), "GaussianProcess: X")
        return self.hyper.scaled(self.features.of(x), self.features)

    def _deviation(self, V: Array) -> Array:
        variance = self.hyper.scale - np.einsum("ij,ij->i", V, V)
        deviation: Array = np.sqrt(np.maximum(variance, _TINY * self.hyper.scale))
        return deviation

    def _through(self, X: Array, A: Array, weights: Array) -> Array:
        """Gradients of sums of kernel values: -sum_i weights_i (x - x_i) / l, shape (m, d)."""
        by_A = weights @ self.A - weights.sum(axis=1)[:, None] * A
        return self.hyper.through(by_A, X, self.features)


def fit(
    X: ArrayLike,
    y: ArrayLike,
    *,
    categories: Sequence[int] | None = None,
    by_choice: bool = False,
    noise: ArrayLike = 0.0,
    kernel: Kernel = "matern52",
    input_warping: bool = False,
    start: Hyperparameters | None = None,
    max_steps: int = 40,
) -> GaussianProcess:
    """Fit a Gaussian process to data.

    Args:
        X: Finite points, shape (n, d), n >= 1. Numbers lie in about [0, 1]; NaN is "doesn't apply".
        y: Values, finite, shape (n,).
        categories: For each column the number of choices, whose codes 0, 1, ... it holds, or 0
            for a number; all are numbers if None.
        by_choice: Whether numbers have length scales of their own within each choice, too.
        noise: Known noise variances of the values, in units of y^2, at least 0, shape (n,) or one
            for all; an unknown constant one is fitted beside them.
        kernel: "matern52", "matern32" or "rbf".
        input_warping: Whether to bend each number by a distribution function of Kumaraswamy's,
            1 - (1 - x^a)^b, whose exponents are fitted with all else and expected near 1, that is
            no bend (``model.hyper.bend``). For scales that were chosen badly: where a function
            changes fast at one end and slowly at the other. Numbers must lie in [0, 1].
        start: Hyperparameters to start the search from, such as an earlier fit's.
        max_steps: The largest number of steps of the search.

    Raises:
        ArgumentError: Shapes that don't fit, X or y that isn't finite, codes of no choice, noise
            below 0, an unknown kernel, or numbers outside [0, 1] where inputs are warped.

    Example:
        >>> X = np.linspace(0, 1, 8)[:, None]
        >>> model = fit(X, np.sin(6 * X[:, 0]))
        >>> mean, std = model.predict([[0.4]])
        >>> bool(abs(mean[0] - np.sin(2.4)) < 0.05)
        True
    """
    features, x, values, extra = _checked(X, y, categories, by_choice, noise, kernel)
    if input_warping:
        _check_unit(x[:, features.numbers])
    center, unit = _center_and_unit(values)
    hyper = map_estimate(
        features.of(x),
        (values - center) / unit,
        features,
        extra=extra / unit**2,
        kernel=kernel,
        start=start,
        bent=input_warping,
        max_steps=max_steps,
    )
    return condition(
        x, values, hyper, categories=categories, by_choice=by_choice, noise=extra, kernel=kernel
    )


def condition(
    X: ArrayLike,
    y: ArrayLike,
    hyper: Hyperparameters,
    *,
    categories: Sequence[int] | None = None,
    by_choice: bool = False,
    noise: ArrayLike = 0.0,
    kernel: Kernel = "matern52",
) -> GaussianProcess:
    """Return the Gaussian process with given hyperparameters that has seen data.

    Args:
        X: Points, shape (n, d).
        y: Values, shape (n,).
        hyper: Hyperparameters of standardised values.
        categories: See ``fit``; so are the others.
        by_choice: See ``fit``.
        noise: Known noise variances, in units of y^2, shape (n,) or one for all.
        kernel: "matern52", "matern32" or "rbf".

    Raises:
        ArgumentError: See ``fit``.

    Example:
        >>> hyper = Hyperparameters(np.array([0.3]), scale=1.0, noise=1e-6)
        >>> model = condition([[0.0], [1.0]], [0.0, 2.0], hyper)
        >>> model.predict([[1.0]])[0].round(3).tolist()
        [2.0]
    """
    features, x, values, extra = _checked(X, y, categories, by_choice, noise, kernel)
    center, unit = _center_and_unit(values)
    A = hyper.scaled(features.of(x), features)
    K = hyper.scale * correlation(A, A, kernel)[0]
    J = _inverse_cholesky(K, hyper.noise + extra / unit**2)
    z = (values - center) / unit
    total = hyper.noise + extra / unit**2
    return GaussianProcess(hyper, features, kernel, center, unit, A, z, J, J.T @ (J @ z), total)


def _checked(
    X: ArrayLike,
    y: ArrayLike,
    categories: Sequence[int] | None,
    by_choice: bool,
    noise: ArrayLike,
    kernel: str,
) -> tuple[Features, Array, Array, Array]:
    x = floats(X, "X")
    columns = [0] * math.prod(x.shape[1:]) if categories is None else categories
    features = Features(tuple(columns), by_choice)
    data(x, columns, "X", least=1)
    values = targets(y, len(x), "y")
    if kernel not in KERNELS:
        raise ArgumentError(
            f"kernel must be one of {', '.join(map(repr, KERNELS))}, got {kernel!r}.", kernel=kernel
        )
    return features, x, values, _variances(noise, len(x))


def _variances(noise: ArrayLike, n: int) -> Array:
    extra = floats(noise, "noise")
    if extra.shape not in ((), (n,)) or not ((extra >= 0) & (extra < np.inf)).all():
        raise ArgumentError(
            "noise must hold variances of at least 0, finite and in units of y^2, one for each of "
            f"{n} points or one for all, got {noise!r}.",
            noise=noise,
        )
    return np.broadcast_to(extra, (n,))


def _check_unit(numbers: Array) -> None:
    outside = numbers[(numbers < 0) | (numbers > 1)]
    if len(outside):
        raise ArgumentError(
            "X must hold numbers in [0, 1] for input_warping=True, got "
            f"{outside[0]:g}. Rescale the columns of numbers, or leave inputs unwarped."
        )


def _center_and_unit(y: Array) -> tuple[float, float]:
    center = float(y.mean())
    deviation = float((y - center).std())
    return center, deviation if deviation > _TINY * max(abs(center), 1.0) else 1.0


def _inverse_cholesky(K: Array, noise: Array) -> Array:
    """Return L^-1 of K + diag(noise)."""
    from scipy.linalg.lapack import dtrtri

    K.flat[:: len(K) + 1] += noise
    L = _cholesky(K, 0.0)
    J: Array = np.ascontiguousarray(dtrtri(L, lower=1, overwrite_c=1)[0])
    return J


def _cholesky(K: Array, jitter: float) -> Array:
    """Return the Cholesky factor of a matrix, with just enough added to the diagonal."""
    from scipy.linalg.lapack import dpotrf

    size = float(np.abs(np.diagonal(K)).max())
    for extra in _JITTERS:
        shifted = K.copy()
        shifted.flat[:: len(K) + 1] += jitter + extra * size
        L, info = dpotrf(shifted.T, lower=1, clean=1, overwrite_a=1)
        if not info:
            return np.asarray(L)
    raise ArithmeticError("a covariance matrix isn't positive definite")
