"""What decisions have in common: of rules that only stop, and of those that pause at a budget."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from luthier.core.history import History
from luthier.core.jobs import NEW, Decision, Job
from luthier.core.trial import FrozenTrial

__all__ = ["StoppingRule", "paused_at_budget"]


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


def paused_at_budget(trial: FrozenTrial, step: int, first: int, end: int) -> Decision:
    """Pause a trial where its budget ends, unless that is the end.

    Args:
        trial: A running trial.
        step: The step that it has just reported.
        first: The budget of a trial that says none.
        end: The step at which a trial has finished.
    """
    budget = first if trial.budget is None else trial.budget
    return Decision.PAUSE if budget <= step < end else Decision.CONTINUE
