"""CMA-ES over any space: a distribution moves and turns towards better trials, in any order.

Every ``population`` trials that finish, whichever they are, are told as one generation. Those that
weren't drawn from the present distribution count like the others, with steps that are too long
shortened; so no worker waits for another, and nothing is thrown away.

A run ends where nothing is left to gain, and another begins elsewhere: ``bipop.py``.

References:
    Hansen, The CMA evolution strategy: a tutorial, arXiv:1604.00772.
    Hansen, Injecting external solutions into CMA-ES, arXiv:1110.4181.
    Hamano et al., CMA-ES with margin, arXiv:2205.13482; CatCMA, arXiv:2405.09962.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.asking import Turn, drawn_instead, is_new, one_by_one
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.rng import generator
from luthier.core.settings import Choice, Flag, Number, Rule, settle, spec_of
from luthier.numerics import cma
from luthier.numerics.pareto import chebyshev
from luthier.samplers.evolution.bipop import LEAST_POPULATION, Run, usual_population
from luthier.samplers.evolution.brood import chosen
from luthier.samplers.evolution.distribution import Distribution, anywhere, believed
from luthier.samplers.evolution.population import (
    Generations,
    Individuals,
    best_of,
    individuals,
    latest_recorded,
    recorded,
)
from luthier.space import Space

__all__ = ["CMAES"]

Array = NDArray[np.float64]
_PROMISING: Final = 0.1  # share of earlier trials that count as good; gamma of WS-CMA-ES
_ATTEMPTS: Final = 64  # other draws for one that isn't allowed
_SAME: Final = 1e-9  # between a number in the unit interval and the same decoded and encoded
_NO_VALUE: Final = 1e300

_RULES: Final[Mapping[str, Rule]] = {
    "sigma": Number(0, 1, open="low"),
    "restarts": Choice(("bipop", "none")),
    "adapt_rates": Flag(),
    "allow_duplicates": Flag(),
}
_POPULATION: Final = Number(LEAST_POPULATION, whole=True)


@final
@dataclass(frozen=True, slots=True)
class CMAES:
    """Let a normal distribution move and turn towards better configurations.

    For many cheap trials of mostly numeric spaces: from about 50 trials a parameter on, it is
    ahead of models. Parameters that depend on each other are what it is good at.

    Args:
        population: Trials of a generation, at least 4; None: 4 + 3.7 log(number of columns). More
            for noisy or rugged objectives.
        sigma: Standard deviation of the first distribution, in ranges of the parameters, above 0
            and at most 1.
        restarts: "bipop" begins elsewhere when nothing is left to gain, with larger and smaller
            populations by turns; "none" stays.
        adapt_rates: Whether to adapt the learning rates: slower and surer if results are noisy.
        allow_duplicates: Whether a finite space may be given the same configuration twice.

    Raises:
        ArgumentError: A setting is out of its range.

    Example:
        >>> CMAES(population=20).spec["population"]
        20

    References:
        Hansen, The CMA evolution strategy: a tutorial, arXiv:1604.00772.
        Hamano et al., CMA-ES with margin, arXiv:2205.13482; CatCMA, arXiv:2405.09962.
    """

    population: int | None = None
    sigma: float = 0.2
    restarts: str = "bipop"
    adapt_rates: bool = False
    allow_duplicates: bool = False

    def __post_init__(self) -> None:
        settle(self, _RULES if self.population is None else {"population": _POPULATION, **_RULES})

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("cmaes", self)

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return n proposals; fewer where a finite space ends."""
        search = self._search(space, history) if space.encoding.width else None

        def propose(turn: Turn) -> Proposal | None:
            default = space.default() if turn.number == 0 else None
            if default is not None and is_new(space, default, turn.tried):
                return Proposal(default, "the user's defaults")
            if search is None:
                return drawn_instead(space, rng, turn.tried, "there is nothing to choose")
            return _proposed(space, history.seed, search, turn, rng)

        return one_by_one(space, history, n, propose, allow_duplicates=self.allow_duplicates)

    def _search(self, space: Space, history: History) -> _Search:
        """The search as it stands after all generations that have finished."""
        began = _began(history)

        def advance(before: _Search | None) -> _Search | None:
            if before is None:
                return _first(self, space, history, began)
            if before.until + before.run.population > history.n_finished:
                return None
            return _after(self, space, history, before)

        search = _GENERATIONS.latest(history, (self, space, history.seed, began), advance)
        assert search is not None  # the first needs nothing
        return search


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """A search as it stands.

    Attributes:
        began: How many trials had finished before it.
        until: How many trials had finished by then.
        generation: Counted over all runs.
        run: The present run.
        distribution: What is drawn from.
        bests: The best value of each of the latest generations of this run.
        over: Why the run is over, if nothing follows it.
    """

    began: int
    until: int
    generation: int
    run: Run
    distribution: Distribution
    bests: tuple[float, ...] = ()
    over: str = ""


_GENERATIONS: Final[Generations[_Search]] = Generations()


def _proposed(
    space: Space, seed: int, search: _Search, turn: Turn, rng: np.random.Generator
) -> Proposal | None:
    """A draw, or another one; None at a space's end."""
    block, place = divmod(turn.number - search.until, search.run.population)
    brood = _brood(space, search, seed, block)
    found = chosen(space, turn, brood, place, lambda: _drawn(space, search, _ATTEMPTS, rng))
    data = {"began": search.began, "generation": search.generation}
    if found is None:
        reason = "drawn at random: all that CMA-ES drew was tried or not allowed"
        drawn = drawn_instead(space, rng, turn.tried, reason)
        return drawn and replace(drawn, data=data)
    brood, place = found
    row = brood.rows[place]
    told = data if row is None else {**data, "drawn": row}
    return Proposal(brood.configs[place], brood.reason, data=told)


def _began(history: History) -> int:
    """How many trials had finished when CMA-ES was first asked, as all its trials say; or now."""
    live = (trial.origin.data.get("began") for trial in history.live)
    told = next((began for began in live if began is not None), None)
    if told is None:
        told = latest_recorded(history, "began")
    return history.n_finished if told is None else int(told)


def _first(sampler: CMAES, space: Space, history: History, began: int) -> _Search:
    good = best_of(history, ceil(_PROMISING * began), began)
    good = good.at(good.fault == 0)
    start = believed(space, good.X, began, sampler.sigma, sampler.adapt_rates)
    usual = sampler.population or usual_population(space.encoding.width)
    return _Search(began, began, 0, Run(usual, usual), start)


def _after(sampler: CMAES, space: Space, history: History, before: _Search) -> _Search:
    """The search after another generation."""
    last = before.until + before.run.population
    run = before.run.counting(before.run.population)
    after = replace(before, until=last, generation=before.generation + 1, run=run)
    if before.over:
        return after
    members = individuals(history, before.until, last)
    y = _values(members, history.seed, run)
    X = _rows_of(space, history, before, members, last)
    active = ~np.isnan(members.X)
    told = before.distribution.told(X, active, _ranks(members, y))
    window = cma.flat_window(len(told.numbers.mean), run.population)
    best = float(y[members.fault == 0].min(initial=_NO_VALUE))
    bests = (*before.bests, best)[-window:]
    comparable = bests if members.Y.shape[1] == 1 else ()
    over = cma.stopped(told.numbers, comparable, run.population)
    if not over or sampler.restarts == "none":
        return replace(after, distribution=told, bests=bests, over=over)
    rng = generator(history.seed, "cmaes", run.index + 1, "start")
    run, width = run.next(rng)
    start = anywhere(space, sampler.sigma * width, sampler.adapt_rates, rng)
    return replace(after, run=run, distribution=start, bests=())


def _values(members: Individuals, seed: int, run: Run) -> Array:
    """What a run minimises: the objective, or a weighting of several that it draws."""
    if members.Y.shape[1] == 1:
        return members.Y[:, 0]
    return chebyshev(members.Y, generator(seed, "cmaes", run.index, "weights"))


def _ranks(members: Individuals, y: Array) -> Array:
    """How good each is, 0 the best; equally good ones get the same number."""
    faults = np.stack([members.fault, y], axis=1)
    return np.unique(faults, axis=0, return_inverse=True)[1].astype(np.float64)


def _rows_of(
    space: Space, history: History, search: _Search, members: Individuals, last: int
) -> Array:
    """The rows that members were drawn as; those from elsewhere not too far away.

    What isn't what was drawn, because the user changed it or the space did, counts as it is.
    """
    width, first = space.encoding.width, search.until
    drawn = recorded(history, "drawn", first, last, width)
    known = np.asarray(~np.isnan(drawn).any(axis=1))
    decoded = space.encoding.encode(space.encoding.decode(drawn[known]))
    X = members.X[known]
    known[known] = ((np.abs(decoded - X) <= _SAME) | np.isnan(X)).all(axis=1)
    rows = search.distribution.centred(np.where(known[:, None], drawn, members.X))
    facts = ("began", "generation")  # other strategies count generations, too
    told = np.hstack([recorded(history, fact, first, last) for fact in facts])
    strange = (told != (search.began, search.generation)).any(axis=1)
    rows[strange] = search.distribution.shortened(rows[strange])
    return rows


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Brood:
    """Draws: configurations, and the rows that they came from where those can't be told from it."""

    configs: list[dict[str, Any]]
    rows: list[list[float] | None]
    reason: str


@lru_cache(maxsize=8)
def _brood(space: Space, search: _Search, seed: int, block: int) -> _Brood:
    """The draws of a generation; further blocks are for those who ask for more."""
    rng = generator(seed, "cmaes", search.generation, block)
    return _drawn(space, search, search.run.population, rng)


def _drawn(space: Space, search: _Search, k: int, rng: np.random.Generator) -> _Brood:
    X = search.distribution.draw(k, rng)
    configs = space.encoding.decode(X)
    same = np.asarray((np.abs(space.encoding.encode(configs) - X) <= _SAME).all(axis=1))
    rows = [None if plain else row for plain, row in zip(same, X.tolist(), strict=True)]
    run, std = search.run, search.distribution.numbers.std
    reason = f"CMA-ES: generation {search.generation} of {run.population} trials"
    reason += f" in run {run.index + 1}" if run.index else ""
    reason += f", width {float(np.exp(np.log(std).mean())):.2g}" if len(std) else ""
    return _Brood(configs, rows, reason)
