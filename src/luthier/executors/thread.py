"""The thread executor: several trials at once in one process.

For objectives that wait (for a service, a subprocess) or compute in libraries that release the
interpreter's lock. Pure Python objectives get no faster by it.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any, final

from luthier.executors.slots import checked_slots, full

if TYPE_CHECKING:
    from luthier.core.jobs import Outcome
    from luthier.core.protocols import Channel, Work

__all__ = ["Threads"]


@final
class Threads:
    """Runs each trial in a thread of its own, up to ``slots`` at once.

    Args:
        slots: At least 1.

    Raises:
        ArgumentError: Fewer than one slot.

    Example:
        >>> Threads(2).slots
        2
    """

    def __init__(self, slots: int) -> None:
        self._slots = checked_slots("Threads", slots)
        self._running: set[int] = set()
        self._ended: queue.SimpleQueue[tuple[int, Outcome | BaseException]] = queue.SimpleQueue()

    @property
    def slots(self) -> int:
        """How many trials run at once."""
        return self._slots

    def submit(self, number: int, work: Work, channel: Channel) -> None:
        """Start a thread for the trial."""
        if len(self._running) >= self._slots:
            raise full(number, self._slots)
        self._running.add(number)
        name = f"luthier-trial-{number}"
        threading.Thread(
            target=_run, args=(number, work, channel, self._ended), name=name, daemon=True
        ).start()

    def wait(self, timeout: float | None = None) -> list[tuple[int, Outcome | BaseException]]:
        """Wait until a trial has ended, and return all that have."""
        ended: list[tuple[int, Outcome | BaseException]] = []
        while self._running:
            try:
                number, result = self._ended.get(block=not ended, timeout=timeout)
            except queue.Empty:
                break
            self._running.discard(number)
            ended.append((number, result))
        return ended

    def cancel(self, number: int) -> bool:
        """Return False: Python has no way to end a thread."""
        return False

    def shutdown(self) -> None:
        """Leave running threads to end unheard; they don't keep the process alive."""
        self._running.clear()
        self._ended = queue.SimpleQueue()


def _run(number: int, work: Work, channel: Channel, ended: queue.SimpleQueue[Any]) -> None:
    try:
        ended.put((number, work(channel)))
    except BaseException as error:  # noqa: BLE001  handed over to wait()
        ended.put((number, error))
