"""Differential evolution that adapts to what has worked: L-SHADE, for trials in any order.

    name     meaning                                                    shape
    X, y     the occupants of the slots: genes, values                  (N, d), (N,)
    F, CR    step size and crossover rate of a child
    M        memory of F and CR that led to improvements                (H, 2)
    A        archive of occupants that were replaced                    (a, d)

    v = x_i + F (x_best - x_i) + F (x_r1 - x_r2)         current-to-pbest/1

x_best is one of the best share p of the occupants, x_r1 another one, x_r2 one more or of the
archive. A child takes each gene from v with probability CR, one at least, the others from x_i. It
carries its slot, F and CR in its trial's data, and when it has finished it takes the slot if it is
better than who is there by then. So slow trials block nobody.

References:
    Storn and Price, Differential evolution, Journal of Global Optimization 11 (1997).
    Zhang and Sanderson, JADE, IEEE Transactions on Evolutionary Computation 13 (2009).
    Tanabe and Fukunaga, Improving the search performance of SHADE using linear population size
    reduction, CEC 2014: L-SHADE, its constants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.asking import Turn, drawn_instead, one_by_one
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.rng import generator
from luthier.core.settings import Flag, Number, Rule, settle, spec_of
from luthier.core.start import start_point
from luthier.samplers.evolution.brood import ALL_TRIED, chosen
from luthier.samplers.evolution.difference import crossed_with_mutants
from luthier.samplers.evolution.population import (
    Generations,
    Individuals,
    individuals,
    recorded,
)
from luthier.samplers.evolution.variation import filled, genes_of
from luthier.space import Space

__all__ = ["DE"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]
_MEMORY: Final = 6  # H
_ARCHIVE: Final = 2.6  # times the population
_SPREAD: Final = 0.1  # of F and CR around what has worked
_LEAST: Final = 4  # occupants that a step needs

_RULES: Final[Mapping[str, Rule]] = {
    "population": Number(_LEAST, whole=True),
    "best_share": Number(0, 1, open="low"),
    "shrink": Flag(),
    "allow_duplicates": Flag(),
}


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Slots:
    """What a generation begins with; ``names`` tells slots apart though some are given up."""

    until: int
    generation: int
    members: Individuals
    names: Places
    order: Places
    memory: Array
    archive: Array


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """The children of a generation, the slots they are for, and F and CR of each."""

    configs: list[dict[str, Any]]
    slots: list[int]
    parents: list[int]
    rates: list[list[float]]


@final
@dataclass(frozen=True, slots=True)
class DE:
    """Differential evolution with step sizes that adapt (L-SHADE).

    For thousands of cheap trials of mostly numeric parameters. Orders are searched as random keys,
    choices move towards those of better trials.

    Args:
        population: How many slots there are at first, at least 4.
        best_share: The share of occupants that children are drawn to, above 0 and at most 1.
        shrink: Whether slots are given up one after the other, down to 4 at the end of the trials
            that ``optimize`` plans.
        allow_duplicates: Whether a finite space may be given the same configuration twice.

    Raises:
        ArgumentError: A setting is out of its range.

    Example:
        >>> DE(population=50).spec["name"]
        'de'

    References:
        Tanabe and Fukunaga, CEC 2014.
    """

    population: int = 30
    best_share: float = 0.11
    shrink: bool = True
    allow_duplicates: bool = False

    def __post_init__(self) -> None:
        settle(self, _RULES)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("de", self)

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return n proposals; fewer where a finite space ends."""
        slots = self._slots(space, history) if space.encoding.width else None

        def propose(turn: Turn) -> Proposal | None:
            if slots is None:
                return start_point(space, history, turn, rng)
            return self._proposed(space, history.seed, slots, turn, rng)

        return one_by_one(space, history, n, propose, allow_duplicates=self.allow_duplicates)

    def _proposed(
        self, space: Space, seed: int, slots: _Slots, turn: Turn, rng: np.random.Generator
    ) -> Proposal | None:
        """The step of a slot, or another one; None at a space's end."""

        def again() -> _Steps:
            return _stepped(space, slots, self.best_share, rng)

        number, child = divmod(turn.number - slots.until, len(slots.members))
        steps = _brood(self, space, slots, seed, number)
        found = chosen(space, turn, steps, child, again)
        if found is None:
            return drawn_instead(space, rng, turn.tried, ALL_TRIED)
        steps, child = found
        parent, (F, CR) = steps.parents[child], steps.rates[child]
        return Proposal(
            steps.configs[child],
            f"DE generation {slots.generation}: a step of {F:.2f} from trial {parent}",
            data={
                "generation": slots.generation,
                "parents": [parent],
                "slot": steps.slots[child],
                "F": F,
                "CR": CR,
            },
        )

    def _slots(self, space: Space, history: History) -> _Slots | None:
        """The present occupants; None before there are enough."""
        planned = history.planned if self.shrink else None

        def advance(before: _Slots | None) -> _Slots | None:
            if before is None:
                if history.n_finished < self.population:
                    return None
                return _first(space, history, self.population)
            size = len(before.members)
            if before.until + size > history.n_finished:
                return None
            after = _after(history, before)
            if planned is None:
                return after
            share = min(after.until / max(planned, 1), 1.0)
            wanted = round(self.population + (_LEAST - self.population) * share)
            return _shrunk(after, wanted) if wanted < size else after

        return _GENERATIONS.latest(history, (space, self.population, planned), advance)


_GENERATIONS: Final[Generations[_Slots]] = Generations()


def _first(space: Space, history: History, size: int) -> _Slots:
    members = individuals(history, 0, size)
    rng = generator(history.seed, "de", 0)
    y = members.values(rng)
    return _Slots(
        until=size,
        generation=1,
        members=members,
        names=np.arange(size),
        order=np.lexsort((y, members.fault)),
        memory=np.full((_MEMORY, 2), 0.5),
        archive=np.empty((0, space.encoding.width)),
    )


def _after(history: History, before: _Slots) -> _Slots:
    """Let the trials that finished since compete for the slots."""
    size, first = len(before.members), before.until
    last = first + size
    group = before.members.together(individuals(history, first, last))
    rng = generator(history.seed, "de", before.generation)
    y, fault = group.values(rng), group.fault
    facts = np.hstack([recorded(history, fact, first, last) for fact in ("slot", "F", "CR")])
    kept, lost, gains = _contested(before.names, y, fault, facts)
    archive = np.concatenate([before.archive, group.X[lost]])
    most = int(_ARCHIVE * size)
    if len(archive) > most:
        archive = archive[np.sort(rng.choice(len(archive), most, replace=False))]
    return _Slots(
        until=last,
        generation=before.generation + 1,
        members=group.at(kept),
        names=before.names,
        order=np.lexsort((y[kept], fault[kept])),
        memory=_learnt(before.memory, gains),
        archive=archive,
    )


def _contested(
    names: Places, y: Array, fault: Array, facts: Array
) -> tuple[Places, list[int], Array]:
    """Who holds each slot after a contest, who lost one, and F, CR and gain of improvements.

    A trial of others competes for the slot that the worst holds.
    """
    score = list(zip(fault.tolist(), y.tolist(), strict=True))
    place = {name: k for k, name in enumerate(names.tolist())}
    taken, lost, gains = list(range(len(names))), [], []
    for child, (slot, F, CR) in enumerate(facts.tolist(), start=len(names)):
        mine = place.get(slot)  # NaN is nobody's
        at = max(place.values(), key=lambda k: score[taken[k]]) if mine is None else mine
        there = taken[at]
        if score[child] > score[there]:
            continue
        if score[child] < score[there]:
            lost.append(there)
            if mine is not None:
                gains.append((F, CR, _gain(score[there][1], score[child][1])))
        taken[at] = child
    return np.array(taken, dtype=np.intp), lost, np.array(gains).reshape(-1, 3)


def _gain(before: float, after: float) -> float:
    """By how much a value fell; 0 where that can't be said."""
    gain = before - after
    return gain if 0 < gain < np.inf else 0.0


def _learnt(memory: Array, gains: Array) -> Array:
    """The oldest row gives way to the Lehmer mean of what improved, weighted by how much.

    M = sum_k w_k s_k^2 / sum_k w_k s_k, eq. 7 and 8 of Tanabe and Fukunaga 2014.
    """
    if not len(gains):
        return memory
    rates, weights = gains[:, :2], gains[:, 2]
    weights = np.where(weights > 0, weights, weights.mean() or 1.0)[:, None]
    total = (weights * rates).sum(axis=0)
    mean = (weights * rates**2).sum(axis=0) / np.where(total > 0, total, 1.0)
    return np.concatenate([memory[1:], mean[None]])


def _shrunk(slots: _Slots, size: int) -> _Slots:
    """Give up the worst slots."""
    kept = np.sort(slots.order[:size])
    place = np.full(len(slots.order), -1)
    place[kept] = np.arange(size)
    return _Slots(
        slots.until,
        slots.generation,
        slots.members.at(kept),
        slots.names[kept],
        place[slots.order[:size]],
        slots.memory,
        slots.archive[-int(_ARCHIVE * size) :],
    )


@lru_cache(maxsize=8)
def _brood(sampler: DE, space: Space, slots: _Slots, seed: int, number: int) -> _Steps:
    """A child for every slot."""
    rng = generator(seed, "steps", slots.generation, number)
    return _stepped(space, slots, sampler.best_share, rng)


def _stepped(space: Space, slots: _Slots, best_share: float, rng: np.random.Generator) -> _Steps:
    """Draw a child for every slot: current-to-pbest/1, binomial crossover."""
    genes, X = genes_of(space), filled(space, slots.members.X, rng)
    n = len(X)
    rates = _drawn_rates(slots.memory, n, rng)
    F, CR = rates[:, :1], rates[:, 1:]
    best = slots.order[: max(2, round(best_share * n))]
    pool = np.concatenate([X, filled(space, slots.archive, rng)])
    me = np.arange(n)
    r1 = (me + rng.integers(1, n, size=n)) % n
    r2 = _neither(me, r1, len(pool), rng)
    x_best, x_1, x_2 = X[rng.choice(best, size=n)], X[r1], pool[r2]
    start = X + F * (x_best - X)
    if len(genes.choices):
        c = genes.choices
        start[:, c] = np.where(rng.random((n, len(c))) < F, x_best[:, c], X[:, c])
    children = crossed_with_mutants(genes, X, start, (x_1, x_2), F, CR, rng)
    configs = space.encoding.decode(children)
    return _Steps(configs, slots.names.tolist(), slots.members.numbers.tolist(), rates.tolist())


def _drawn_rates(memory: Array, n: int, rng: np.random.Generator) -> Array:
    """F from a Cauchy, CR from a normal distribution around a row of the memory, shape (n, 2)."""
    rows = memory[rng.integers(len(memory), size=n)]
    F = rows[:, 0] + _SPREAD * rng.standard_cauchy(n)
    while (low := F <= 0).any():
        F[low] = rows[low, 0] + _SPREAD * rng.standard_cauchy(int(low.sum()))
    CR = rows[:, 1] + _SPREAD * rng.standard_normal(n)
    return np.stack([np.minimum(F, 1.0), np.clip(CR, 0.0, 1.0)], axis=1)


def _neither(a: Places, b: Places, n: int, rng: np.random.Generator) -> Places:
    """Draw places below n that are neither a nor b, which differ, shape of a."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    drawn = rng.integers(n - 2, size=len(a))
    drawn += drawn >= low
    drawn += drawn >= high
    return np.asarray(drawn)
