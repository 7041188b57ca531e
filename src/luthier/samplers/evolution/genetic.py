"""The genetic algorithm: select parents, recombine, mutate, replace.

Who may be a parent follows from the trials that have finished (N the population's size):

    replacement      population
    "plus"           the N best of all, as of the last full generation
    "generational"   the last generation; the worst of it make room for the best of all before
    "steady"         the N best of all, after every trial
    "ageing"         the last N, after every trial

References:
    Holland, Adaptation in natural and artificial systems (1975).
    Syswerda, A study of reproduction in generational and steady-state genetic algorithms, FOGA 1
    (1991). Real et al., Regularized evolution, arXiv:1802.01548: ageing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.asking import Turn, one_by_one
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.rng import generator
from luthier.core.settings import Choice, Flag, Number, Rule, settle, spec_of
from luthier.core.start import start_point
from luthier.samplers.evolution.brood import Brood, brood_of, proposed
from luthier.samplers.evolution.nsga import survivors
from luthier.samplers.evolution.population import (
    Generations,
    Individuals,
    best_of,
    individuals,
)
from luthier.samplers.evolution.selection import tournament, truncation
from luthier.samplers.evolution.variation import VARIATION_RULES, variation_of
from luthier.space import Space

__all__ = ["GA"]

Places = NDArray[np.intp]

_RULES: Final[Mapping[str, Rule]] = {
    "population": Number(2, whole=True),
    "replacement": Choice(("plus", "generational", "steady", "ageing")),
    "elite": Number(0, whole=True),
    "selection": Choice(("tournament", "truncation")),
    "tournament_size": Number(1, whole=True),
    "share": Number(0, 1, open="low"),
    **VARIATION_RULES,
    "allow_duplicates": Flag(),
}


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Parents:
    """The population of a generation."""

    until: int
    generation: int
    members: Individuals
    standing: Places


@final
@dataclass(frozen=True, slots=True)
class GA:
    """Evolve a population of configurations, of any kind of parameters.

    For thousands of cheap trials in spaces that models find hard: long orders, many choices, deep
    conditions. With several objectives fronts and crowding decide, as in NSGA-II.

    Args:
        population: How many trials there are in a generation, at least 2.
        replacement: "plus", "generational", "steady" or "ageing": who is in the population.
        elite: How many of the best so far a "generational" population keeps, at least 0.
        selection: How parents are chosen: "tournament" or "truncation".
        tournament_size: How many fight to become a parent, at least 1; more are greedier.
        share: The best part of the population, of which "truncation" draws; above 0, at most 1.
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
        >>> GA(replacement="ageing", crossover_rate=0).spec["name"]
        'ga'

    References:
        Goldberg, Genetic algorithms in search, optimization and machine learning (1989).
    """

    population: int = 40
    replacement: str = "plus"
    elite: int = 1
    selection: str = "tournament"
    tournament_size: int = 3
    share: float = 0.5
    crossover: str = "sbx"
    crossover_rate: float = 0.9
    eta_crossover: float = 5.0
    mutation: str = "polynomial"
    mutations: float = 1.0
    eta_mutation: float = 10.0
    allow_duplicates: bool = False

    def __post_init__(self) -> None:
        settle(self, _RULES)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("ga", self)

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return n proposals; fewer where a finite space ends."""
        parents = self._parents(space, history) if space.encoding.width else None
        at_once = self.replacement in ("plus", "generational")

        def propose(turn: Turn) -> Proposal | None:
            if parents is None:
                return start_point(space, history, turn, rng)
            if at_once:
                number, child = divmod(turn.number - parents.until, self.population)
                brood = _brood(self, space, parents, history.seed, number)
            else:
                child, brood = 0, self._bred(space, parents, 1, rng)
            return proposed(
                space,
                turn,
                child,
                brood,
                lambda k: self._bred(space, parents, k, rng),
                rng,
                name="GA",
                generation=parents.generation,
            )

        return one_by_one(space, history, n, propose, allow_duplicates=self.allow_duplicates)

    def _parents(self, space: Space, history: History) -> _Parents | None:
        """The present population; None before the first generation has finished."""
        generation = history.n_finished // self.population
        if not generation:
            return None
        if self.replacement == "ageing":
            return self._aged(history, generation)
        if self.replacement == "steady":
            return self._plus(space, history, generation, history.n_finished)

        def advance(before: _Parents | None) -> _Parents | None:
            if before is not None and before.generation == generation:
                return None
            until = generation * self.population
            make = self._plus if self.replacement == "plus" else self._replaced
            return make(space, history, generation, until)

        key = (space, self.population, self.replacement, self.elite)
        return _GENERATIONS.latest(history, key, advance)

    def _best(self, space: Space, history: History, until: int) -> Individuals:
        """A population of the best trials of all, the best first."""
        if len(history.objective.names) == 1:
            return best_of(history, self.population, until)
        offspring = 1 if self.replacement == "steady" else self.population
        front = survivors(space, history, self.population, offspring, directed=False)
        assert front is not None
        assert front.until == until
        return front.members

    def _plus(self, space: Space, history: History, generation: int, until: int) -> _Parents:
        members = self._best(space, history, until)
        return _Parents(until, generation, members, np.arange(len(members)))

    def _replaced(self, space: Space, history: History, generation: int, until: int) -> _Parents:
        newest = individuals(history, until - self.population, until)
        elite = self._best(space, history, until).at(slice(0, self.elite))
        others = newest.at(np.flatnonzero(~np.isin(newest.numbers, elite.numbers)))
        kept = others.order[: self.population - len(elite)]
        members = elite.together(others.at(kept))
        return _Parents(until, generation, members, members.standing)

    def _aged(self, history: History, generation: int) -> _Parents:
        n = history.n_finished
        members = individuals(history, n - self.population, n)
        return _Parents(n, generation, members, members.standing)

    def _bred(self, space: Space, parents: _Parents, k: int, rng: np.random.Generator) -> Brood:
        def select(n: int) -> Places:
            if self.selection == "truncation":
                return truncation(parents.standing, n, self.share, rng)
            return tournament(parents.standing, n, self.tournament_size, rng)

        return brood_of(space, parents.members, select, k, variation_of(self), rng)


_GENERATIONS: Final[Generations[_Parents]] = Generations()


@lru_cache(maxsize=8)
def _brood(sampler: GA, space: Space, parents: _Parents, seed: int, number: int) -> Brood:
    """The number-th lot of children of these parents."""
    rng = generator(seed, "ga", parents.generation, number)
    return sampler._bred(space, parents, sampler.population, rng)
