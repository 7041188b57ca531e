"""The task whose asks are timed: Rosenbrock's function of ten floats.

    f(x) = sum_i 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2,   x in [-5, 10]^10, minimal 0 at (1, ..., 1)

This file runs in every peer's environment: it needs nothing but the standard library.

References:
    Rosenbrock, An automatic method for finding the greatest or least value of a function,
    Computer J. 3 (1960).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

D = 10
NAMES = tuple(f"x{i}" for i in range(D))
LOW, HIGH = -5.0, 10.0
WARM_UP = 14  # trials of a study beforehand: more than any sampler's start


def value(x: Sequence[float]) -> float:
    """Return Rosenbrock's function."""
    return sum(100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2 for a, b in pairwise(x))


def history(n: int, seed: int) -> list[tuple[dict[str, float], float]]:
    """Return n random configurations and their values, the same for all libraries."""
    rng = random.Random(seed)
    points = ([rng.uniform(LOW, HIGH) for _ in NAMES] for _ in range(n))
    return [(dict(zip(NAMES, x, strict=True)), value(x)) for x in points]


def timed(
    ask: Callable[[], tuple[object, Sequence[float]]],
    tell: Callable[[object, float], object],
    n: int,
) -> list[float]:
    """Ask and tell n times; return the CPU milliseconds of each, without the objective's."""
    spent = []
    for _ in range(n):
        start = time.process_time()
        trial, x = ask()
        asked = time.process_time()
        y = value(x)
        told = time.process_time()
        tell(trial, y)
        spent.append(1e3 * (time.process_time() - told + asked - start))
    return spent
