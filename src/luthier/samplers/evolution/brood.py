"""Broods: the children of one generation, made in one go and handed out one by one.

Parents that were chosen when n trials had finished have their first brood for trials n, n + 1, ...,
a second one for those after these, and so on; each is drawn from a generator of its own. So every
proposal is a function of the history and of its number, and costs a fraction of a brood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.asking import Turn, drawn_instead, is_new
from luthier.core.jobs import Proposal
from luthier.samplers.evolution.population import Individuals
from luthier.samplers.evolution.variation import Variation, bred
from luthier.space import Space

__all__ = ["Brood", "brood_of", "proposed"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]
_AGAIN: Final = 32


@final
@dataclass(frozen=True, slots=True, eq=False)
class Brood:
    """Children.

    Attributes:
        configs: Their configurations.
        parents: The numbers of the trials that each comes from.
    """

    configs: list[dict[str, Any]]
    parents: list[list[int]]


def brood_of(
    space: Space,
    members: Individuals,
    select: Callable[[int], Places],
    n: int,
    how: Variation,
    rng: np.random.Generator,
) -> Brood:
    """Return n children of a population.

    Args:
        space: The space.
        members: The population.
        select: Chooses places of so many members.
        n: How many, at least 1.
        how: Operators and rates.
        rng: Source of randomness.
    """
    k = (n + 1) // 2
    places = select(2 * k)
    pairs = places[:k], places[k:]
    children = bred(space, members.X[pairs[0]], members.X[pairs[1]], how, rng)
    numbers = np.stack([members.numbers[p] for p in pairs], axis=1).tolist()
    return Brood(space.encoding.decode(children[:n]), [*numbers, *numbers][:n])


def proposed(
    space: Space,
    turn: Turn,
    child: int,
    brood: Brood,
    again: Callable[[int], Brood],
    rng: np.random.Generator,
    *,
    name: str,
    generation: int,
) -> Proposal | None:
    """Propose a child; another one where it isn't allowed or was tried; None at a space's end.

    Args:
        space: The space.
        turn: The trial.
        child: Which child of the brood.
        brood: The children of the generation.
        again: Makes a brood of so many from the trial's own generator.
        rng: The trial's generator.
        name: What the algorithm is called in reasons.
        generation: Which generation it is.
    """
    config, parents = brood.configs[child], brood.parents[child]
    if not is_new(space, config, turn.tried):
        more = again(_AGAIN)
        found = (
            pair
            for pair in zip(more.configs, more.parents, strict=True)
            if is_new(space, pair[0], turn.tried)
        )
        other = next(found, None)
        if other is None:
            reason = "drawn at random: all children had been tried before or aren't allowed"
            return drawn_instead(space, rng, turn.tried, reason)
        config, parents = other
    return Proposal(
        config,
        f"{name} generation {generation}: child of trials {parents[0]} and {parents[1]}",
        data=_data(generation, parents),
    )


def _data(generation: int, parents: list[int]) -> Mapping[str, Any]:
    return {"generation": generation, "parents": parents}
