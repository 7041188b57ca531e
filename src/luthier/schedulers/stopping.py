"""Rules that only stop: they look at running trials, and leave to others which ones to start."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from luthier.core.history import History
from luthier.core.jobs import NEW, Decision, Job
from luthier.core.trial import FrozenTrial

__all__ = ["StoppingRule"]


class StoppingRule(ABC):
    """A scheduler that limits no trial and resumes none; ``decide`` is all that its kinds add."""

    __slots__ = ()

    def budget(self, history: History, number: int) -> int | None:
        """No limit."""
        return None

    def next(self, history: History, rng: np.random.Generator) -> Job | None:
        """Always start a new trial."""
        return NEW

    @abstractmethod
    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Decide about a running trial that has just reported ``step``."""
