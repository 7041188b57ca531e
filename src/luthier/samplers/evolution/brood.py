"""Broods: the children of one generation, made in one go and handed out one by one.

Parents that were chosen when n trials had finished have their first brood for trials n, n + 1, ...,
a second one for those after these, and so on; each is drawn from a generator of its own. So every
proposal is a function of the history and of its number, and costs a fraction of a brood.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Protocol, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.asking import Turn, drawn_instead, is_new, one_by_one
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.rng import generator
from luthier.core.start import start_point
from luthier.samplers.evolution.population import Individuals
from luthier.samplers.evolution.selection import tournament, truncation
from luthier.samplers.evolution.variation import Variation, bred
from luthier.space import Space

__all__ = ["ALL_TRIED", "Breeder", "Parents", "chosen"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]
_AGAIN: Final = 32
ALL_TRIED: Final = "drawn at random: all children had been tried before or aren't allowed"
"""Why a trial is drawn at random, in words."""


class Brood(Protocol):
    """What has children."""

    @property
    def configs(self) -> list[dict[str, Any]]:
        """Their configurations."""


B = TypeVar("B", bound=Brood)


def chosen(
    space: Space, turn: Turn, brood: B, child: int, again: Callable[[], B]
) -> tuple[B, int] | None:
    """Return a child and its brood; another one's where it isn't allowed or was tried.

    Args:
        space: The space.
        turn: The trial.
        brood: The children of a generation.
        child: Which of them.
        again: Makes another brood, for this trial alone.

    Returns:
        None if all of that are no better.
    """
    if is_new(space, brood.configs[child], turn.tried):
        return brood, child
    brood = again()
    others = enumerate(brood.configs)
    return next(((brood, k) for k, config in others if is_new(space, config, turn.tried)), None)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Parents:
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
    ideal: Array = field(default_factory=lambda: np.empty(0))
    extremes: Array = field(default_factory=lambda: np.empty(0))


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Brood:
    """Children: their configurations, and the numbers of the trials that each comes from."""

    configs: list[dict[str, Any]]
    parents: list[list[int]]


@final
@dataclass(frozen=True, slots=True)
class Breeder:
    """Makes children of a population.

    Attributes:
        name: What the algorithm is called in reasons.
        stream: What it is called in random streams.
        variation: Operators and rates.
        size: How many children a brood has; None: each is drawn by itself from the generator of
            its trial.
        fighters: How many fight in a tournament to become a parent.
        share: The best part of the population, of which parents are drawn; None: they fight.
    """

    name: str
    stream: str
    variation: Variation
    size: int | None
    fighters: int = 2
    share: float | None = None

    def suggest(
        self,
        space: Space,
        history: History,
        n: int,
        rng: np.random.Generator,
        parents: Parents | None,
        *,
        allow_duplicates: bool,
    ) -> list[Proposal]:
        """Return n children; points of the start where there are no parents yet.

        Args:
            space: The space.
            history: What has happened.
            n: How many.
            rng: The generator of the first trial.
            parents: The present population.
            allow_duplicates: Whether a finite space may be given the same configuration twice.
        """

        def propose(turn: Turn) -> Proposal | None:
            if parents is None:
                return start_point(space, history, turn, rng)
            return self._proposed(space, history.seed, parents, turn, rng)

        return one_by_one(space, history, n, propose, allow_duplicates=allow_duplicates)

    def _proposed(
        self, space: Space, seed: int, parents: Parents, turn: Turn, rng: np.random.Generator
    ) -> Proposal | None:
        """A child; another one where it isn't allowed or was tried; None at a space's end."""
        if self.size is None:
            child, brood = 0, self._bred(space, parents, 1, rng)
        else:
            number, child = divmod(turn.number - parents.until, self.size)
            brood = _brood(self, space, parents, seed, number, self.size)
        found = chosen(space, turn, brood, child, lambda: self._bred(space, parents, _AGAIN, rng))
        if found is None:
            return drawn_instead(space, rng, turn.tried, ALL_TRIED)
        brood, child = found
        a, b = brood.parents[child]
        return Proposal(
            brood.configs[child],
            f"{self.name} generation {parents.generation}: child of trials {a} and {b}",
            data={"generation": parents.generation, "parents": [a, b]},
        )

    def _bred(self, space: Space, parents: Parents, n: int, rng: np.random.Generator) -> _Brood:
        """So many children, one at least."""
        k, members = (n + 1) // 2, parents.members
        places = self._selected(parents.standing, 2 * k, rng)
        pairs = places[:k], places[k:]
        children = bred(space, members.X[pairs[0]], members.X[pairs[1]], self.variation, rng)
        numbers = np.stack([members.numbers[p] for p in pairs], axis=1).tolist()
        return _Brood(space.encoding.decode(children[:n]), [*numbers, *numbers][:n])

    def _selected(self, standing: Places, n: int, rng: np.random.Generator) -> Places:
        if self.share is None:
            return tournament(standing, n, self.fighters, rng)
        return truncation(standing, n, self.share, rng)


@lru_cache(maxsize=16)
def _brood(
    breeder: Breeder, space: Space, parents: Parents, seed: int, number: int, size: int
) -> _Brood:
    """The number-th lot of children of these parents."""
    rng = generator(seed, breeder.stream, parents.generation, number)
    return breeder._bred(space, parents, size, rng)
