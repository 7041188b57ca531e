"""BIPOP: the order in which CMA-ES restarts with large and with small populations.

By turns with twice the largest population so far, and with small ones and narrower distributions,
so that both have had the same number of trials.

References:
    Hansen, Benchmarking a BI-population CMA-ES on the BBOB-2009 function testbed, GECCO 2009.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log
from typing import Final, final

import numpy as np

__all__ = ["LEAST_POPULATION", "Run", "usual_population"]

LEAST_POPULATION: Final = 4
"""Trials of a generation."""


@final
@dataclass(frozen=True, slots=True)
class Run:
    """One run of a search.

    Attributes:
        usual: The population of the first run.
        population: Trials of a generation.
        index: From 0.
        small: Whether it counts among the runs with small populations; the first one does.
        doublings: How often the largest population so far had been doubled.
        spent: Trials told by runs with small and with large populations.
    """

    usual: int
    population: int
    index: int = 0
    small: bool = True
    doublings: int = 0
    spent: tuple[int, int] = (0, 0)

    def counting(self, n: int) -> Run:
        """The run after n more trials."""
        small, large = self.spent
        return replace(self, spent=(small + n, large) if self.small else (small, large + n))

    def next(self, rng: np.random.Generator) -> tuple[Run, float]:
        """Return the run after this one, and how wide it begins compared with the first."""
        small, large = self.spent
        index, doublings = self.index + 1, self.doublings
        if small >= large:
            population = self.usual << doublings + 1
            return Run(self.usual, population, index, False, doublings + 1, self.spent), 1.0
        share, width = (2.0**doublings / 2) ** rng.random() ** 2, 10.0 ** (-2 * rng.random())
        population = max(int(self.usual * share), LEAST_POPULATION)
        return Run(self.usual, population, index, True, doublings, self.spent), width


def usual_population(d: int) -> int:
    """A fifth more than is usual: less is lost on smooth objectives than is won on rugged ones."""
    return 4 + int(3.7 * log(d))
