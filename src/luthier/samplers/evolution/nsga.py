"""NSGA-II and NSGA-III: populations sorted into fronts, and thinned where they are crowded.

The population and the trials that finished after it, as many as ``offspring`` says, compete: whole
fronts survive as long as there is room. Of the first front that doesn't fit, NSGA-II keeps the
points whose neighbours are far, NSGA-III those that fill the emptiest of evenly spread reference
directions. The papers have as many offspring as members; of fewer each descends from better
parents, down to the steady state of Durillo et al. with one.

References:
    Deb et al., NSGA-II, IEEE Transactions on Evolutionary Computation 6 (2002).
    Deb and Jain, NSGA-III, IEEE Transactions on Evolutionary Computation 18 (2014).
    Durillo et al., On the effect of the steady-state selection scheme in multi-objective genetic
    algorithms, EMO 2009.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import Any, ClassVar, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.rng import generator
from luthier.core.settings import Flag, Number, Rule, settle, spec_of
from luthier.numerics.pareto import (
    associate,
    das_dennis,
    extreme_points,
    intercepts,
    niched,
)
from luthier.samplers.evolution.brood import Breeder, Parents
from luthier.samplers.evolution.population import Generations, Individuals, fronts, individuals
from luthier.samplers.evolution.variation import VARIATION_RULES, variation_of
from luthier.space import Space

__all__ = ["NSGA2", "NSGA3", "survivors"]

Array = NDArray[np.float64]
_INNER: Final = 0.5  # how far the inner layer of directions reaches, where there are two

_RULES: Final[Mapping[str, Rule]] = {
    "population": Number(2, whole=True),
    "offspring": Number(1, whole=True),
    **VARIATION_RULES,
    "allow_duplicates": Flag(),
}


@dataclass(frozen=True, slots=True)
class _Sorting(ABC):
    """What both share: their settings, with the defaults of NSGA-II, and how they propose."""

    population: int = 50
    offspring: int = 25
    crossover: str = "sbx"
    crossover_rate: float = 0.9
    eta_crossover: float = 15.0
    mutation: str = "polynomial"
    mutations: float = 1.0
    eta_mutation: float = 20.0
    allow_duplicates: bool = False
    _DIRECTED: ClassVar[bool]

    def __post_init__(self) -> None:
        settle(self, _RULES)

    @property
    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return n proposals; fewer where a finite space ends."""
        parents, size, offspring = None, self.population, self.offspring
        if space.encoding.width:
            parents = survivors(space, history, size, offspring, directed=self._DIRECTED)
        name = "NSGA-III" if self._DIRECTED else "NSGA-II"
        breeder = Breeder(name, "nsga", variation_of(self), size=offspring)
        return breeder.suggest(
            space, history, n, rng, parents, allow_duplicates=self.allow_duplicates
        )


@final
@dataclass(frozen=True, slots=True)
class NSGA2(_Sorting):
    """Evolve a front of trade-offs between two or three objectives.

    Costs some tens of microseconds a proposal, whatever the number of trials. For budgets of
    about ten populations and more; with fewer trials, or slow ones, use a model.

    Args:
        population: How many trials survive, at least 2.
        offspring: How many trials make a generation, at least 1; the paper has a population of
            them, fewer get to the front sooner.
        crossover: How numbers are recombined: "sbx", "blx" or "uniform".
        crossover_rate: The share of pairs that are recombined, from 0 to 1.
        eta_crossover: How near to their parents "sbx" keeps children, above 0.
        mutation: How numbers are mutated: "polynomial" or "gaussian".
        mutations: How many parameters of a child are mutated on average, at least 0.
        eta_mutation: How small "polynomial" mutations are, above 0; higher is smaller.
        allow_duplicates: Whether a finite space may be given the same configuration twice.

    Raises:
        ArgumentError: A setting is out of its range.

    Example:
        >>> NSGA2(population=40).spec["population"]
        40

    References:
        Deb et al., A fast and elitist multiobjective genetic algorithm: NSGA-II, IEEE
        Transactions on Evolutionary Computation 6 (2002).
    """

    _DIRECTED: ClassVar = False

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("nsga2", self)


@final
@dataclass(frozen=True, slots=True)
class NSGA3(_Sorting):
    """Evolve a front of trade-offs between three and more objectives.

    Like NSGA-II, but spread by reference directions, which keeps the front even where there are
    many objectives.

    Args:
        population: How many trials survive, at least 2. There are as many reference directions
            as evenly spread ones fit into it, but one for each objective at least.
        offspring: How many trials make a generation, at least 1; the paper has a population of
            them, fewer get to the front sooner.
        crossover: How numbers are recombined: "sbx", "blx" or "uniform".
        crossover_rate: The share of pairs that are recombined, from 0 to 1.
        eta_crossover: How near to their parents "sbx" keeps children, above 0.
        mutation: How numbers are mutated: "polynomial" or "gaussian".
        mutations: How many parameters of a child are mutated on average, at least 0.
        eta_mutation: How small "polynomial" mutations are, above 0; higher is smaller.
        allow_duplicates: Whether a finite space may be given the same configuration twice.

    Raises:
        ArgumentError: A setting is out of its range.

    Example:
        >>> NSGA3(population=92).spec["name"]
        'nsga3'

    References:
        Deb and Jain, An evolutionary many-objective optimization algorithm using
        reference-point-based nondominated sorting approach, IEEE Transactions on Evolutionary
        Computation 18 (2014).
    """

    crossover_rate: float = 1.0
    eta_crossover: float = 30.0
    _DIRECTED: ClassVar = True

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("nsga3", self)


_GENERATIONS: Final[Generations[Parents]] = Generations()


def survivors(
    space: Space, history: History, size: int, offspring: int, *, directed: bool
) -> Parents | None:
    """Return the population that the present generation began with; None before the first.

    Args:
        space: The space.
        history: What has happened.
        size: How many trials survive; the first so many are the first population.
        offspring: How many trials make a generation after that.
        directed: Whether reference directions thin out fronts (NSGA-III), or crowding (NSGA-II).
    """

    def advance(before: Parents | None) -> Parents | None:
        first = 0 if before is None else before.until
        last = first + (size if before is None else offspring)
        if last > history.n_finished:
            return None
        group = individuals(history, first, last)
        if before is not None:
            group = before.members.together(group)
        generation = 1 if before is None else before.generation + 1
        if directed:
            rng = generator(history.seed, "niches", generation)
            return _thinned_by_direction(group, size, before, last, generation, rng)
        return _thinned_by_crowding(group, size, last, generation)

    return _GENERATIONS.latest(history, (space, size, offspring, directed), advance)


def _thinned_by_crowding(group: Individuals, size: int, until: int, generation: int) -> Parents:
    kept = group.order[:size]
    return Parents(until, generation, group.at(kept), np.arange(size))


def _thinned_by_direction(
    group: Individuals,
    size: int,
    before: Parents | None,
    until: int,
    generation: int,
    rng: np.random.Generator,
) -> Parents:
    ranks, sound = fronts(group), np.isfinite(group.Y).all(axis=1) & (group.fault == 0)
    order = np.argsort(ranks, kind="stable")
    m = group.Y.shape[1]
    if not sound.any():
        kept = order[:size]
        return Parents(until, generation, group.at(kept), ranks[kept])
    front = group.Y[sound & (ranks == ranks[sound].min())]
    ideal, extremes, scale = _frame(group.Y[sound], front, before)
    last = ranks[order[size - 1]]
    kept, candidates = np.flatnonzero(ranks < last), np.flatnonzero(ranks == last)
    room = size - len(kept)
    if room < len(candidates):
        Z = _directions(m, size)
        niche, distance = associate(np.where(sound[:, None], (group.Y - ideal) / scale, 1.0), Z)
        crowd = np.bincount(niche[kept], minlength=len(Z))
        chosen = niched(room, niche[candidates], distance[candidates], crowd, rng)
        candidates = candidates[chosen]
    kept = np.concatenate([kept, candidates])
    standing = np.where(group.fault[kept] > 0, ranks[kept] + 1, 0)
    return Parents(until, generation, group.at(kept), standing, ideal, extremes)


def _frame(Y: Array, front: Array, before: Parents | None) -> tuple[Array, Array, Array]:
    """The ideal point, the extreme points of all fronts so far, and the unit of each objective.

    Only what nothing dominates can be extreme: a dominated point that is best in one objective
    may be arbitrarily bad in the others, and would stretch their axes.
    """
    ideal = Y.min(axis=0)
    if before is not None and len(before.ideal):
        ideal = np.minimum(before.ideal, ideal)
        front = np.concatenate([before.extremes, front])
    extremes = extreme_points(front, ideal)
    worst = np.where(front.max(axis=0) > ideal, front.max(axis=0), Y.max(axis=0))
    return ideal, extremes, intercepts(extremes, ideal, worst)


@lru_cache(maxsize=8)
def _directions(m: int, most: int) -> Array:
    """As many evenly spread directions as fit; in two layers where one would have no inside.

    There are m at least, the axes.

    Example:
        >>> [len(_directions(m, 92)) for m in (1, 2, 3, 5, 8)]
        [1, 92, 91, 85, 72]
        >>> len(_directions(5, 3))
        5
    """
    if m == 1:
        return np.ones((1, 1))
    p = 1
    while comb(p + m, m - 1) <= most:
        p += 1
    if p >= m:
        return das_dennis(m, p)
    outer, inner = das_dennis(m, p), np.empty((0, m))
    for q in range(p, 0, -1):
        if comb(q + m - 1, m - 1) + len(outer) <= most:
            inner = das_dennis(m, q)
            break
    return np.concatenate([outer, _INNER * inner + (1 - _INNER) / m])
