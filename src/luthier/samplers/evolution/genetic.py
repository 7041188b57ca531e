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
from typing import Any, Final, final

import numpy as np

from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.settings import Choice, Flag, Number, Rule, settle, spec_of
from luthier.samplers.evolution.brood import Breeder, Parents
from luthier.samplers.evolution.nsga import survivors
from luthier.samplers.evolution.population import (
    Generations,
    Individuals,
    best_of,
    individuals,
)
from luthier.samplers.evolution.variation import VARIATION_RULES, variation_of
from luthier.space import Space

__all__ = ["GA"]

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
        breeder = Breeder(
            "GA",
            "ga",
            variation_of(self),
            size=self.population if at_once else None,
            fighters=self.tournament_size,
            share=self.share if self.selection == "truncation" else None,
        )
        return breeder.suggest(
            space, history, n, rng, parents, allow_duplicates=self.allow_duplicates
        )

    def _parents(self, space: Space, history: History) -> Parents | None:
        """The present population; None before the first generation has finished."""
        generation = history.n_finished // self.population
        if not generation:
            return None
        if self.replacement == "ageing":
            return self._aged(history, generation)
        if self.replacement == "steady":
            return self._plus(space, history, generation, history.n_finished)

        def advance(before: Parents | None) -> Parents | None:
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

    def _plus(self, space: Space, history: History, generation: int, until: int) -> Parents:
        members = self._best(space, history, until)
        return Parents(until, generation, members, np.arange(len(members)))

    def _replaced(self, space: Space, history: History, generation: int, until: int) -> Parents:
        newest = individuals(history, until - self.population, until)
        elite = self._best(space, history, until).at(slice(0, self.elite))
        others = newest.at(np.flatnonzero(~np.isin(newest.numbers, elite.numbers)))
        kept = others.order[: self.population - len(elite)]
        members = elite.together(others.at(kept))
        return Parents(until, generation, members, members.standing)

    def _aged(self, history: History, generation: int) -> Parents:
        n = history.n_finished
        members = individuals(history, n - self.population, n)
        return Parents(n, generation, members, members.standing)


_GENERATIONS: Final[Generations[Parents]] = Generations()
