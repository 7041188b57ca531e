"""Random search: independent draws from the parameters' priors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.settings import Flag, settle, spec_of
from luthier.core.tried import Tried
from luthier.space import Space, sample

__all__ = ["Random"]


@final
@dataclass(frozen=True, slots=True)
class Random:
    """Draw every configuration at random, whatever happened before.

    The baseline that every other sampler must beat; also a good choice for very many cheap
    trials, or where a study must not lean on earlier results.

    Args:
        allow_duplicates: Whether a finite space may be given the same configuration twice. If
            not, the study ends when all have been tried.

    Raises:
        ArgumentError: ``allow_duplicates`` isn't True or False.

    Example:
        >>> Random().spec
        {'name': 'random', 'allow_duplicates': False}

    References:
        Bergstra and Bengio, Random search for hyper-parameter optimization, JMLR 13 (2012).
    """

    allow_duplicates: bool = False

    def __post_init__(self) -> None:
        settle(self, {"allow_duplicates": Flag()})

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("random", self)

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Draw n configurations; fewer where a finite space has no more."""
        if not space:
            return [Proposal({}, "the space isn't known yet: drawn from the prior")] * n
        exclude = None if self.allow_duplicates or not space.is_finite else Tried(space, history)
        return [
            Proposal(config, "drawn at random from the prior")
            for config in sample(space, n, rng, exclude=exclude)
        ]
