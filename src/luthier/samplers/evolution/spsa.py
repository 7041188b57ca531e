"""Stochastic gradient descent on the settings themselves: SPSA and evolution strategies.

                  SPSA                                   ES
    directions    signs                                  Gaussian
    a pair says   by how much one half is better         the difference of their ranks
    a step        after one pair                         after some pairs

Both perturb all parameters at once, so that the price of a gradient doesn't depend on how many
there are, and average noise away over steps. ``descent`` tells how.

References:
    Spall, Multivariate stochastic approximation using a simultaneous perturbation gradient
    approximation, IEEE Transactions on Automatic Control 37 (1992).
    Salimans et al., Evolution strategies as a scalable alternative to reinforcement learning,
    arXiv:1703.03864: mirrored directions, ranks, Adam.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.asking import Turn, drawn_instead, is_new, one_by_one
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.rng import generator
from luthier.core.settings import Flag, Number, Rule, settle, spec_of
from luthier.samplers.evolution.descent import (
    Descent,
    Method,
    coordinates_of,
    descended,
    distances,
)
from luthier.samplers.evolution.population import numbered
from luthier.space import Space

__all__ = ["ES", "SPSA"]

Array = NDArray[np.float64]
_TRIES: Final = 24
_SHRINK: Final = 4  # tries, after which directions become half as long

_RULES: Final[Mapping[str, Rule]] = {
    "pairs": Number(1, whole=True),
    "step": Number(0, open="both"),
    "spread": Number(0, 0.5, open="low"),
    "allow_duplicates": Flag(),
}


@dataclass(frozen=True, slots=True)
class _Descending(ABC):
    """What both share: their settings, and all but how they descend."""

    pairs: int
    step: float
    spread: float
    allow_duplicates: bool

    def __post_init__(self) -> None:
        settle(self, _RULES)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of(self._method.name.lower(), self)

    @property
    @abstractmethod
    def _method(self) -> Method:
        """How a point descends."""

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return n proposals; fewer where a finite space ends."""
        method = self._method
        state = descended(space, history, method) if space.encoding.width else None
        trial = numbered(history, history.next_number - 1)
        before = None if trial is None else _Half(trial.number, trial.params, trial.origin.data)

        def propose(turn: Turn) -> Proposal | None:
            nonlocal before
            if state is None:
                return drawn_instead(space, rng, turn.tried, "there is nothing to choose")
            candidates = _candidates(space, history, method, state, turn.number, before)
            new = (found for found in candidates if is_new(space, found.params, turn.tried))
            proposal = next(new, None) or _drawn(space, method, turn, rng)
            before = proposal and _Half(turn.number, proposal.params, proposal.data)
            return proposal

        found = one_by_one(space, history, n, propose, allow_duplicates=self.allow_duplicates)
        return found if space else [replace(proposal, data={method.fact: -1}) for proposal in found]

    def recommend(self, space: Space, history: History) -> dict[str, Any]:
        """Return the configuration that the search has come to, the mean of its last points.

        Args:
            space: The space.
            history: What has happened.
        """
        if not space.encoding.width:
            return space.encoding.decode(np.empty((1, 0)))[0]
        return _mean(space, descended(space, history, self._method))


@final
@dataclass(frozen=True, slots=True)
class SPSA(_Descending):
    """Descend by simultaneous perturbation: one pair of trials a step.

    For noisy objectives of tens to hundreds of numbers, with hundreds of trials and more. Steps
    have no unit of the objective, so that nothing needs to be known of its scale. What was found
    is the mean point, ``recommend``, the last trial of those that ``optimize`` plans; the best
    value of all trials is mostly luck where there is noise.

    Args:
        pairs: How many pairs of trials make a step, at least 1.
        step: The length of the first step in the unit cube, above 0. Later ones fall as
            (k + k_0)^-0.602, with a tenth of all steps as k_0.
        spread: How far the first trials lie from the point in every parameter, above 0 and at most
            0.5 of its range; more where there is more noise. It falls as k^-0.101.
        allow_duplicates: Whether a finite space may be given the same configuration twice.

    Raises:
        ArgumentError: A setting is out of its range.

    Example:
        >>> SPSA(spread=0.1).spec["name"]
        'spsa'

    References:
        Spall 1992; Spall, Implementation of the simultaneous perturbation algorithm for stochastic
        optimization, IEEE Transactions on Aerospace and Electronic Systems 34 (1998); Kingma and
        Ba, Adam, arXiv:1412.6980.
    """

    pairs: int = 1
    step: float = 0.15
    spread: float = 0.2
    allow_duplicates: bool = False

    @property
    def _method(self) -> Method:
        return Method("SPSA", False, self.pairs, self.step, self.spread)


@final
@dataclass(frozen=True, slots=True)
class ES(_Descending):
    """Descend by evolution strategies: some mirrored pairs a step, of which only ranks count.

    Like SPSA, for outliers and scales that change by orders of magnitude, and for many workers: the
    pairs of a step may run at once. Its steps are fewer and surer.

    Args:
        pairs: How many mirrored pairs of trials make a step, at least 1.
        step: As in SPSA, times the root of ``pairs``.
        spread: The standard deviation of the first trials around the point in every parameter,
            above 0 and at most 0.5 of its range. It falls as k^-0.101.
        allow_duplicates: Whether a finite space may be given the same configuration twice.

    Raises:
        ArgumentError: A setting is out of its range.

    Example:
        >>> ES(pairs=8).spec["pairs"]
        8

    References:
        Salimans et al., arXiv:1703.03864; Kingma and Ba, Adam, arXiv:1412.6980.
    """

    pairs: int = 4
    step: float = 0.1
    spread: float = 0.15
    allow_duplicates: bool = False

    @property
    def _method(self) -> Method:
        return Method("ES", True, self.pairs, self.step, self.spread)


def _mean(space: Space, state: Descent) -> dict[str, Any]:
    known = coordinates_of(space)
    return _config(space, known.split(state.mean)[0], known.likeliest(state.mean))


def _config(space: Space, numbers: Array, codes: Array) -> dict[str, Any]:
    return space.encoding.decode(coordinates_of(space).row(numbers, codes))[0]


@final
@dataclass(frozen=True, slots=True)
class _Half:
    """The trial before the one that is to be proposed."""

    number: int
    params: Mapping[str, Any]
    data: Mapping[str, Any]

    def awaits(self, method: Method) -> bool:
        """Whether it is the first half of a pair of a method's."""
        return self.data.get(method.fact) == self.number


def _drawn(space: Space, method: Method, turn: Turn, rng: np.random.Generator) -> Proposal | None:
    reason = "drawn at random: what lies around had been tried before or isn't allowed"
    drawn = drawn_instead(space, rng, turn.tried, reason)
    return drawn and replace(drawn, data={method.fact: -1})


def _candidates(
    space: Space,
    history: History,
    method: Method,
    state: Descent,
    number: int,
    before: _Half | None,
) -> Iterator[Proposal]:
    """What a trial may be, the best choice first."""
    default = space.default() if number == 0 else None
    if default is not None:
        yield Proposal(default, "the user's defaults")
    if number + 1 == history.planned:
        reason = f"{method.name}: the mean of the last points"
        yield Proposal(_mean(space, state), reason, data={method.fact: -1})
    if before is not None and before.awaits(method):
        yield _second(space, history.seed, method, state, before)
    for draw in range(_TRIES):
        yield _first(space, history.seed, method, state, number, draw)


def _first(
    space: Space, seed: int, method: Method, state: Descent, number: int, draw: int
) -> Proposal:
    """Perturb the point, moved inwards where one of the halves would leave the cube."""
    E, u = _direction(space, seed, method, state.step, number, draw)
    known = coordinates_of(space)
    centre = np.clip(known.split(state.point)[0], np.abs(E), 1 - np.abs(E))
    return Proposal(
        _config(space, centre + E, known.drawn(state.point, u)),
        f"{method.name} step {state.step}: one way from the point",
        data={method.fact: number, "step": state.step, "draw": draw},
    )


def _second(space: Space, seed: int, method: Method, state: Descent, first: _Half) -> Proposal:
    """Go as far from the centre as the first half, the opposite way."""
    step, draw = first.data["step"], first.data["draw"]
    E, u = _direction(space, seed, method, step, first.number, draw)
    known = coordinates_of(space)
    there = space.encoding.encode([first.params])[0, known.numbers]
    there = np.where(np.isnan(there), known.split(state.point)[0] + E, there)
    return Proposal(
        _config(space, there - 2 * E, known.drawn(state.point, 1 - u)),
        f"{method.name} step {step}: opposite to trial {first.number}",
        data={method.fact: first.number, "step": step, "draw": draw},
    )


def _direction(
    space: Space, seed: int, method: Method, step: int, number: int, draw: int
) -> tuple[Array, Array]:
    """How a pair's first half differs from the point, and what its choices are drawn with."""
    known, rng = coordinates_of(space), generator(seed, method.name, number, draw)
    k = len(known.numbers)
    signs = rng.standard_normal(k) if method.ranked else 2.0 * rng.integers(2, size=k) - 1.0
    E = distances(known, method, step) * signs / 2 ** (draw // _SHRINK)
    return np.clip(E, -0.5, 0.5), rng.random(len(known.genes.choices))
