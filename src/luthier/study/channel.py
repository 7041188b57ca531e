"""What one run of a trial says to its study.

A run may go on when nobody wants it any more: a thread can't be ended, a worker may be cut off. The
trial may run again by then, under the same number. So what a run says comes with its attempt, and
counts only while the trial runs at that.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Any, final

from luthier.core.checkpoint import Checkpoint
from luthier.core.jobs import Decision
from luthier.core.protocols import Scheduler
from luthier.core.trial import FrozenTrial, Metrics
from luthier.study.driver import Driver

__all__ = ["RunChannel"]


@final
class RunChannel:
    """A channel on which only one run of one trial is heard.

    Args:
        driver: The study's.
        trial: The trial as it was claimed for this run.
    """

    def __init__(self, driver: Driver, trial: FrozenTrial) -> None:
        self._driver = driver
        self._number = trial.number
        self._attempt = trial.attempt
        self._ledger = driver.ledger
        self._unwatched = range(0)
        self._asked: Scheduler | None = None  # who lets these steps pass

    def report(self, number: int, step: int, metrics: Metrics) -> Decision:
        """Record a report and return the decision: STOP for a run that isn't this one."""
        driver, attempt, ledger = self._driver, self._attempt, self._ledger
        if (
            step in self._unwatched
            and number == self._number
            and self._asked is driver.scheduler
            and not driver.listeners
            and ledger.is_running(number, attempt)
            and monotonic() < driver.flush_at
        ):
            ledger.hear(number, attempt, step, metrics)
            return Decision.CONTINUE
        if number != self._number:
            return Decision.STOP
        asked = driver.scheduler  # before: another one may be set at any time
        decision = driver.report(number, step, metrics, attempt)
        self._unwatched, self._asked = driver.unwatched(number, attempt), asked
        return decision

    def set_attrs(self, number: int, attrs: Mapping[str, Any]) -> None:
        """Record notes, unless the trial was put back or taken up since."""
        if number == self._number:
            self._driver.set_attrs(number, attrs, self._attempt)

    def checkpoint(self, number: int, checkpoint: Checkpoint) -> None:
        """Record a saved state.

        Raises:
            TrialStateError: The trial doesn't run at this attempt any more.
        """
        attempt = self._attempt if number == self._number else -1
        self._driver.checkpoint(number, checkpoint, attempt)
