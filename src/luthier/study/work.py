"""One run of a trial as executors get it: a call that may be made here, or sent elsewhere."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from luthier.core.jobs import Outcome
from luthier.study.trial import Ticket, Trial, run_trial

if TYPE_CHECKING:
    from luthier.core.protocols import Channel
    from luthier.study.study import Study

__all__ = ["TrialWork"]


@final
@dataclass(frozen=True, slots=True)
class TrialWork:
    """Runs an objective once.

    Attributes:
        function: The objective.
        ticket: All that the trial needs.
        study: The study; it stays behind when the work is sent to another process.
        prints: The folder for what it prints, or None.
        collect: Whether to collect garbage afterwards.
    """

    function: Callable[[Trial], object]
    ticket: Ticket
    study: Study | None = None
    prints: Path | None = None
    collect: bool = False

    @property
    def shared(self) -> tuple[object, ...]:
        """What is the same in every trial of a run."""
        return self.function, self.ticket.declared, self.ticket.objective

    @property
    def attempt(self) -> int:
        """Which run of the trial this is."""
        return self.ticket.record.attempt

    def __call__(self, channel: Channel) -> Outcome:
        """Run it, and return what came of it."""
        trial = Trial(self.ticket, channel)
        trial.study = self.study
        try:
            return run_trial(self.function, trial)
        finally:
            if self.collect:
                gc.collect()

    def __reduce__(self) -> tuple[Any, ...]:
        return TrialWork, (self.function, self.ticket, None, None, self.collect)
