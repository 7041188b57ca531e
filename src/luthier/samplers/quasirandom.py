"""Quasi-random search: points that fill the space more evenly than random ones.

Trial n gets the n-th point of one sequence, which the study's seed scrambles. Nothing is
remembered: the number of the trial is the place in the sequence. Where relations rule points
out, trial n gets the n-th point that is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, Final, Literal, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.rng import generator
from luthier.core.settings import Choice, Flag, Number, Rule, settle, spec_of
from luthier.core.tried import Tried
from luthier.numerics.qmc import Halton, Sequence, Sobol, latin_hypercube
from luthier.space import Space, sample
from luthier.space.relations import Check

__all__ = ["QuasiRandom"]

Kind = Literal["sobol", "halton", "lhs"]
_MAX_MISSES = 10_000
_RULES: Final[Mapping[str, Rule]] = {
    "kind": Choice(("sobol", "halton", "lhs")),
    "scramble": Flag(),
    "n": Number(1, whole=True),
    "allow_duplicates": Flag(),
}


@final
@dataclass(frozen=True, slots=True)
class QuasiRandom:
    """Spread trials evenly: over every parameter, and over pairs of them.

    Better than random search at the same cost, above all in the first hundred trials, and the
    usual start of model-based search. Every kind of parameter is covered, through its prior.

    Args:
        kind: "sobol"; "halton", whose evenness doesn't depend on powers of two; or "lhs", Latin
            hypercubes of ``n`` trials each.
        scramble: Whether the study's seed moves the points. Without it all studies get the
            same points, and the first lies in a corner; a Latin hypercube is always random.
        n: How many trials make a Latin hypercube: the number of trials planned.
        allow_duplicates: Whether a finite space may be given the same configuration twice. If
            not, a point that was tried before is replaced by a random one.

    Raises:
        ArgumentError: A setting is out of its range.

    Example:
        >>> QuasiRandom("halton").spec["kind"]
        'halton'

    References:
        Bousquet et al., Critical hyper-parameters: no random, no cry, arXiv:1706.03200.
    """

    kind: Kind = "sobol"
    scramble: bool = True
    n: int = 64
    allow_duplicates: bool = False

    def __post_init__(self) -> None:
        settle(self, _RULES)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("quasirandom", self)

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return the points of the next n trials; fewer where a finite space has no more."""
        if not space:
            return [Proposal({}, "the space isn't known yet: drawn from the prior")] * n
        sequence = _sequence(self, history.seed, space.encoding.width)
        first = history.next_number
        if space.checks:
            allowed = _allowed(space, space.checks, sequence)
            indices = [allowed.index(number) for number in range(first, first + n)]
        else:
            indices = list(range(first, first + n))
        tried = None if self.allow_duplicates or not space.is_finite else Tried(space, history)
        proposals: list[Proposal] = []
        for index in indices:
            proposal = None if index is None else self._point(space, sequence, index, tried)
            proposal = proposal or _instead(space, rng, tried)
            if proposal is None:
                break
            proposals.append(proposal)
            if tried is not None:
                tried.add(space.key(proposal.params))
        return proposals

    def _point(
        self, space: Space, sequence: Sequence, index: int, tried: Tried | None
    ) -> Proposal | None:
        """Propose a point of the sequence, unless it was tried before."""
        config = space.encoding.from_unit(sequence.points(index))[0]
        if tried is not None and space.key(config) in tried:
            return None
        return Proposal(config, self._reason(index))

    def _reason(self, index: int) -> str:
        if self.kind == "lhs":
            block, row = divmod(index, self.n)
            return f"row {row + 1} of {self.n} of Latin hypercube {block + 1}"
        return f"{self.kind} point {index}"


def _instead(space: Space, rng: np.random.Generator, tried: Tried | None) -> Proposal | None:
    """Draw at random where the sequence has nothing to offer."""
    configs = sample(space, 1, rng, exclude=tried)
    reason = "drawn at random: the quasi-random point was tried before or isn't allowed"
    return Proposal(configs[0], reason) if configs else None


@lru_cache(maxsize=16)
def _sequence(sampler: QuasiRandom, seed: int, d: int) -> Sequence:
    """The sequence of a study; a space of constants alone has one column that nobody reads."""
    rng = generator(seed, sampler.kind) if sampler.scramble else None
    if d == 0:
        return _Nothing()
    if sampler.kind == "lhs":
        return _Latin(sampler.n, d, seed)
    return Sobol(d, rng) if sampler.kind == "sobol" else Halton(d, rng)


@lru_cache(maxsize=16)
def _allowed(space: Space, checks: tuple[Check, ...], sequence: Sequence) -> _Allowed:
    return _Allowed(space, sequence)


@final
class _Nothing:
    """Points without coordinates."""

    def points(self, start: int, n: int = 1) -> NDArray[np.float64]:
        return np.empty((n, 0))


@final
class _Latin:
    """Latin hypercubes of n points in d columns, one after another."""

    def __init__(self, n: int, d: int, seed: int) -> None:
        self._n, self._d, self._seed = n, d, seed
        self._block = lru_cache(maxsize=4)(self._make)

    def points(self, start: int, n: int = 1) -> NDArray[np.float64]:
        places = (divmod(index, self._n) for index in range(start, start + n))
        return np.stack([self._block(block)[row] for block, row in places])

    def _make(self, block: int) -> NDArray[np.float64]:
        return latin_hypercube(self._n, self._d, generator(self._seed, "lhs", block))


@final
class _Allowed:
    """The points of a sequence that the relations of a space allow, found as far as needed.

    Which point is the k-th depends on k alone, so this is a cache and no state.
    """

    def __init__(self, space: Space, sequence: Sequence) -> None:
        self._space = space
        self._sequence = sequence
        self._indices: list[int] = []
        self._scanned = 0
        self._barren = False
        self._lock = Lock()

    def index(self, k: int) -> int | None:
        """Return where the k-th allowed point stands; None behind too many misses in a row."""
        with self._lock:
            while len(self._indices) <= k and not self._barren:
                self._scan(max(16, k + 1 - len(self._indices)))
            return self._indices[k] if k < len(self._indices) else None

    def _scan(self, n: int) -> None:
        last = self._indices[-1] if self._indices else -1
        U = self._sequence.points(self._scanned, n)
        for index, config in enumerate(self._space.encoding.from_unit(U), self._scanned):
            if index - last > _MAX_MISSES:
                self._barren = True
                return
            if self._space.allows(config):
                self._indices.append(index)
                last = index
        self._scanned += n
