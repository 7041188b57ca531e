"""The inline executor: every trial runs at once, in the caller's own thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from luthier.core.jobs import Outcome
    from luthier.core.protocols import Channel, Work

__all__ = ["Inline"]


@final
class Inline:
    """Runs a trial when it is submitted. One slot; the simplest thing that works."""

    def __init__(self) -> None:
        self._ended: list[tuple[int, Outcome | BaseException]] = []

    @property
    def slots(self) -> int:
        """One."""
        return 1

    def submit(self, number: int, work: Work, channel: Channel) -> None:
        """Run the trial to its end. KeyboardInterrupt and SystemExit pass through."""
        try:
            self._ended.append((number, work(channel)))
        except Exception as error:  # noqa: BLE001  handed over to wait()
            self._ended.append((number, error))

    def wait(self, timeout: float | None = None) -> list[tuple[int, Outcome | BaseException]]:
        """Return what has ended; nothing ever runs when this is called."""
        ended, self._ended = self._ended, []
        return ended

    def cancel(self, number: int) -> bool:
        """Return False: what has started can't be stopped from the same thread."""
        return False

    def shutdown(self) -> None:
        """Forget what has ended."""
        self._ended.clear()
