"""Leases: how long a client that says nothing keeps its trial.

Seconds are counted by a clock that stands still while the service does: after a machine slept, or
a process was stopped, no client is blamed for a silence that was ours. No two clocks are compared.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, final

__all__ = ["AwakeClock", "Leases"]

Clock = Callable[[], float]
_MOST_GAP: Final = 5.0


@final
class AwakeClock:
    """A clock that counts only while it is looked at: gaps of more than five seconds are cut.

    Args:
        clock: The clock behind it, in seconds.

    Example:
        >>> times = iter([0.0, 1.0, 3601.0])
        >>> clock = AwakeClock(lambda: next(times))
        >>> clock(), clock()
        (1.0, 6.0)
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen = clock()
        self._awake = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Return the seconds counted so far."""
        with self._lock:
            now = self._clock()
            self._awake += min(max(now - self._seen, 0.0), _MOST_GAP)
            self._seen = now
            return self._awake


@final
@dataclass(frozen=True, slots=True)
class _Lease:
    attempt: int
    seconds: float
    since: float
    renewed: float


@final
class Leases:
    """The leases of one study's trials, by number. Thread-safe.

    Args:
        clock: Tells seconds.

    Example:
        >>> leases = Leases(lambda: 0.0)
        >>> leases.grant(3, attempt=1, seconds=60)
        >>> leases.renew(3, attempt=1), leases.renew(3, attempt=2)
        (60, None)
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[int, _Lease] = {}
        self._lock = threading.Lock()

    def grant(self, number: int, attempt: int, seconds: float) -> None:
        """Lease a trial's run from now on."""
        now = self._clock()
        with self._lock:
            self._held[number] = _Lease(attempt, seconds, now, now)

    def renew(self, number: int, attempt: int) -> float | None:
        """Begin a run's lease anew; return its seconds, or None if there is no such lease."""
        now = self._clock()
        with self._lock:
            lease = self._held.get(number)
            if lease is None or lease.attempt != attempt:
                return None
            self._held[number] = replace(lease, renewed=now)
            return lease.seconds

    def end(self, number: int) -> None:
        """Forget a lease."""
        with self._lock:
            self._held.pop(number, None)

    def age(self, number: int) -> float:
        """Return for how many seconds a trial has been leased; 0 if it isn't."""
        with self._lock:
            lease = self._held.get(number)
        return 0.0 if lease is None else self._clock() - lease.since

    def lapsed(self) -> list[tuple[int, int, float]]:
        """Return number, attempt and seconds of the leases that nobody renewed in time."""
        now = self._clock()
        with self._lock:
            return [
                (number, lease.attempt, lease.seconds)
                for number, lease in sorted(self._held.items())
                if now - lease.renewed >= lease.seconds
            ]

    def __contains__(self, number: int) -> bool:
        return number in self._held

    def __bool__(self) -> bool:
        return bool(self._held)
