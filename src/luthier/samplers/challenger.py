"""Challengers: proposals that know the incumbent they are raced against.

Another sampler proposes; with each proposal goes what the best trial so far scored on each fold.
The trial runs the folds on which that one was worst first, and may be dropped as soon as it falls
behind (``luthier.schedulers.Race``). Since the incumbent is noted when the trial is proposed, its
race is the same however many trials run beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from luthier.core.folds import incumbent_of
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.protocols import Sampler
from luthier.core.record import dump
from luthier.errors import ArgumentError
from luthier.space import Space

__all__ = ["Challenger"]


@final
@dataclass(frozen=True, slots=True)
class Challenger:
    """Let another sampler propose, and note with each proposal what the incumbent scored.

    A study does this by itself when its scheduler races trials over folds.

    Args:
        sampler: Proposes.

    Raises:
        ArgumentError: ``sampler`` isn't a sampler.

    Example:
        >>> from luthier.samplers.random import Random
        >>> Challenger(Random()).spec["sampler"]["name"]
        'random'
    """

    sampler: Sampler

    def __post_init__(self) -> None:
        if not callable(getattr(self.sampler, "suggest", None)):
            raise ArgumentError(
                f"Challenger: sampler must be a sampler, got {self.sampler!r}. "
                "Example: Challenger(TPE()).",
                sampler=self.sampler,
            )

    def __hash__(self) -> int:
        return hash(dump(self.spec))

    @property
    def spec(self) -> dict[str, Any]:
        """Its name, and the other sampler's name and settings."""
        return {"name": "challenger", "sampler": dict(self.sampler.spec)}

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return what the other sampler proposes, with the incumbent's scores."""
        noted = incumbent_of(history)
        proposals = self.sampler.suggest(space, history, n, rng)
        return [replace(p, data={**p.data, **noted}) for p in proposals] if noted else proposals
