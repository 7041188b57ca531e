"""Leases: a trial is its worker's as long as that shows that it lives.

A driver that runs trials raises a counter in the storage four times a lease, from a thread of its
own. Who looks for orphans reads the counters: where one has stood still for a lease, by the
looker's own monotonic clock, the worker is gone. No two clocks are compared; they may differ, jump
or stand.

Only silence that was watched counts. Who was stopped, or couldn't reach the storage, can't tell
whether others beat meanwhile, so of a long gap between two looks only a third of a lease counts.
And before each look the looker beats itself: while nobody can write, nobody falls silent.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import math
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, final

from luthier.core.amounts import read_seconds
from luthier.core.protocols import Beat, Storage
from luthier.core.trial import FrozenTrial
from luthier.core.worker import is_gone, is_here, this_worker, work_done
from luthier.errors import ArgumentError, StudyNotFoundError, TrialLostError

__all__ = ["KEY", "Lease", "Terms", "Watch", "given_up"]

logger = logging.getLogger("luthier")
KEY: Final = "lease"
"""Under this key a study keeps its terms among its study-wide values."""


@final
@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms trials belong to workers.

    Attributes:
        seconds: For how long a worker may be silent; infinity if silence means nothing.
        max_attempts: A trial fails after so many runs in a row whose worker was gone before it
            saved a further checkpoint; infinity for never.
    """

    seconds: float = 60.0
    max_attempts: float = 3

    def but(
        self,
        lease: float | str | datetime.timedelta | None = None,
        max_attempts: float | None = None,
    ) -> Terms:
        """Return the terms with what is given.

        Args:
            lease: Seconds, a ``timedelta``, text such as "5 min", or infinity; None: as it is.
            max_attempts: At least 1, or infinity; None: as it is.

        Raises:
            ArgumentError: Neither of these.

        Example:
            >>> Terms().but("5 min")
            Terms(seconds=300.0, max_attempts=3)
        """
        seconds = self.seconds if lease is None else math.inf
        if lease is not None and lease != math.inf:
            seconds = read_seconds(lease, "lease")
        most = self.max_attempts if max_attempts is None else max_attempts
        whole = isinstance(most, int) and not isinstance(most, bool) and most >= 1
        if not whole and most != math.inf:
            raise ArgumentError(
                f"max_attempts must be an integer of at least 1, or math.inf, got {most!r}.",
                max_attempts=most,
            )
        return Terms(seconds, most)

    def to_json(self) -> dict[str, Any]:
        """The terms as JSON values; infinity is null."""
        values = {"seconds": self.seconds, "max_attempts": self.max_attempts}
        return {name: None if value == math.inf else value for name, value in values.items()}

    @staticmethod
    def of(state: Mapping[str, Any]) -> Terms:
        """Read the terms among a study's study-wide values."""
        given = state.get(KEY, {})
        return Terms(**{n: math.inf if value is None else value for n, value in given.items()})


@final
class Watch:
    """For how long workers have been silent, as one observer has seen it.

    Example:
        >>> watch = Watch()
        >>> for now in (0.0, 10.0, 100.0):
        ...     watch.look({"w": "sign"}, now, longest_gap=20.0)
        >>> watch.silence("w")
        30.0
    """

    def __init__(self) -> None:
        self._looked: float | None = None
        self._seen: dict[str, tuple[object, float]] = {}

    def look(self, signs: Mapping[str, object], now: float, longest_gap: float) -> None:
        """Take in the workers' signs of life.

        Args:
            signs: By worker, something that changes while it lives.
            now: The observer's own clock, in seconds.
            longest_gap: So much of the time since the last look counts at most.
        """
        gap = 0.0 if self._looked is None else min(now - self._looked, longest_gap)
        self._looked = now
        self._seen = {
            worker: (sign, self.silence(worker) + gap if self.is_last(worker, sign) else 0.0)
            for worker, sign in signs.items()
        }

    def silence(self, worker: str) -> float:
        """Seconds for which a worker was watched and has not been heard of."""
        return self._seen[worker][1] if worker in self._seen else 0.0

    def is_last(self, worker: str, sign: object) -> bool:
        """Whether a worker's sign is the same as at the last look."""
        return worker in self._seen and self._seen[worker][0] == sign


@final
class Lease:
    """A driver's hold on the trials that it runs, and its eye on the workers of others.

    Its thread runs while there is something to hold or to watch, and ends with this object. There
    is none where nobody else can see the storage.

    Args:
        storage: Where the study is kept.
        study: The study's id there.
        worker: Who holds trials; this process if None.
        clock: Gives seconds; need only go forward.

    Attributes:
        terms: The study's present terms.
        worker: Who holds trials.
    """

    def __init__(
        self,
        storage: Storage,
        study: int,
        worker: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.terms = Terms()
        self.worker = this_worker() if worker is None else worker
        self._storage = storage
        self._study = study
        self._clock = clock
        self._anew()
        _LEASES.add(self)

    def _anew(self) -> None:
        self._held: dict[int, int] = {}  # attempts by number
        self._lost: dict[int, int] = {}
        self._watch = Watch()
        self._others: frozenset[str] = frozenset()
        self._watch_until = -math.inf
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._beating = False
        self._look_again: dict[str, float] = {}
        self._pause = 0.0

    def go_on_as(self, worker: str, running: Iterable[FrozenTrial]) -> None:
        """Hold trials in another name, and those of it that run already."""
        self.worker = worker
        for trial in running:
            if trial.worker == worker:
                self.take(trial)

    def take(self, trial: FrozenTrial) -> None:
        """Hold a trial that was claimed just now."""
        self._held[trial.number] = trial.attempt
        self._wake(self.terms.seconds / 4)

    def holds(self, number: int) -> bool:
        """Whether a run of the trial, at whatever attempt, has begun here and not ended."""
        return number in self._held or number in self._lost

    def attempt(self, trial: FrozenTrial) -> int:
        """The attempt at which the trial runs here; its present one if it doesn't."""
        number = trial.number
        return self._held.get(number, self._lost.get(number, trial.attempt))

    def is_lost(self, trial: FrozenTrial) -> bool:
        """Whether another has taken up a trial that a run here still goes on with."""
        return self.attempt(trial) != trial.attempt

    def heed(self, trials: Iterable[FrozenTrial]) -> None:
        """Beat no more for trials that, by their present records, others have ended or taken up."""
        for trial in trials if self._held else ():
            if trial.number not in self._held:
                continue
            if self.is_lost(trial):
                self._lost[trial.number] = self._held.pop(trial.number)
                self._rest()
            elif trial.state.is_finished:
                self.drop(trial.number)

    def lost(self, trial: FrozenTrial, attempt: int) -> TrialLostError:
        """Let go of a run whose trial another has taken up; return the error that says so."""
        if self.attempt(trial) == attempt:
            self.drop(trial.number)
        error = TrialLostError(
            f"Trial {trial.number} was taken up by another worker: it is {trial.state.name} at "
            f"attempt {trial.attempt}, the result is of attempt {attempt} and is refused. A worker "
            f"that isn't heard of for {self.terms.seconds:g} s loses its trials. Ask for another; "
            "if this happens often, give the study a longer lease: create_study(lease='10 min').",
            number=trial.number,
            attempt=attempt,
        )
        logger.warning("%s", error)
        return error

    def drop(self, number: int) -> None:
        """Hold a trial no longer: its run has ended."""
        if self._held.pop(number, None) is None:
            self._lost.pop(number, None)
        self._rest()

    def gone(self, running: Iterable[FrozenTrial]) -> set[str]:
        """Return who of the workers of running trials is gone: dead, or silent for a lease.

        Whoever isn't is watched from now on.
        """
        others = {w for trial in running if (w := trial.worker) and w != self.worker}
        gone = {worker for worker in others if self._is_gone(worker)}
        self._others = frozenset(others - gone)
        if self._others and self.terms.seconds < math.inf:
            self._watch_until = self._clock() + 2 * self.terms.seconds
            self._wake(0.0)
            gone |= self._silent()
        return gone

    def _is_gone(self, worker: str) -> bool:
        """Whether a process is gone; one that was there a moment ago isn't looked for again."""
        now = time.monotonic()
        if now < self._look_again.get(worker, 0.0):
            return False
        if is_gone(worker):
            return True
        self._look_again[worker] = now + _LOOK_SECONDS
        return False

    def awaits(self, trial: FrozenTrial) -> bool:
        """Whether a running trial is another worker's, and will end or be seen to have lost it."""
        if not trial.worker or trial.worker == self.worker or not self._storage.shared:
            return False
        return self.terms.seconds < math.inf or is_here(trial.worker)

    def tick(self) -> float | None:
        """Beat, and look at the others; the thread does nothing else.

        Returns:
            Seconds until the next time; None if nothing is held or watched.
        """
        seconds = self.terms.seconds  # another thread may change it meanwhile
        with self._lock:
            idle = not self._held and self._clock() >= self._watch_until
            over = idle or seconds == math.inf
            if over:
                self._thread = None
        if over:
            if self._beating:
                self._fall_silent()
            return None
        try:
            self._storage.heartbeat(self._study, self.worker, time.time())
            self._beating = True
            beats = self._storage.heartbeats(self._study)
        except StudyNotFoundError:  # deleted: there is nothing to hold any more
            self._held.clear()
            self._watch_until = -math.inf
            return 0.0
        except Exception as error:  # noqa: BLE001  the next beat may succeed
            return self._delayed(error, seconds)
        if not self._held:  # beating has only shown that one can
            self._fall_silent()
        self._pause = 0.0
        self._watch.look(_signs(beats, self._others), self._clock(), longest_gap=seconds / 3)
        return seconds / 4

    def _silent(self) -> set[str]:
        """Who of the others has been silent for a lease, and is so at this moment."""
        least = self.terms.seconds
        silent = {w for w in self._others if self._watch.silence(w) >= least}
        if silent:
            signs = _signs(self._storage.heartbeats(self._study), silent)
            silent = {w for w in silent if self._watch.is_last(w, signs[w])}
        return silent

    def forget(self, worker: str) -> None:
        """Let go of a worker's counter."""
        with contextlib.suppress(Exception):  # what is left there misleads nobody
            self._storage.forget_worker(self._study, worker)

    def _rest(self) -> None:
        """Fall silent if nothing is held any more."""
        if self._beating and not self._held:
            self._fall_silent()

    def _fall_silent(self) -> None:
        self._beating = False
        self.forget(self.worker)

    def _delayed(self, error: Exception, seconds: float) -> float:
        """Say that beating fails, the first time; return when to try again."""
        longest = seconds / 4
        if not self._pause:
            logger.warning(
                "Worker %s can't show that it lives, and tries again; after %g s others may take "
                "up its trials: %s",
                self.worker,
                seconds,
                error,
            )
        self._pause = min(2 * self._pause, longest) or longest / 8
        return self._pause

    def _wake(self, pause: float) -> None:
        """Start the thread unless it runs, or has nobody to show its beats to."""
        if not self._storage.shared or self.terms.seconds == math.inf:
            return
        with self._lock:
            if self._thread is None:
                over = threading.Event()
                found = weakref.ref(self, lambda _: over.set())
                self._thread = threading.Thread(
                    target=_keep_beating,
                    args=(found, over, pause),
                    name=f"luthier-lease-{self._study}",
                    daemon=True,
                )
                self._thread.start()


def given_up(lapses: int, terms: Terms) -> str:
    """Why a trial failed after so many lapses in a row."""
    return (
        f"Runs that lost their worker (it died, or was silent for a lease) without a further "
        f"checkpoint: {lapses}; max_attempts is {terms.max_attempts}. Does the objective end its "
        "process (memory, a crash in C code), or keep its worker silent for longer than the lease "
        "(by holding Python's lock; over HTTP, by calling too rarely)? Then enqueue the parameters "
        "again, with a longer lease or a higher limit if need be."
    )


def _keep_beating(found: weakref.ref[Lease], over: threading.Event, pause: float | None) -> None:
    while pause is not None and not over.wait(pause):
        lease = found()
        pause = None if lease is None else lease.tick()
        del lease


def _signs(beats: Mapping[str, Beat], workers: Iterable[str]) -> dict[str, object]:
    """What should change while a worker lives: its counter, or else the work that it does here.

    Code that holds Python's lock lets no thread beat; on this machine its work can be seen.
    """
    return {worker: (beats.get(worker), work_done(worker)) for worker in {*beats, *workers}}


_LOOK_SECONDS: Final = 0.5  # a look at a process isn't cheap, and many drivers have many to look at
_LEASES: Final[weakref.WeakSet[Lease]] = weakref.WeakSet()


def _after_fork() -> None:
    """A child process is another worker: it has no thread, and its parent's trials aren't its."""
    for lease in _LEASES:
        lease.worker = this_worker()
        lease._anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
