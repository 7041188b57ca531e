"""Descent: a point that goes downhill by pairs of trials on both sides of it.

    name     meaning                                                       shape
    z        a point: numbers in [0, 1], then a probability per choice     (w,)
    h        how far a trial lies from z in each number                    (w,)
    Z        trials as points: 0 and 1 are the probabilities               (n, w)

A pair of trials shares a random direction: one lies along it, the other the opposite way. From the
values of pairs follows a gradient, from gradients, by Adam, a step. A step is taken whenever as
many trials have finished as make a step's pairs, by the pairs that are whole by then. The other
halves wait for their partners; so a slow trial blocks nobody.

Choices can't be perturbed: each pair draws them from the probabilities with u and 1 - u. If the two
differ, the better one's becomes more probable.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.axes import axes_of
from luthier.core.history import History
from luthier.core.rng import generator
from luthier.numerics.adam import Adam, centred_ranks, gain, robust
from luthier.samplers.evolution.population import (
    Generations,
    Individuals,
    individuals,
    n_before,
    recorded,
)
from luthier.samplers.evolution.variation import Genes, genes_of
from luthier.space import Space

__all__ = ["Coordinates", "Descent", "Method", "coordinates_of", "descended", "distances"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]
_STEP_DECAY: Final = 0.602  # alpha and gamma of Spall 1998, section III
_SPREAD_DECAY: Final = 0.101
_DELAY: Final = 0.1  # of all steps, ibid.
_PLANNED: Final = 1000  # trials, where nobody says how many there will be
_WINDOW: Final = 64  # pairs that say what difference is usual
_MOST_WAITING: Final = 256
_TAIL: Final = 6.0  # the mean point is about that of the last sixth of the way
_LEAST_SHARE: Final = 0.1  # of the probability of a choice, spread evenly
_SURE: Final = 0.5  # the probability of a choice that the search begins with
_ACROSS: Final = 0.51  # of a bin's width, on both sides of z, makes sure to leave the bin


@final
@dataclass(frozen=True, slots=True)
class Method:
    """How a point descends.

    Attributes:
        name: What it is called in random streams.
        ranked: Whether ranks count instead of values, and directions are Gaussian instead of signs.
        pairs: How many pairs make a step.
        step: The length of the first step.
        spread: How far the first trials lie from the point in every number.
    """

    name: str
    ranked: bool
    pairs: int
    step: float
    spread: float

    @property
    def fact(self) -> str:
        """Under which key trials record their pair, so that no method takes another's for its."""
        return "mirrored" if self.ranked else "pair"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """What the coordinates of a point mean.

    Attributes:
        genes: The columns of the encoding.
        numbers: Columns with numbers, those of orders among them, shape (k,).
        least: By how much each must be moved to become another value, shape (k,).
        choice: Which choice each probability belongs to, shape (w - k,).
        code: Which of its categories, shape (w - k,).
        prior: The user's probabilities, shape (w - k,).
        start: The medians of the user's priors, shape (k,).
    """

    genes: Genes
    numbers: Places
    least: Array
    choice: Places
    code: Array
    prior: Array
    start: Array

    @property
    def width(self) -> int:
        """How many coordinates there are."""
        return len(self.numbers) + len(self.choice)

    def points(self, X: Array) -> Array:
        """Return encoded trials, shape (n, d), as points; NaN stays, shape (n, w)."""
        codes = X[:, self.genes.choices][:, self.choice]
        ones = np.where(np.isnan(codes), np.nan, codes == self.code)
        return np.concatenate([X[:, self.numbers], ones], axis=1)

    def row(self, numbers: Array, codes: Array) -> Array:
        """Return an encoded trial from its numbers, shape (k,), and codes: shape (1, d)."""
        row = np.empty((1, len(numbers) + len(codes)))
        row[0, self.numbers], row[0, self.genes.choices] = numbers, codes
        return row

    def drawn(self, z: Array, u: Array) -> Array:
        """Return codes of choices drawn from a point's probabilities by uniform numbers u."""
        shares = self.split(z)[1]
        starts = np.searchsorted(self.choice, np.arange(len(u)))
        codes = np.searchsorted(np.cumsum(shares), np.arange(len(u)) + u) - starts
        return np.asarray(np.clip(codes, 0, self.genes.sizes - 1), dtype=np.float64)

    def likeliest(self, z: Array) -> Array:
        """Return the code of the most probable category of each choice."""
        shares = self.split(z)[1]
        order = np.lexsort((-shares, self.choice))
        return self.code[order[np.searchsorted(self.choice, np.arange(len(self.genes.choices)))]]

    def split(self, z: Array) -> tuple[Array, Array]:
        """Return a point's numbers and its probabilities."""
        return z[: len(self.numbers)], z[len(self.numbers) :]

    def inside(self, z: Array) -> Array:
        """Return a point with its numbers moved into [0, 1], its probabilities to a sum of 1."""
        numbers, shares = self.split(z)
        if not len(shares):
            return np.clip(numbers, 0, 1)
        floor = _LEAST_SHARE / self.genes.sizes[self.choice]
        room = np.maximum(shares - floor, 0.0)
        total = np.bincount(self.choice, room)[self.choice]
        even = 1 / self.genes.sizes[self.choice]
        room = np.where(total > 0, room / np.where(total > 0, total, 1.0), even)
        return np.concatenate([np.clip(numbers, 0, 1), floor + (1 - _LEAST_SHARE) * room])


@lru_cache(maxsize=16)
def coordinates_of(space: Space) -> Coordinates:
    """Return the coordinates of a space's points."""
    genes, columns = genes_of(space), space.encoding.columns
    numbers = np.setdiff1d(np.arange(len(columns)), genes.choices)
    widest = [
        np.diff(genes.edges[c]).max() if c in genes.edges else 1 / columns[c].size
        for c in numbers.tolist()
    ]
    sizes = genes.sizes.astype(np.intp)
    priors = [axis.shares for axis in axes_of(space) if axis.kind == "choice"]
    medians = space.encoding.from_unit(np.full((1, len(columns)), 0.5))
    start = space.encoding.encode(medians)[0, numbers]
    return Coordinates(
        genes=genes,
        numbers=numbers,
        least=np.minimum(_ACROSS * np.array(widest), 0.5),
        choice=np.repeat(np.arange(len(sizes)), sizes),
        code=np.concatenate([np.empty(0), *map(np.arange, sizes)]),
        prior=np.concatenate([np.empty(0), *priors]),
        start=np.where(np.isnan(start), 0.5, start),
    )


@final
@dataclass(frozen=True, slots=True, eq=False)
class Descent:
    """Where a descent has got to.

    Attributes:
        until: How many trials had finished by then.
        step: How many steps have been taken.
        point: z, shape (w,).
        mean: The mean of the last points, shape (w,).
        adam: What is known of the gradient.
        usual: The latest differences of values, at most 64.
        waiting: Halves of pairs, whose partners haven't finished.
        pairs: The pair of each of these, shape (n,).
    """

    until: int
    step: int
    point: Array
    mean: Array
    adam: Adam
    usual: Array
    waiting: Individuals
    pairs: Array


_GENERATIONS: Final[Generations[Descent]] = Generations()


def descended(space: Space, history: History, method: Method) -> Descent:
    """Return the state of a descent, as far as trials have finished.

    The search begins at the best of the trials that finished before any of its own, else at the
    user's default, else at the median of the prior. Later trials of others don't count.

    Args:
        space: A space with columns.
        history: What has happened.
        method: How it descends.
    """
    first, planned = n_before(history, method.fact), history.planned

    def advance(before: Descent | None) -> Descent | None:
        if before is None:
            return _begun(space, history, first)
        if before.until + 2 * method.pairs > history.n_finished:
            return None
        return _after(space, history, before, method)

    state = _GENERATIONS.latest(history, (space, method, planned, first), advance)
    assert state is not None
    return state


def _begun(space: Space, history: History, until: int) -> Descent:
    known = coordinates_of(space)
    z = known.inside(np.concatenate([known.start, known.prior]))
    earlier = individuals(history, 0, until)
    config = space.default()
    begin = None if config is None else space.encoding.encode([config])
    if until and earlier.fault.min() == 0:
        begin = earlier.X[earlier.order[:1]]
    if begin is not None:
        given = known.points(begin)[0]
        k = len(known.numbers)
        given[k:] = _SURE * given[k:] + (1 - _SURE) * known.prior
        z = known.inside(np.where(np.isnan(given), z, given))
    return Descent(
        until, 0, z, z, Adam.of(len(z)), np.empty(0), earlier.at(slice(0, 0)), np.empty(0)
    )


def _after(space: Space, history: History, before: Descent, method: Method) -> Descent:
    """Take a step, if the trials that finished since complete a pair."""
    last = before.until + 2 * method.pairs
    group = before.waiting.together(individuals(history, before.until, last))
    told = recorded(history, method.fact, before.until, last)[:, 0]
    pairs = np.concatenate([before.pairs, told])
    a, b, alone = _matched(pairs, group.numbers)
    alone = alone[-_MOST_WAITING:]
    waited = replace(before, until=last, waiting=group.at(alone), pairs=pairs[alone])
    if not len(a):
        return waited
    y = group.values(generator(history.seed, method.name, "weights", before.step))
    f, usual = _differences(y, group.fault, a, b, method, before.usual)
    known = coordinates_of(space)
    Z = known.points(group.X)
    E = np.nan_to_num((Z[a] - Z[b]) / 2)
    E[:, : len(known.numbers)] /= distances(known, method, before.step) ** 2
    adam = before.adam.after((f[:, None] * E).mean(axis=0), pairs=len(a))
    size = _step_size(method, before.step, history.planned) / np.sqrt(known.width)
    z = known.inside(before.point - size * adam.direction)
    mean = before.mean + min(1.0, _TAIL / (before.step + _TAIL)) * (z - before.mean)
    return replace(
        waited, step=before.step + 1, point=z, mean=mean, adam=adam, usual=usual[-_WINDOW:]
    )


def distances(known: Coordinates, method: Method, step: int) -> Array:
    """Return how far trials lie from the point in each number, shape (k,)."""
    return np.maximum(gain(step, method.spread, _SPREAD_DECAY), known.least)


def _step_size(method: Method, step: int, planned: int | None) -> float:
    """The length of a step of which every coordinate is certain."""
    steps = (_PLANNED if planned is None else planned) / (2 * method.pairs)
    return gain(step, method.step * np.sqrt(method.pairs), _STEP_DECAY, _DELAY * steps)


def _matched(pairs: Array, numbers: Places) -> tuple[Places, Places, Places]:
    """Where the first and second halves of whole pairs stand, and where those alone do."""
    order = np.lexsort((numbers, pairs))
    order = order[pairs[order] >= 0]  # without trials of others, and those drawn at random
    whole = np.flatnonzero(pairs[order][1:] == pairs[order][:-1])
    alone = np.setdiff1d(order, order[np.concatenate([whole, whole + 1])])
    return order[whole], order[whole + 1], alone


def _differences(
    y: Array, fault: Array, a: Places, b: Places, method: Method, usual: Array
) -> tuple[Array, Array]:
    """By how much the first halves are worse, and the latest differences of values.

    Where something is wrong with one half alone, or more than with the other, it is worse by the
    usual difference; where the same is wrong with both, the pair says nothing.
    """
    if method.ranked:
        both = np.concatenate([a, b])
        ranks = centred_ranks(y[both], fault[both])
        return ranks[: len(a)] - ranks[len(a) :], usual
    with np.errstate(invalid="ignore"):
        f = y[a] - y[b]
    sound = (fault[a] == 0) & (fault[b] == 0)
    usual = np.concatenate([usual, f[sound & np.isfinite(f)]])
    return np.where(sound, robust(f, usual), np.sign(fault[a] - fault[b])), usual
