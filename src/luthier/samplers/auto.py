"""The default sampler: chooses a method by what the space and the history look like.

For now: all configurations in random order where there are few, else a Sobol sequence for the
even first look, else random search. Every proposal says which, and why.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Any, Final, final

import numpy as np

from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.protocols import Sampler
from luthier.samplers.grid import Grid
from luthier.samplers.quasirandom import QuasiRandom
from luthier.samplers.random import Random
from luthier.space import Space
from luthier.space.relations import Check

__all__ = ["Auto"]

_FEW: Final = 1000
_EVEN_START: Final = 64


@final
@dataclass(frozen=True, slots=True)
class Auto:
    """The default. Needs no settings.

    Up to 1,000 possible configurations are all tried, in random order; otherwise the first 64
    trials follow a Sobol sequence and the later ones are random.

    Args:
        allow_duplicates: Whether to go on at random where all configurations of a finite space
            have been tried.

    Example:
        >>> Auto().spec
        {'name': 'auto', 'allow_duplicates': False}
    """

    allow_duplicates: bool = False

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return {"name": "auto", "allow_duplicates": self.allow_duplicates}

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return n proposals of the method that suits; fewer where a finite space has no more."""
        proposals = self._new(space, history, n, rng)
        if self.allow_duplicates and len(proposals) < n:
            why, again = "auto: all have been tried", Random(allow_duplicates=True)
            proposals += _explained(why, again, space, history, n - len(proposals), rng)
        return proposals

    def _new(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        if not space:
            return _explained("auto", Random(), space, history, n, rng)
        size = _few(space, space.checks)
        if size is not None:
            why = f"auto: all {size} configurations"
            return _explained(why, Grid(shuffle=True), space, history, n, rng)
        start = min(n, max(0, _EVEN_START - history.next_number))
        proposals: list[Proposal] = []
        if start:
            why = f"auto: an even start, {_EVEN_START} trials"
            proposals = _explained(why, QuasiRandom(), space, history, start, rng)
        if n > start:
            why = "auto: after the start"
            proposals += _explained(why, Random(), space, history, n - start, rng)
        return proposals


def _explained(
    why: str, sampler: Sampler, space: Space, history: History, n: int, rng: np.random.Generator
) -> list[Proposal]:
    proposals = sampler.suggest(space, history, n, rng)
    return [replace(p, reason=f"{why}: {p.reason}") for p in proposals]


@lru_cache(maxsize=64)
def _few(space: Space, checks: tuple[Check, ...]) -> int | None:
    """The number of configurations if they are few, else None."""
    if not space.is_finite:
        return None
    if not checks and not space.activity.rules:
        size = space.cardinality
    else:
        size = sum(1 for _ in islice(space.enumerate(), _FEW + 1))
    return size if size is not None and size <= _FEW else None
