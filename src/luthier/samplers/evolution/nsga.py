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

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.asking import Turn, one_by_one
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.rng import generator
from luthier.core.settings import Flag, Number, Rule, settle, spec_of
from luthier.core.start import start_point
from luthier.numerics.pareto import (
    associate,
    das_dennis,
    extreme_points,
    intercepts,
    niched,
)
from luthier.samplers.evolution.brood import Brood, brood_of, proposed
from luthier.samplers.evolution.population import Generations, Individuals, fronts, individuals
from luthier.samplers.evolution.selection import tournament
from luthier.samplers.evolution.variation import VARIATION_RULES, variation_of
from luthier.space import Space

__all__ = ["NSGA2", "NSGA3", "Survivors", "survivors"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]
_INNER: Final = 0.5  # how far the inner layer of directions reaches, where there are two

_RULES: Final[Mapping[str, Rule]] = {
    "population": Number(2, whole=True),
    "offspring": Number(1, whole=True),
    **VARIATION_RULES,
    "allow_duplicates": Flag(),
}


@final
@dataclass(frozen=True, slots=True, eq=False)
class Survivors:
    """The population that a generation begins with.

    Attributes:
        until: How many trials had finished by then.
        generation: Which generation it is, at least 1.
        members: The trials.
        standing: How well each does in a tournament, lower is better, shape (n,).
        ideal: The least values of all objectives so far, shape (m,); NSGA-III.
        extremes: The extreme points so far, shape (m, m); NSGA-III.
    """

    until: int
    generation: int
    members: Individuals
    standing: Places
    ideal: Array
    extremes: Array


@final
@dataclass(frozen=True, slots=True)
class NSGA2:
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

    population: int = 50
    offspring: int = 25
    crossover: str = "sbx"
    crossover_rate: float = 0.9
    eta_crossover: float = 15.0
    mutation: str = "polynomial"
    mutations: float = 1.0
    eta_mutation: float = 20.0
    allow_duplicates: bool = False

    def __post_init__(self) -> None:
        settle(self, _RULES)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("nsga2", self)

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return n proposals; fewer where a finite space ends."""
        return _suggested(self, space, history, n, rng)


@final
@dataclass(frozen=True, slots=True)
class NSGA3:
    """Evolve a front of trade-offs between three and more objectives.

    Like NSGA-II, but spread by reference directions, which keeps the front even where there are
    many objectives.

    Args:
        population: How many trials survive, at least 2. There are as many reference directions
            as evenly spread ones fit into it.
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

    population: int = 50
    offspring: int = 25
    crossover: str = "sbx"
    crossover_rate: float = 1.0
    eta_crossover: float = 30.0
    mutation: str = "polynomial"
    mutations: float = 1.0
    eta_mutation: float = 20.0
    allow_duplicates: bool = False

    def __post_init__(self) -> None:
        settle(self, _RULES)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("nsga3", self)

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return n proposals; fewer where a finite space ends."""
        return _suggested(self, space, history, n, rng)


_GENERATIONS: Final[Generations[Survivors]] = Generations()


def _suggested(
    sampler: NSGA2 | NSGA3, space: Space, history: History, n: int, rng: np.random.Generator
) -> list[Proposal]:
    directed = isinstance(sampler, NSGA3)
    name = "NSGA-III" if directed else "NSGA-II"
    parents = None
    if space.encoding.width:
        size, offspring = sampler.population, sampler.offspring
        parents = survivors(space, history, size, offspring, directed=directed)

    def propose(turn: Turn) -> Proposal | None:
        if parents is None:
            return start_point(space, history, turn, rng)
        number, child = divmod(turn.number - parents.until, sampler.offspring)
        return proposed(
            space,
            turn,
            child,
            _brood(sampler, space, parents, history.seed, number),
            lambda k: _bred(sampler, space, parents, k, rng),
            rng,
            name=name,
            generation=parents.generation,
        )

    return one_by_one(space, history, n, propose, allow_duplicates=sampler.allow_duplicates)


@lru_cache(maxsize=8)
def _brood(
    sampler: NSGA2 | NSGA3, space: Space, parents: Survivors, seed: int, number: int
) -> Brood:
    """The number-th lot of children of these parents."""
    rng = generator(seed, "nsga", parents.generation, number)
    return _bred(sampler, space, parents, sampler.offspring, rng)


def _bred(
    sampler: NSGA2 | NSGA3, space: Space, parents: Survivors, k: int, rng: np.random.Generator
) -> Brood:
    def select(n: int) -> Places:
        return tournament(parents.standing, n, 2, rng)

    return brood_of(space, parents.members, select, k, variation_of(sampler), rng)


def survivors(
    space: Space, history: History, size: int, offspring: int, *, directed: bool
) -> Survivors | None:
    """Return the population that the present generation began with; None before the first.

    Args:
        space: The space.
        history: What has happened.
        size: How many trials survive; the first so many are the first population.
        offspring: How many trials make a generation after that.
        directed: Whether reference directions thin out fronts (NSGA-III), or crowding (NSGA-II).
    """

    def advance(before: Survivors | None) -> Survivors | None:
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


def _thinned_by_crowding(group: Individuals, size: int, until: int, generation: int) -> Survivors:
    kept = group.order[:size]
    nothing = np.empty(0)
    return Survivors(until, generation, group.at(kept), np.arange(size), nothing, nothing)


def _thinned_by_direction(
    group: Individuals,
    size: int,
    before: Survivors | None,
    until: int,
    generation: int,
    rng: np.random.Generator,
) -> Survivors:
    ranks, sound = fronts(group), np.isfinite(group.Y).all(axis=1) & (group.fault == 0)
    order = np.argsort(ranks, kind="stable")
    m = group.Y.shape[1]
    if not sound.any():
        kept, none = order[:size], np.empty((0, m))
        return Survivors(until, generation, group.at(kept), ranks[kept], none[:0, 0], none)
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
    return Survivors(until, generation, group.at(kept), standing, ideal, extremes)


def _frame(Y: Array, front: Array, before: Survivors | None) -> tuple[Array, Array, Array]:
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

    Example:
        >>> [len(_directions(m, 92)) for m in (1, 2, 3, 5, 8)]
        [1, 92, 91, 85, 72]
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
