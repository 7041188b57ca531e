"""Sample paths: functions drawn from what a Gaussian process believes, to be searched like others.

A function drawn from the prior is bent until it passes through the data, up to their noise
(Matheron's rule):

    f(x)  =  w' phi(x)  +  k(x, X) v,      v = (K + S)^-1 (y - Phi w - e)

The prior part is a sum of waves whose frequencies are drawn from the kernel's spectral density; the
correction is exact, so that what few waves miss is missed away from the data only. Unlike values
drawn at some points, which cost the cube of their number, a path costs the same at each point,
and has a gradient: Thompson sampling is to minimise it.

    name     meaning                                                  shape
    A        features over length scales                              (m, p)
    Omega    frequencies; normal for "rbf", Student's t with          (p, k)
             2 nu degrees of freedom for a Matern kernel
    phi(x)   sqrt(sf2 / k) (cos(A Omega), sin(A Omega))               (2 k,)
    w        weights of the waves, standard normal                    (2 k,)
    e        noise drawn for each training point, of variance S       (n,)

References:
    Wilson et al., Efficiently sampling functions from Gaussian process posteriors,
    arXiv:2002.09309. Rahimi and Recht, Random features for large-scale kernel machines, NIPS 2007.
    Thompson, Biometrika 25 (1933).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.numerics.checks import floats
from luthier.numerics.gp import GaussianProcess
from luthier.numerics.kernels import Kernel, correlation

__all__ = ["Path", "sample_path"]

Array = NDArray[np.float64]
_DEGREES: Final = {"matern52": 5, "matern32": 3}
_WAVES: Final = 512


@final
@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One function drawn from a model. ``sample_path`` makes them.

    Attributes:
        model: What it was drawn from.
        frequencies: Omega, shape (p, k).
        weights: w, times the standard deviation of a wave, shape (2 k,).
        correction: v, shape (n,).
    """

    model: GaussianProcess
    frequencies: Array
    weights: Array
    correction: Array

    def value(self, X: ArrayLike) -> Array:
        """Return the function at points.

        Args:
            X: Shape (m, d).

        Returns:
            Shape (m,).

        Raises:
            ArgumentError: Another number of columns than the model has.
        """
        model = self.model
        A = model.scaled(X)
        Kx = model.hyper.scale * correlation(A, model.A, model.kernel)[0]
        z = _waves(A, self.frequencies) @ self.weights + Kx @ self.correction
        return np.asarray(model.center + model.unit * z)

    def gradient(self, X: ArrayLike) -> tuple[Array, Array]:
        """Return the function at points, and how it changes with the numbers.

        Args:
            X: Shape (m, d).

        Returns:
            Values, shape (m,), and gradients, shape (m, d), 0 in columns of choices.

        Raises:
            ArgumentError: Another number of columns than the model has.
        """
        model, points = self.model, floats(X, "Path: X")
        A = model.scaled(points)
        Kx, g = correlation(A, model.A, model.kernel)
        waves = _waves(A, self.frequencies)
        z = waves @ self.weights + model.hyper.scale * (Kx @ self.correction)
        k = self.frequencies.shape[1]
        turned = waves[:, :k] * self.weights[k:] - waves[:, k:] * self.weights[:k]
        pull = g * (model.hyper.scale * self.correction)
        by_A = turned @ self.frequencies.T + pull @ model.A - pull.sum(axis=1)[:, None] * A
        slope = model.hyper.through(by_A, points, model.features)
        return np.asarray(model.center + model.unit * z), model.unit * slope


def sample_path(model: GaussianProcess, rng: np.random.Generator, n_waves: int = _WAVES) -> Path:
    """Draw a function from a model; its minimum is where Thompson sampling tries next.

    Args:
        model: A fitted model.
        rng: Source of randomness.
        n_waves: How many frequencies stand for the prior, at least 1. Away from the data the
            covariance is off by about 1 / sqrt(n_waves).

    Example:
        >>> from luthier.numerics.gp import fit
        >>> model = fit([[0.0], [0.5], [1.0]], [1.0, 0.0, 1.0])
        >>> path = sample_path(model, np.random.default_rng(0))
        >>> value, gradient = path.gradient([[0.25], [0.75]])
        >>> value.shape, gradient.shape
        ((2,), (2, 1))
    """
    hyper = model.hyper
    frequencies = _frequencies(model.kernel, model.A.shape[1], n_waves, rng)
    weights = np.sqrt(hyper.scale / n_waves) * rng.standard_normal(2 * n_waves)
    blur = np.sqrt(model.noise) * rng.standard_normal(len(model.y))
    missed = model.y - _waves(model.A, frequencies) @ weights - blur
    return Path(model, frequencies, weights, model.J.T @ (model.J @ missed))


def _frequencies(kernel: Kernel, p: int, k: int, rng: np.random.Generator) -> Array:
    """Draws from the kernel's spectral density, shape (p, k)."""
    normal = rng.standard_normal((p, k))
    if kernel == "rbf":
        return normal
    degrees = _DEGREES[kernel]
    return np.asarray(normal * np.sqrt(degrees / rng.chisquare(degrees, k)))


def _waves(A: Array, frequencies: Array) -> Array:
    """Cosines, then sines, shape (m, 2 k)."""
    phase = A @ frequencies
    return np.concatenate([np.cos(phase), np.sin(phase)], axis=1)
