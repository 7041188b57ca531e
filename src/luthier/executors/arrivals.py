"""What comes in from elsewhere while trials run, and is seen to by the thread that waits."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from luthier.core.jobs import Outcome

__all__ = ["Arrivals", "Ended"]

Ended = tuple[int, "Outcome | BaseException"]
"""A trial's number, with what its work returned or raised."""


@final
class Arrivals:
    """Deeds to be done in the order they came in. Any thread puts them there, one does them.

    Example:
        >>> arrivals = Arrivals()
        >>> arrivals.put(lambda: (3, RuntimeError("broken off")))
        >>> arrivals.attend(timeout=1.0, busy=lambda: True)
        [(3, RuntimeError('broken off'))]
    """

    def __init__(self) -> None:
        self._deeds: queue.SimpleQueue[Callable[[], Ended | None]] = queue.SimpleQueue()

    def put(self, deed: Callable[[], Ended | None]) -> None:
        """Have something done; it returns the trial that ended by it, if one did."""
        self._deeds.put(deed)

    def attend(self, timeout: float | None, busy: Callable[[], bool]) -> list[Ended]:
        """Do what comes in until a trial has ended, and then what is there already.

        Args:
            timeout: Seconds; None for as long as it takes.
            busy: Whether trials run.

        Returns:
            The trials that have ended.
        """
        until = None if timeout is None else time.monotonic() + timeout
        ended: list[Ended] = []
        while busy():
            patience = None if until is None else max(0.0, until - time.monotonic())
            try:
                came = self._deeds.get(not ended, patience)()
            except queue.Empty:
                break
            if came is not None:
                ended.append(came)
        return ended

    def clear(self) -> None:
        """Do all that is there, whatever comes of it."""
        while not self._deeds.empty():
            self._deeds.get()()
