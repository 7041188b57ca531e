"""Noisy functions of many numbers from -5 to 5, for searches whose result is a recommendation.

The functions are those of the usual collections (Hansen et al., BBOB, INRIA RR-6829; Jamil and
Yang, arXiv:1308.4008), divided by the dimension; each is 0 at its optimum, which lies anywhere
between -4 and 4. The noise is Gaussian, and the same everywhere.
"""

from __future__ import annotations

import numpy as np

LOW, HIGH = -5.0, 5.0


def _quadratic(z):
    return float(z @ z) / len(z)


def _ellipsoid(z):
    weights = 100 ** (np.arange(len(z)) / (len(z) - 1))
    return float(np.sum(weights * z**2) / np.sum(weights))


def _rosenbrock(z):
    y = 0.25 * max(1.0, len(z) ** 0.5 / 8) * z + 1
    return float(np.sum(100 * (y[1:] - y[:-1] ** 2) ** 2 + (1 - y[:-1]) ** 2)) / len(z)


def _rastrigin(z):
    return float(np.sum(10 * (1 - np.cos(2 * np.pi * z)) + z**2)) / len(z)


def _ackley(z):
    far, rough = np.sqrt(np.mean(z**2)), np.mean(np.cos(2 * np.pi * z))
    return float(20 + np.e - 20 * np.exp(-0.2 * far) - np.exp(rough))


def _sharp_ridge(z):
    return float(abs(z[0]) + 10 * np.sqrt(np.mean(z[1:] ** 2)))


NOISE = {
    "quadratic": (_quadratic, 1.0),
    "ellipsoid-rotated": (_ellipsoid, 1.0),
    "rosenbrock": (_rosenbrock, 10.0),
    "rastrigin": (_rastrigin, 1.0),
    "ackley": (_ackley, 0.5),
    "sharp-ridge-rotated": (_sharp_ridge, 1.0),
}
"""Functions with the standard deviation of their noise."""


class Noisy:
    """A problem.

    Args:
        name: Its name in ``NOISE``.
        d: The dimension.
        seed: Of the optimum, the rotation and the noise.
    """

    def __init__(self, name, d, seed):
        rng = np.random.default_rng([d, seed])
        self.function, self.noise = NOISE[name]
        self.optimum = rng.uniform(-4, 4, d)
        turned = name.endswith("-rotated")
        self.rotation = np.linalg.qr(rng.normal(size=(d, d)))[0] if turned else np.eye(d)
        self.rng = rng

    def true(self, x):
        """The value without noise."""
        return self.function(self.rotation @ (np.asarray(x) - self.optimum))

    def __call__(self, x):
        """The value that a trial sees."""
        return self.true(x) + self.noise * self.rng.normal()
