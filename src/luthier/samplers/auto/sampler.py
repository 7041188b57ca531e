"""The sampler: asks one of the others, the one that suits best, and says which and why.

A Gaussian process proposes unless that would cost more than a proposal may; TPE then fills the
gaps, and later, where there are many numbers and nothing else, CMA-ES. After 40 trials of a single
objective a bandit gives some trials to TPE and to forests, and more of them where they do better,
as on rugged objectives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, final

import numpy as np

from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.protocols import Sampler
from luthier.core.settings import Flag, settle, spec_of
from luthier.samplers.auto.bandit import METHOD, Record, drawn, records
from luthier.samplers.auto.price import allowance, prices, share
from luthier.samplers.auto.situation import Situation, situation_of
from luthier.samplers.evolution import CMAES
from luthier.samplers.forest import Forest
from luthier.samplers.gp import GP
from luthier.samplers.grid import Grid
from luthier.samplers.random import Random
from luthier.samplers.tpe import TPE
from luthier.space import Space

__all__ = ["Auto"]

_TINY: Final = 12
_ONE_METHOD: Final = 40
_LATE: Final = 300
_WIDE: Final = 10
_START: Final = 4  # the defaults and a few even points: they cost nothing
_METHODS: Final[Mapping[str, Sampler]] = {
    "gp": GP(),
    "tpe": TPE(n_startup=0),
    "forest": Forest(n_startup=1, explore=0.0),
    "cmaes": CMAES(),
}
_PRIORS: Final[Mapping[str, Record]] = {"gp": (3, 6), "tpe": (1, 8), "forest": (1, 12)}
_NAMES: Final = {
    "gp": "Gaussian process",
    "tpe": "TPE",
    "forest": "Random forest",
    "cmaes": "CMA-ES",
}


@final
@dataclass(frozen=True, slots=True)
class Auto:
    """The default. Needs no settings.

    Whatever the space, the objective and the number of workers: it chooses the method for each
    trial by what has worked so far and by what a proposal may cost, which is 5 ms or a fiftieth of
    a trial, whichever is more. ``study.explain_strategy()`` tells what it does and why.

    Args:
        allow_duplicates: Whether to go on at random where all configurations of a finite space
            have been tried.

    Raises:
        ArgumentError: ``allow_duplicates`` isn't True or False.

    Example:
        >>> Auto().spec
        {'name': 'auto', 'allow_duplicates': False}
    """

    allow_duplicates: bool = False

    def __post_init__(self) -> None:
        settle(self, {"allow_duplicates": Flag()})

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("auto", self)

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return n proposals of the method that suits; fewer where a finite space has no more."""
        proposals: list[Proposal] = []
        while len(proposals) < n:
            proposal = self._next(space, history, rng)
            if proposal is None:
                break
            proposals.append(proposal)
            history = history.with_pending(proposal.params)
        return proposals

    def explain(self, space: Space, history: History) -> str:
        """Say what it does now, and why.

        Args:
            space: What is known of the space.
            history: What has happened.
        """
        if not space:
            return "The space isn't known yet: trials are drawn at random until one has ended."
        situation = situation_of(space, history)
        lines = [f"There are {situation.words}.", *_plan(situation)]
        if _is_contested(situation) and not _is_tiny(situation):
            record = records(history, _METHODS)
            shown = dict.fromkeys([*_PRIORS, _cheap(situation)])
            lines += [_verdict(name, record[name]) for name in shown]
        return "\n".join(lines)

    def _next(self, space: Space, history: History, rng: np.random.Generator) -> Proposal | None:
        if not space:
            return _of(Random(), space, history, rng)
        situation = situation_of(space, history)
        if _is_tiny(situation):
            return _of(
                Grid(shuffle=True, allow_duplicates=self.allow_duplicates), space, history, rng
            )
        method = _chosen(situation, history, rng)
        proposal = _of(_METHODS[method], space, history, rng)
        if proposal is not None:
            return replace(proposal, data={**proposal.data, METHOD: method})
        again = Random(allow_duplicates=True)
        return _of(again, space, history, rng) if self.allow_duplicates else None


def _of(
    sampler: Sampler, space: Space, history: History, rng: np.random.Generator
) -> Proposal | None:
    """Ask a sampler for one proposal."""
    proposals = sampler.suggest(space, history, 1, rng)
    return replace(proposals[0], reason=f"auto: {proposals[0].reason}") if proposals else None


def _is_tiny(situation: Situation) -> bool:
    return situation.size is not None and situation.size <= _TINY


def _is_contested(situation: Situation) -> bool:
    """Whether a bandit chooses the method."""
    return situation.n_completed >= _ONE_METHOD and situation.n_objectives == 1


def _chosen(situation: Situation, history: History, rng: np.random.Generator) -> str:
    method = "gp"
    if situation.n_points < _START:
        return method
    if _is_contested(situation):
        method = drawn(records(history, _METHODS), _PRIORS, rng)
    affordable = share(situation, method)
    return method if affordable >= 1 or rng.random() < affordable else _cheap(situation)


def _cheap(situation: Situation) -> str:
    """The method that makes proposals for which none that costs more can be afforded.

    CMA-ES begins from the best tenth of what the others have found: before, TPE is ahead of it.
    """
    many = situation.continuous and situation.width >= _WIDE and situation.n_points >= _LATE
    plain = not situation.conditional and not situation.n_hurdles and situation.n_objectives == 1
    return "cmaes" if many and plain else "tpe"


def _plan(situation: Situation) -> Iterator[str]:
    """What is done in a situation, in sentences."""
    if _is_tiny(situation):
        yield f"All {situation.size} configurations are tried, in random order."
        return
    size, budget = situation.size, situation.budget
    if size is not None and budget is not None and size <= budget:
        yield f"All {size} configurations will be tried, the most promising ones first."
    limit, price = allowance(situation), prices(situation)["gp"]
    yield (
        f"A proposal may cost {limit:.3g} ms: 5 ms, or 2% of a trial if that is more. One of a "
        f"Gaussian process costs about {price:.2g} ms, so it makes "
        f"{share(situation, 'gp'):.0%} of those it is chosen for, and "
        f"{_NAMES[_cheap(situation)]} the others."
    )
    if _cheap(situation) == "cmaes":
        yield (
            f"After {_LATE} trials of at least {_WIDE} continuous numbers CMA-ES, which learns how "
            "they depend on each other, gets further than TPE at the same price."
        )
    if situation.n_objectives > 1:
        yield "With several objectives the Gaussian process is chosen for all trials."
    elif situation.n_completed < _ONE_METHOD:
        yield (
            f"The Gaussian process is chosen for all of the first {_ONE_METHOD} trials; then "
            "a bandit gives some to TPE and to random forests, by what each of them improves."
        )


def _verdict(method: str, record: Record) -> str:
    hits, n = record
    return f"{_NAMES[method]}: {n} of the latest trials, worth {hits:.1f} good improvements."
