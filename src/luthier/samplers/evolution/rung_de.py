"""Differential evolution with a subpopulation on every rung: the search of DEHB.

    name      meaning                                                          shape
    r         a rung: a step at which trials are compared
    N_r       slots of its subpopulation: the trials that start there in a round, at least 4
    x         the target: the occupant of the slot that a child competes for   (d,)
    P         the parent pool: the best N_r of the rung below                  (N_r, d)

    v = p_1 + F (p_2 - p_3),  F = CR = 0.5             rand/1/bin: Storn and Price 1997

A trial is made for the rung at which it starts. The first trials that reach a rung fill its slots;
while some are empty its trials are spread over the space. From then on each is made for a slot, by
turns, and takes it if it is there no worse than the occupant. Who is promoted from below competes
with the worst occupant. All of this is read off the trials in the order of their numbers.

References:
    Awad, Mallik and Hutter, DEHB: Evolutionary Hyperband for Scalable, Robust and Efficient
    Hyperparameter Optimization, IJCAI 2021, arXiv:2105.09821.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.asking import Turn, drawn_instead, is_new, one_by_one
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.rng import generator
from luthier.core.settings import Flag, Number, Rule, settle, spec_of
from luthier.core.start import start_point
from luthier.core.trial import FrozenTrial
from luthier.errors import ArgumentError
from luthier.samplers.evolution.brood import ALL_TRIED
from luthier.samplers.evolution.difference import crossed_with_mutants
from luthier.samplers.evolution.population import Individuals, completed
from luthier.samplers.evolution.variation import filled, genes_of
from luthier.space import Space

__all__ = ["RungDE"]

Array = NDArray[np.float64]
_F: Final = 0.5
_CR: Final = 0.5
_LEAST: Final = 4  # a target and three parents
_AGAIN: Final = 32
_BLOCK: Final = 64  # trials whose competitions are settled at once, and for good
_RULES: Final[Mapping[str, Rule]] = {"allow_duplicates": Flag()}


@final
@dataclass(frozen=True, slots=True)
class RungDE:
    """Evolve a population on each rung, with parents from the rung below.

    ``luthier.dehb`` makes it for its scheduler. Under other schedulers with rungs it may be used
    as well, if it is told where their trials start.

    Args:
        starts: How many trials start at which step, in turn, as pairs; then it begins anew. Each
            step once.
        allow_duplicates: Whether a finite space may be given the same configuration twice.

    Raises:
        ArgumentError: ``starts`` aren't such pairs.

    Example:
        >>> RungDE([(9, 1), (5, 3), (3, 9)]).sizes
        {1: 9, 3: 5, 9: 4}

    References:
        Awad et al., arXiv:2105.09821.
    """

    starts: Sequence[Sequence[int]]
    allow_duplicates: bool = False

    def __post_init__(self) -> None:
        settle(self, _RULES)
        starts = _pairs(self.starts)
        if not starts or len({step for _, step in starts}) < len(starts):
            raise ArgumentError(
                "RungDE: starts must be pairs of a number of trials and the step at which they "
                f"start, whole numbers of at least 1 and each step once, got {self.starts!r}. "
                "Example: RungDE([(9, 1), (5, 3), (3, 9)]).",
                starts=self.starts,
            )
        object.__setattr__(self, "starts", starts)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("rung_de", self) | {"starts": [list(pair) for pair in self.starts]}

    @property
    def sizes(self) -> dict[int, int]:
        """How many slots there are on each rung, the lowest rung first."""
        return {step: max(n, _LEAST) for step, n in sorted((step, n) for n, step in self.starts)}

    @property
    def reads_rungs(self) -> bool:
        """True: it reads the rungs of a history itself, and isn't to be shown only one."""
        return True

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return n proposals; fewer where a finite space ends."""

        def propose(turn: Turn) -> Proposal | None:
            rng = generator(history.seed, "rung_de", turn.number)
            rung, k = self._place(turn.number)
            here = self._occupants(history, rung)
            if here is None or not space.encoding.width:
                return start_point(space, history, turn, rng)
            return self._proposed(space, history, turn, (rung, k % len(here)), here, rng)

        return one_by_one(space, history, n, propose, allow_duplicates=self.allow_duplicates)

    def _proposed(
        self,
        space: Space,
        history: History,
        turn: Turn,
        place: tuple[int, int],
        here: Individuals,
        rng: np.random.Generator,
    ) -> Proposal | None:
        """A child for a slot; None at a finite space's end."""
        rung, slot = place
        target = here.at(slice(slot, slot + 1))
        pool = self._pool(history, rung, here)
        pool = pool.at(pool.numbers != target.numbers)
        for n in (1, _AGAIN):
            configs, parents = _children(space, target, pool, n, rng)
            for config, trio in zip(configs, parents, strict=True):
                if is_new(space, config, turn.tried):
                    return _proposal(config, rung, slot, [int(target.numbers[0]), *trio])
        return drawn_instead(space, rng, turn.tried, ALL_TRIED)

    def _pool(self, history: History, rung: int, here: Individuals) -> Individuals:
        """The parents of a rung's children: the best of the rung below; on the lowest its own."""
        below = [step for step in self.sizes if step < rung]
        under = self._occupants(history, below[-1]) if below else None
        return here if under is None else under.at(under.order[: len(here)])

    def _place(self, number: int) -> tuple[int, int]:
        """The rung that the trial of a number is made for, and how many were before it."""
        ends = list(accumulate(n for n, _ in self.starts))
        turns, place = divmod(number, ends[-1])
        at = bisect_right(ends, place)
        n, rung = self.starts[at]
        return rung, turns * n + place - (ends[at] - n)

    def _occupants(self, history: History, rung: int) -> Individuals | None:
        """Who holds a rung's slots, by slot; None while some are empty."""
        seen, size = history.reached(rung), self.sizes[rung]
        group = completed(seen)
        if len(group) < size:
            return None

        def slot(trial: FrozenTrial) -> tuple[float]:
            data = trial.origin.data
            return (data.get("slot", np.nan) if data.get("rung") == rung else np.nan,)

        alone = group.Y.shape[1] == 1
        values = group.Y[:, 0] if alone else group.standing
        score = list(zip(group.fault.tolist(), values.tolist(), strict=True))
        made_for = seen.table(("slot", rung), seen.completed, slot)[:, 0].tolist()

        def competed(held: list[int] | None, places: slice) -> list[int]:
            held = list(range(size)) if held is None else held.copy()
            for k in range(max(places.start, size), places.stop):
                own = made_for[k]
                at = int(own) if own < size else max(range(size), key=lambda s: score[held[s]])
                if score[k] <= score[held[at]]:
                    held[at] = k
            return held

        # of several objectives a trial's standing changes with every other, so all compete anew
        settled = len(group) // _BLOCK * _BLOCK if alone else 0
        known = ("slots", rung, size)
        held = seen.fold(known, seen.completed, _BLOCK, competed) if alone else None
        held = competed(held, slice(settled, len(group)))
        return group.at(np.array(held, dtype=np.intp))


def _pairs(given: object) -> tuple[tuple[int, int], ...]:
    """Pairs of whole numbers of at least 1; none if anything else is given."""
    whole = Number(1, whole=True)
    try:
        pairs = tuple((whole.read(n), whole.read(step)) for n, step in given)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return ()
    found = tuple((int(n), int(step)) for n, step in pairs if n is not None and step is not None)
    return found if len(found) == len(pairs) else ()


def _proposal(config: dict[str, Any], rung: int, slot: int, parents: list[int]) -> Proposal:
    target, *others = parents
    trio = ", ".join(map(str, others))
    why = f"DEHB at step {rung}: trial {target} crossed with a mutant of trials {trio}"
    return Proposal(config, why, data={"rung": rung, "slot": slot, "parents": parents})


def _children(
    space: Space, target: Individuals, pool: Individuals, n: int, rng: np.random.Generator
) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """Draw children of a target, each with the numbers of its mutant's parents."""
    rows = filled(space, np.concatenate([target.X, pool.X]), rng)
    X, P = np.repeat(rows[:1], n, axis=0), rows[1:]
    trios = np.argsort(rng.random((n, len(P))), axis=1)[:, :3]
    start, a, b = (P[trios[:, j]] for j in range(3))
    F, CR = np.full((n, 1), _F), np.full((n, 1), _CR)
    children = crossed_with_mutants(genes_of(space), X, start, (a, b), F, CR, rng)
    return space.encoding.decode(children), pool.numbers[trios].tolist()
