"""A driver's reproducible study: what it may look at, kept in lockstep with what it knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import final

from luthier.core.events import LogEvent
from luthier.core.ledger import Ledger
from luthier.core.lockstep import Lockstep
from luthier.space import Param, Space

__all__ = ["InStep"]


@final
class InStep:
    """Gives what trials are proposed from where all that is known would depend on time.

    Args:
        ledger: All that is known.
        log: Gives the lines of the log after a version.
        read_space: Makes a space of its JSON text.
    """

    def __init__(
        self,
        ledger: Ledger,
        log: Callable[[int], Iterable[LogEvent]],
        read_space: Callable[[str], Space],
    ) -> None:
        self._ledger = ledger
        self._log = log
        self._lockstep = Lockstep(ledger.objective, ledger.seed, read_space)

    @property
    def slots(self) -> int:
        """At most so many trials run at once."""
        return self._followed().slots

    @property
    def held_up(self) -> int | None:
        """The trial that must end before the next can be proposed, if there is one."""
        return self._followed().held_up()

    def seen(self) -> Ledger | None:
        """What the next trial is proposed from; None while it is held up."""
        return self._followed().before(len(self._ledger.trials))

    def views(self) -> Iterator[Ledger]:
        """What the next trial may be proposed from: first of all, what it should.

        Where there is nothing left to try, those that weren't looked at may show more, once all
        have ended.
        """
        if (seen := self.seen()) is not None:
            yield seen
            if seen.snapshot().running and not self._ledger.snapshot().pending:
                drained = self._followed().before(len(self._ledger.trials), drained=True)
                assert drained is not None
                yield drained

    def seen_by(self, number: int) -> Ledger:
        """What a trial was proposed from."""
        ledger = self._followed().before(number)
        assert ledger is not None
        return ledger

    def definitions(self, number: int) -> Mapping[str, Param]:
        """The parameters that were known when a trial that hasn't ended was proposed."""
        return self._followed().definitions(number)

    def _followed(self) -> Lockstep:
        """The study in lockstep, up to what is known."""
        for event in self._log(self._lockstep.version):
            if event.version <= self._ledger.version:
                self._lockstep.follow(event)
        return self._lockstep
