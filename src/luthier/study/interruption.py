"""Ctrl-C while several trials run: once, and they finish; twice, and they are ended."""

from __future__ import annotations

import logging
import signal
import threading
from typing import Any, final

__all__ = ["Interruption"]

logger = logging.getLogger("luthier")


@final
class Interruption:
    """Counts what SIGINT would interrupt, as long as it is entered.

    Nothing is interrupted in the middle: the loop asks, a few times a second. Only a third Ctrl-C
    raises KeyboardInterrupt where it comes, in case something hangs. Where the signal isn't ours
    to handle (outside of the main thread, or if the user's program handles it) nothing changes.

    Args:
        off: Leave Ctrl-C as it is.
    """

    def __init__(self, off: bool = False) -> None:
        self._off = off
        self._times = 0
        self._said = False

    def __enter__(self) -> None:
        main = threading.current_thread() is threading.main_thread()
        usual = main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        self._off = self._off or not usual
        if not self._off:
            signal.signal(signal.SIGINT, self._count)

    def __exit__(self, *error: object) -> None:
        if not self._off:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    @property
    def asked(self) -> bool:
        """Whether no trial is to be started any more."""
        return self._times > 0

    def heeded(self, running: int) -> bool:
        """Say once what happens now, and return whether that is the end of starting trials.

        Args:
            running: How many trials still run.

        Raises:
            KeyboardInterrupt: It was the second Ctrl-C.
        """
        if self._times > 1:
            logger.warning("Ctrl-C again: %d running trials are ended; they wait to run.", running)
            raise KeyboardInterrupt
        if self._times == 1 and not self._said:
            self._said = True
            logger.warning(
                "Ctrl-C: no new trials; %d running ones finish first. Ctrl-C again ends them now.",
                running,
            )
        return self.asked

    def pass_on(self) -> None:
        """Interrupt the caller, now that all is in order.

        Raises:
            KeyboardInterrupt: There was a Ctrl-C.
        """
        if self.asked:
            raise KeyboardInterrupt

    def _count(self, number: int, frame: Any) -> None:
        self._times += 1
        if self._times > 2:
            raise KeyboardInterrupt
