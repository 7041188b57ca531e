"""Textbook problems with several objectives: ZDT1 to 4 and 6, DTLZ2 and 7.

Zitzler, Deb and Thiele, Comparison of multiobjective evolutionary algorithms, Evolutionary
Computation 8 (2000). Deb et al., Scalable multi-objective optimization test problems, CEC 2002.
Inputs are numbers in [0, 1]; ZDT4 stretches its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """An objective, how many inputs and objectives it has, and where hypervolume is measured."""

    evaluate: Callable[[Array], list[float]]
    d: int
    reference: tuple[float, ...]


def _zdt(h: Callable[[float, float], float], x: Array) -> list[float]:
    g = 1 + 9 * float(x[1:].mean())
    return [float(x[0]), g * h(float(x[0]), g)]


def zdt1(x: Array) -> list[float]:
    return _zdt(lambda f, g: 1 - np.sqrt(f / g), x)


def zdt2(x: Array) -> list[float]:
    return _zdt(lambda f, g: 1 - (f / g) ** 2, x)


def zdt3(x: Array) -> list[float]:
    return _zdt(lambda f, g: 1 - np.sqrt(f / g) - f / g * np.sin(10 * np.pi * f), x)


def zdt4(x: Array) -> list[float]:
    z = 10 * x[1:] - 5
    g = 1 + 10 * len(z) + float(np.sum(z**2 - 10 * np.cos(4 * np.pi * z)))
    return [float(x[0]), float(g * (1 - np.sqrt(x[0] / g)))]


def zdt6(x: Array) -> list[float]:
    f = float(1 - np.exp(-4 * x[0]) * np.sin(6 * np.pi * x[0]) ** 6)
    g = 1 + 9 * float(x[1:].mean()) ** 0.25
    return [f, g * (1 - (f / g) ** 2)]


def dtlz2(x: Array, m: int = 3) -> list[float]:
    g = 1 + float(np.sum((x[m - 1 :] - 0.5) ** 2))
    angles = x[: m - 1] * np.pi / 2
    radii = np.cumprod([g, *np.cos(angles)])
    return [float(v) for v in (radii * [*np.sin(angles), 1.0])[::-1]]


def dtlz7(x: Array) -> list[float]:
    f, g = x[:2], 1 + 9 * float(x[2:].mean())
    h = 3 - float(np.sum(f / (1 + g) * (1 + np.sin(3 * np.pi * f))))
    return [float(f[0]), float(f[1]), (1 + g) * h]


PROBLEMS = {
    "zdt1": Problem(zdt1, 30, (1.1, 1.1)),
    "zdt2": Problem(zdt2, 30, (1.1, 1.1)),
    "zdt3": Problem(zdt3, 30, (1.1, 1.1)),
    "zdt4": Problem(zdt4, 10, (1.1, 11.0)),
    "zdt6": Problem(zdt6, 10, (1.1, 7.0)),
    "dtlz2": Problem(dtlz2, 12, (1.1, 1.1, 1.1)),
    "dtlz7": Problem(dtlz7, 22, (1.1, 1.1, 6.6)),
}
