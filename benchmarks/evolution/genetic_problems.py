"""Single objectives of numbers, moved away from the centre and rotated where they are separable.

The functions are those of the usual collections (Jamil and Yang, arXiv:1308.4008); each is 0 at its
optimum.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
D = 10
_RNG = np.random.default_rng(2024)
_SHIFT = _RNG.uniform(-2, 2, D)
_ROTATION = np.linalg.qr(_RNG.normal(size=(D, D)))[0]


def _sphere(z: Array) -> float:
    return float(z @ z)


def _ellipsoid(z: Array) -> float:
    return float(np.sum(10 ** (6 * np.arange(D) / (D - 1)) * z**2))


def _rastrigin(z: Array) -> float:
    return float(10 * D + np.sum(z**2 - 10 * np.cos(2 * np.pi * z)))


def _rosenbrock(z: Array) -> float:
    y = z + 1
    return float(np.sum(100 * (y[1:] - y[:-1] ** 2) ** 2 + (1 - y[:-1]) ** 2))


def _ackley(z: Array) -> float:
    far, rough = np.sqrt(np.mean(z**2)), np.mean(np.cos(2 * np.pi * z))
    return float(20 + np.e - 20 * np.exp(-0.2 * far) - np.exp(rough))


def _griewank(z: Array) -> float:
    y = 30 * z
    return float(1 + np.sum(y**2) / 4000 - np.prod(np.cos(y / np.sqrt(np.arange(1, D + 1)))))


def _levy(z: Array) -> float:
    w = 1 + z / 4
    inner = np.sum((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2))
    last = (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2)
    return float(np.sin(np.pi * w[0]) ** 2 + inner + last)


def _double_sum(z: Array) -> float:
    return float(np.sum(np.cumsum(z) ** 2))


def _steps(z: Array) -> float:
    return float(np.sum(np.floor(2 * np.abs(z)) ** 2) + 0.01 * np.sum(np.abs(z)))


PLAIN = {
    "sphere": _sphere,
    "ellipsoid": _ellipsoid,
    "rastrigin": _rastrigin,
    "rosenbrock": _rosenbrock,
    "ackley": _ackley,
    "griewank": _griewank,
    "levy": _levy,
    "double-sum": _double_sum,
    "steps": _steps,
}
ROTATED = ("ellipsoid", "rastrigin", "ackley")


def _moved(f: Callable[[Array], float], x: Array) -> float:
    return f(x - _SHIFT)


def _turned(f: Callable[[Array], float], x: Array) -> float:
    return f(_ROTATION @ (x - _SHIFT))


PROBLEMS: dict[str, Callable[[Array], float]] = {
    **{name: lambda x, f=f: _moved(f, x) for name, f in PLAIN.items()},  # type: ignore[misc]
    **{
        f"{name}-rotated": lambda x, f=PLAIN[name]: _turned(f, x)  # type: ignore[misc]
        for name in ROTATED
    },
}
"""Objectives of ten numbers from -5 to 5."""
