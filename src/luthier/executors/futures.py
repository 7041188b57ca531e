"""Executors of others: anything with ``submit(function, *arguments)`` that returns a future.

The pools of ``concurrent.futures``, of loky, joblib and mpi4py, a Dask client. Where the pool's
workers are processes, what trials say to their study comes back over TCP, since a future carries
nothing but the end.
"""

from __future__ import annotations

import json
import pickle
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from luthier.errors import ArgumentError, ExecutorError, UnsendableError
from luthier.executors.arrivals import Arrivals, Ended
from luthier.executors.calls import Relay, answer, ask, serve
from luthier.executors.process.exceptions import pack_result
from luthier.executors.process.sending import Parcels, unpack
from luthier.executors.process.verdicts import cancelled, lost, unreadable
from luthier.executors.slots import checked_slots, full
from luthier.executors.tcp import Desk, Line, Place

if TYPE_CHECKING:
    from luthier.core.jobs import Outcome
    from luthier.core.protocols import Channel, Work

__all__ = ["Futures"]

_MOST_HELD: Final = 16  # shared parts that a worker process keeps


class _Pool(Protocol):
    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Any: ...


@final
@dataclass(slots=True)
class _Task:
    number: int
    channel: Channel
    future: Any = None
    cancelled: bool = False


@final
class Futures:
    """Runs each trial by a pool's ``submit``, up to ``slots`` at once. The pool stays yours.

    For a pool that is there anyway. Trials can't be ended: ``cancel`` reaches only those that the
    pool hasn't begun. Once a process of a ``concurrent.futures`` or loky pool has died, the pool
    is useless: its trials go back to WAITING, and ``optimize`` ends. ``Processes`` has neither
    fault; ``Dask`` and ``Ray`` are made for their clusters.

    Args:
        pool: It has ``submit(function, *arguments)``, which returns a future.
        slots: How many trials to give it at once, at least 1.
        host: A name or address by which the pool's workers reach this process, if they are on
            other machines; on a trusted network only. None: they are on this one.

    Raises:
        ArgumentError: No ``submit``, or fewer than one slot.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> Futures(ThreadPoolExecutor(2), 2).slots
        2
    """

    def __init__(self, pool: _Pool, slots: int, *, host: str | None = None) -> None:
        if not callable(getattr(pool, "submit", None)):
            raise ArgumentError(
                "Futures: the pool must have submit(function, *arguments), such as "
                f"concurrent.futures.ProcessPoolExecutor(4), got {pool!r}."
            )
        self._pool = pool
        self._slots = checked_slots("Futures", slots)
        self._host = host
        self._run = uuid.uuid4().hex
        self._tasks: dict[int, _Task] = {}
        self._count = 0
        self._arrivals = Arrivals()
        self._parcels = Parcels()
        self._shared: dict[int, bytes] = {}
        self._desk: Desk | None = None
        self._lock = threading.Lock()

    @property
    def slots(self) -> int:
        """How many trials run at once."""
        return self._slots

    def submit(self, number: int, work: Work, channel: Channel) -> None:
        """Give the trial to the pool.

        Raises:
            ArgumentError: No slot is free.
            ExecutorError: The pool takes no more.
        """
        if len(self._tasks) >= self._slots:
            raise full(number, self._slots)
        self._count += 1
        serial = self._count
        task = self._tasks[serial] = _Task(number, channel)
        try:
            task.future = self._pool.submit(_Errand(self, serial, number, work, channel))
        except Exception as error:
            del self._tasks[serial]
            if isinstance(error, UnsendableError):
                raise
            raise ExecutorError(
                f"The pool {self._pool!r} takes no more trials: {type(error).__name__}: {error}. "
                'Make a new one, or use Processes: executor="process:4".'
            ) from error
        task.future.add_done_callback(lambda _: self._arrivals.put(lambda: self._take(serial)))

    def wait(self, timeout: float | None = None) -> list[Ended]:
        """Answer what trials ask until one has ended, and return all that have.

        Args:
            timeout: Seconds; after them the list may be empty.

        Raises:
            UnsendableError: The objective can't be pickled, or not rebuilt by a worker.
        """
        return self._arrivals.attend(timeout, lambda: bool(self._tasks))

    def cancel(self, number: int) -> bool:
        """Take a trial back that the pool hasn't begun; return whether that worked."""
        for task in self._tasks.values():
            if task.number == number and task.future is not None:
                task.future.cancel()
                task.cancelled = bool(task.future.cancelled())
                return task.cancelled
        return False

    def shutdown(self) -> None:
        """Take back what hasn't begun, and hang up; the pool itself stays."""
        for task in self._tasks.values():
            if task.future is not None:
                task.future.cancel()
        self._tasks.clear()
        if self._desk is not None:
            self._desk.close()
            self._desk = None
        self._arrivals.clear()

    def _take(self, serial: int) -> Ended | None:
        """A trial has ended."""
        task = self._tasks.pop(serial, None)
        if task is None or task.future is None:
            return None
        try:
            result = task.future.result()
        except BaseException as error:  # noqa: BLE001  handed over
            result = error
        if isinstance(result, bytes):
            result = pickle.loads(result)  # noqa: S301  of our worker
        if isinstance(result, UnsendableError):
            raise result
        if task.cancelled:
            result = cancelled(task.number)
        elif isinstance(result, BrokenExecutor):
            result = lost(task.number, result)
        return task.number, result

    def _hear(self, call: bytes, reply: Callable[[bytes], None]) -> None:
        """Leave a call to the thread that waits."""
        self._arrivals.put(lambda: reply(self._answer(call)))

    def _answer(self, call: bytes) -> bytes:
        serial, method, *arguments = json.loads(call)
        if method == "fetch":
            return answer({token: self._shared[token] for token in arguments[0]})
        task = self._tasks.get(serial)
        return serve(None if task is None else task.channel, method, arguments)

    def _pack(self, serial: int, number: int, work: Work) -> _Sent:
        """What goes to another process; made by the pool, maybe in a thread of its own."""
        with self._lock:
            parcel = self._parcels.pack(work)
            self._shared.update(parcel.shared)
            if self._desk is None:
                self._desk = Desk(self._host, self._hear)
            tokens = tuple(parcel.shared)
            return _Sent(self._desk.place, self._run, serial, number, parcel.content, tokens)


@final
class _Errand:
    """A trial as the pool gets it: to run here, or to be pickled and run elsewhere."""

    def __init__(
        self, owner: Futures, serial: int, number: int, work: Work, channel: Channel
    ) -> None:
        self._owner = owner
        self._serial = serial
        self._number = number
        self._work = work
        self._channel = channel

    def __call__(self) -> Outcome:
        return self._work(self._channel)

    def __reduce__(self) -> tuple[Any, ...]:
        return _same, (self._owner._pack(self._serial, self._number, self._work),)


def _same(sent: _Sent) -> _Sent:
    return sent


@final
@dataclass(frozen=True, slots=True)
class _Sent:
    """A trial in a worker process of the pool."""

    place: Place
    run: str
    serial: int
    number: int
    content: bytes
    tokens: tuple[int, ...]

    def __call__(self) -> bytes:
        """Run it; return what came of it, pickled."""
        line = Line(self.place)
        try:
            return pack_result(self._result(line))
        finally:
            line.close()

    def _result(self, line: Line) -> Outcome | BaseException:
        try:
            work = unpack(self.content, _HELD.get(self.run, self.tokens, self._fetch(line)))
        except ExecutorError as error:  # the driver is gone
            return error
        except Exception as error:  # noqa: BLE001  the driver raises it
            return unreadable(self.number, error)
        try:
            outcome: Outcome = work(Relay(line.send, self.serial))
        except BaseException as error:  # noqa: BLE001  handed over
            return error
        return outcome

    def _fetch(self, line: Line) -> Callable[[list[int]], Mapping[int, bytes]]:
        return lambda tokens: ask(line.send, self.serial, "fetch", tokens)


@final
class _Held:
    """What works share, kept by a worker process: fetched and unpacked once."""

    def __init__(self) -> None:
        self._parts: OrderedDict[tuple[str, int], object] = OrderedDict()
        self._lock = threading.Lock()

    def get(
        self, run: str, tokens: tuple[int, ...], fetch: Callable[[list[int]], Mapping[int, bytes]]
    ) -> dict[int, object]:
        """Return a run's parts by token; those that aren't here are fetched."""
        with self._lock:
            held = {t: self._parts[run, t] for t in tokens if (run, t) in self._parts}
            missing = [token for token in tokens if token not in held]
            for token, pickled in (fetch(missing) if missing else {}).items():
                held[token] = self._parts[run, token] = unpack(pickled, held)
            while len(self._parts) > _MOST_HELD:
                self._parts.popitem(last=False)
        return held


_HELD: Final = _Held()
