"""Learning from the highest rung that says enough: how BOHB joins a model and Hyperband.

Trials that were stopped early can't be compared with those that were not. Under a scheduler with
rungs, a sampler is shown the history as of one rung: the highest one that enough trials have
reached. Long before any trial has finished it learns from short ones, and leaves them behind as
soon as longer ones tell more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.protocols import Sampler
from luthier.core.record import dump
from luthier.core.settings import Number
from luthier.errors import ArgumentError
from luthier.space import Space

__all__ = ["HighestRung"]

_FEWEST: Final = 8


@final
@dataclass(frozen=True, slots=True)
class HighestRung:
    """Let another sampler learn from the highest rung that enough trials have reached.

    A study does this by itself when its scheduler has rungs.

    Args:
        sampler: Learns and proposes.
        rungs: The steps of the rungs.
        min_trials: How many trials are enough. If None: 8, two more than there are parameters,
            or a whole population of the sampler's, whichever is the most.

    Raises:
        ArgumentError: ``sampler`` isn't a sampler, or a number that makes no sense.

    Example:
        >>> from luthier.samplers.tpe import TPE
        >>> HighestRung(TPE(), [9, 1, 3]).rungs
        (1, 3, 9)

    References:
        Falkner et al., BOHB: Robust and Efficient Hyperparameter Optimization at Scale
        (ICML 2018), section 3.2: there a budget needs at least d + 2 observations as well.
    """

    sampler: Sampler
    rungs: Sequence[int]
    min_trials: int | None = None

    def __post_init__(self) -> None:
        if not callable(getattr(self.sampler, "suggest", None)):
            raise ArgumentError(
                f"HighestRung: sampler must be a sampler, got {self.sampler!r}. "
                "Example: HighestRung(TPE(), [1, 3, 9]).",
                sampler=self.sampler,
            )
        whole = Number(0, whole=True)
        rungs = [whole.read(step) for step in self.rungs]
        if not rungs or None in rungs:
            raise ArgumentError(
                f"HighestRung: rungs must be steps such as [1, 3, 9], got {self.rungs!r}.",
                rungs=self.rungs,
            )
        if self.min_trials is not None and whole.read(self.min_trials) is None:
            raise ArgumentError(
                "HighestRung: min_trials must be a whole number of at least 0 or None, got "
                f"{self.min_trials!r}.",
                min_trials=self.min_trials,
            )
        object.__setattr__(self, "rungs", tuple(sorted(int(r) for r in rungs if r is not None)))

    def __hash__(self) -> int:
        return hash(dump(self.spec))

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values, the other sampler's among them."""
        return {
            "name": "highest_rung",
            "sampler": dict(self.sampler.spec),
            "rungs": list(self.rungs),
            "min_trials": self.min_trials,
        }

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose as the other sampler does when it sees one rung; before that, all trials."""
        return self.sampler.suggest(space, self.seen(space, history)[1], n, rng)

    def seen(self, space: Space, history: History) -> tuple[int | None, History]:
        """Return the rung that the other sampler learns from, and the history that it sees.

        Of the rung, its step; None where too few trials have reached one: then it sees them all.
        """
        enough = self._enough(space)
        for step in reversed(self.rungs):
            if len(history.rung(step).numbers) >= enough:
                there = history.reached(step)
                if len(there.completed) >= enough:
                    return step, there
        return None, history

    def _enough(self, space: Space) -> int:
        if self.min_trials is not None:
            return self.min_trials
        return max(_FEWEST, len(space) + 2, getattr(self.sampler, "population", None) or 0)
