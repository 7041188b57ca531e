"""The Dask executor: trials on a Dask cluster, a task each.

All talk goes the way of Dask's own, over the scheduler: a queue for what trials say to the driver,
and one back to each slot. So whoever can reach the scheduler can run trials; no port is opened.

Dask runs a task again when its worker is gone. It doesn't know that a trial reports while it runs,
so a task asks the driver before it begins, and the second time it is told not to. The driver then
knows that the first was lost, and the study decides what happens next.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
import json
import pickle
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from luthier.errors import ArgumentError, ExecutorError, UnsendableError, require_extra
from luthier.executors.arrivals import Arrivals, Ended
from luthier.executors.calls import Relay, answer, ask, serve
from luthier.executors.process.resources import checked_resources
from luthier.executors.process.sending import Parcels
from luthier.executors.process.verdicts import cancelled, lost
from luthier.executors.slots import checked_slots, full
from luthier.executors.station import Station, settings

if TYPE_CHECKING:
    from luthier.core.protocols import Channel, Work

__all__ = ["Dask"]

_LOOK_SECONDS: Final = 1.0  # between looks at the cluster's size, and whether a trial is wanted
_IDLE_SECONDS: Final = 60.0  # after which a post of another run has been forgotten by it


@final
@dataclass(slots=True)
class _Task:
    number: int
    channel: Channel
    tokens: tuple[int, ...]
    future: Any = None
    begun: bool = False
    cancelled: bool = False


@final
class Dask:
    """Runs each trial as a task of a Dask cluster, in a process beside the Dask worker.

    Luthier must be installed on the workers, in the same version. A trial whose Dask worker is
    lost is run again, from its last checkpoint if it saved one; checkpoints need a folder that
    all machines share.

    Args:
        client: A ``distributed.Client``, or the scheduler's address. None: the client that is
            there already, or else a small cluster in this process for the time of the run.
        slots: How many trials run at once. None: one for each thread of the cluster, however many
            it has just then; one more waits while the cluster is adaptive, so that it grows.
        time_limit: How long a trial may run, in seconds, as a timedelta or text such as "10 min".
        memory_limit: How much main memory a trial may take, as bytes or text such as "4GB".
        grace: Seconds between SIGTERM, which raises SystemExit in the objective, and SIGKILL.
        fresh: Start a new process for every trial.
        resources: "cpu", how many threads numerical libraries use in a trial: 1 if not given, as
            Dask's own workers do.

    Raises:
        ArgumentError: An argument that makes no sense.
        MissingExtraError: ``distributed`` isn't installed.

    Example:
        >>> executor = Dask("tcp://127.0.0.1:8786", slots=4)  # nothing is opened yet
        >>> executor.slots
        4
    """

    def __init__(
        self,
        client: Any = None,
        slots: int | None = None,
        *,
        time_limit: float | str | datetime.timedelta | None = None,
        memory_limit: int | str | None = None,
        grace: float = 5.0,
        fresh: bool = False,
        resources: Mapping[str, float] | None = None,
    ) -> None:
        distributed = _distributed()
        if not (client is None or isinstance(client, str | distributed.Client)):
            raise ArgumentError(
                "Dask: the client must be a distributed.Client, an address such as "
                f"'tcp://host:8786' or None, got {client!r}."
            )
        if slots is not None:
            checked_slots("Dask", slots)
        given = checked_resources(resources)
        if "gpu" in given:
            raise ArgumentError(
                "Dask: which GPUs a trial sees is said where the workers are started, such as by "
                "dask-cuda. Leave 'gpu' out of resources."
            )
        self._cpu = given.get("cpu", 1)
        self._settings = settings(time_limit, memory_limit, grace, fresh, self._cpu)
        self._slots = slots
        self._given = client
        self._room = 0
        self._looked_at = float("-inf")
        self._hub: _Hub | None = None
        self._tasks: dict[int, _Task] = {}
        self._count = 0
        self._arrivals = Arrivals()
        self._parcels = Parcels(elsewhere=True)
        self._shared: dict[int, bytes] = {}

    @property
    def slots(self) -> int:
        """How many trials run at once."""
        if self._slots is not None:
            return self._slots
        now = time.monotonic()
        if now >= self._looked_at + _LOOK_SECONDS:
            self._looked_at = now
            client = self._open().client
            grows = getattr(client.cluster, "_adaptive", None) is not None
            self._room = max(1, int(sum(client.nthreads().values()) // self._cpu) + grows)
        return self._room

    def submit(self, number: int, work: Work, channel: Channel) -> None:
        """Give the trial to the cluster.

        Raises:
            UnsendableError: The objective can't be pickled; the message names the part.
            ArgumentError: No slot is free.
        """
        if len(self._tasks) >= self.slots:
            raise full(number, self.slots)
        parcel = self._parcels.pack(work)
        self._shared.update(parcel.shared)
        hub = self._open()
        self._count += 1
        serial = self._count
        task = _Task(number, channel, tuple(parcel.shared))
        task.future = hub.client.submit(
            _attend,
            hub.run,
            serial,
            number,
            parcel.content,
            self._settings,
            key=f"{hub.run}-{serial}",
            pure=False,
        )
        self._tasks[serial] = task
        task.future.add_done_callback(lambda _: self._arrivals.put(lambda: self._left(serial)))

    def wait(self, timeout: float | None = None) -> list[Ended]:
        """Answer what trials ask until one has ended, and return all that have.

        Args:
            timeout: Seconds; after them the list may be empty.

        Raises:
            UnsendableError: A worker can't rebuild the objective.
            ExecutorError: The cluster can't run trials.
        """
        return self._arrivals.attend(timeout, lambda: bool(self._tasks))

    def cancel(self, number: int) -> bool:
        """End a running trial: within a second SIGTERM, and SIGKILL after the grace."""
        for task in self._tasks.values():
            if task.number == number:
                task.cancelled = True
                task.future.cancel()
                return True
        return False

    def shutdown(self) -> None:
        """End the trials and their processes; the cluster stays, unless it was made for this."""
        tasks, self._tasks = list(self._tasks.values()), {}
        if self._hub is not None:
            self._hub.close([task.future for task in tasks], self._settings["grace"])
            self._hub = None
        self._arrivals.clear()

    def _open(self) -> _Hub:
        if self._hub is None:
            self._hub = _Hub(self._given, self._slots, self._hear)
        return self._hub

    # What comes in

    def _hear(self, message: Any) -> None:
        """Leave what a trial says to the thread that waits."""
        match message:
            case ["call", back, call]:
                self._arrivals.put(lambda: self._serve(back, call))
            case ["ended", serial, content]:
                self._arrivals.put(lambda: self._take(serial, content))

    def _serve(self, back: str, call: bytes) -> Ended | None:
        serial, method, *arguments = json.loads(call)
        task, ended = self._tasks.get(serial), None
        if method != "begin":
            reply = serve(None if task is None else task.channel, method, arguments)
        elif task is None or task.begun:
            reply = answer(None)
            if task is not None:
                del self._tasks[serial]
                ended = task.number, lost(task.number, "Dask had to begin it again.")
        else:
            task.begun = True
            known = set(arguments[0])
            reply = answer({t: None if t in known else self._shared[t] for t in task.tokens})
        if self._hub is not None:
            self._hub.reply(back, reply)
        return ended

    def _take(self, serial: int, content: bytes) -> Ended | None:
        """A trial has ended."""
        task = self._tasks.pop(serial, None)
        if task is None:
            return None
        result = pickle.loads(content)  # noqa: S301  of our worker
        if isinstance(result, UnsendableError):
            raise result
        return task.number, result

    def _left(self, serial: int) -> Ended | None:
        """Dask has done with a task; if that is the first we hear of its end, it went wrong."""
        task = self._tasks.get(serial)
        if task is None or task.future.status == "finished":  # what came of it is on its way
            return None
        del self._tasks[serial]
        if task.cancelled:
            return task.number, cancelled(task.number)
        if task.future.status != "error":
            return task.number, lost(task.number, f"Dask says that it is {task.future.status}.")
        error = task.future.exception()
        if type(error).__name__ == "KilledWorker":
            return task.number, lost(task.number, error)
        raise ExecutorError(
            f"A Dask worker can't run trials: {type(error).__name__}: {error}. It needs Luthier "
            "and all that the objective imports, in the same versions as here.",
            number=task.number,
        ) from error


@final
class _Hub:
    """The driver's connection to a cluster, for one run.

    Args:
        given: A client, an address, or None.
        slots: How large a cluster of our own is to be.
        hear: What each message of a trial is given to, in another thread.
    """

    def __init__(self, given: Any, slots: int | None, hear: Callable[[Any], None]) -> None:
        self._own = contextlib.ExitStack()
        self.client = self._connect(given, slots)
        self.run = f"luthier-{uuid.uuid4().hex}"
        self._in = self._queue(self.run)
        self._back: dict[str, Any] = {}
        self._hear = hear
        asyncio.run_coroutine_threadsafe(self._listen(), self.client.loop.asyncio_loop)

    def reply(self, back: str, content: bytes) -> None:
        """Answer a call; a worker that is gone doesn't get it."""
        if back not in self._back:
            self._back[back] = self._queue(back)
        with contextlib.suppress(OSError):
            self._back[back].put(content)

    def close(self, running: list[Any], grace: float) -> None:
        """Cancel tasks, end the processes of this run, and let go of the cluster."""
        with contextlib.suppress(OSError, TimeoutError), self._own:
            self.client.cancel(running)
            until = time.monotonic() + (grace + 2 * _LOOK_SECONDS if running else 0)
            while self._dismissed() and time.monotonic() < until:
                time.sleep(_LOOK_SECONDS / 10)
            self._in.put(None)
            for queue in (self._in, *self._back.values()):
                queue.close()

    def _dismissed(self) -> bool:
        """Close this run's idle posts everywhere; whether some are busy.

        Workers of this process that closed have left theirs here.
        """
        busy = self.client.run(_dismiss, self.run, on_error="ignore")
        return any((*busy.values(), _POSTS.dismiss(self.run)))

    def _connect(self, given: Any, slots: int | None) -> Any:
        distributed = _distributed()
        if isinstance(given, str):
            return self._own.enter_context(distributed.Client(given, set_as_default=False))
        if given is not None:
            return given
        try:
            return distributed.default_client()
        except ValueError:  # none is there
            size = {} if slots is None else {"threads_per_worker": slots}
            cluster = distributed.LocalCluster(
                n_workers=1, processes=False, dashboard_address=":0", **size
            )
            client = distributed.Client(self._own.enter_context(cluster), set_as_default=False)
            return self._own.enter_context(client)

    def _queue(self, name: str) -> Any:
        return _distributed().Queue(name, client=self.client)

    async def _listen(self) -> None:
        with contextlib.suppress(OSError):  # the connection is lost, and with it all tasks
            while (message := await self._in.get()) is not None:
                self._hear(message)


# On the workers


def _distributed() -> Any:
    return require_extra("distributed", "dask", "The Dask executor")


@final
class _Post:
    """A slot of a Dask worker: the process that runs trials there, and the line to their driver.

    It belongs to its worker, with whose thread its process ends. The line is a client of its own:
    the one that Dask gives to tasks ends with the worker, or with another worker of this process,
    while a trial still runs.
    """

    def __init__(self, worker: Any, run: str, settings: Mapping[str, Any]) -> None:
        distributed = _distributed()
        self.worker = worker
        self.station = Station(settings)
        self.sound = True  # whether nothing that was said of one trial can come up in the next
        self.idle_since = time.monotonic()
        scheduler, loop, security = worker.scheduler.address, worker.loop, worker.security
        self._client = distributed.Client(
            scheduler, loop=loop, security=security, set_as_default=False
        )
        self._name = f"{run}-{uuid.uuid4().hex}"
        self._out = distributed.Queue(run, client=self._client)
        self._back = distributed.Queue(self._name, client=self._client)

    def call(self, call: bytes, unwanted: Callable[[], bool]) -> bytes:
        """Have the driver answer a call.

        Raises:
            ExecutorError: The trial isn't wanted any more.
        """
        self._out.put(["call", self._name, call])
        while True:
            try:
                content: bytes = self._back.get(timeout=_LOOK_SECONDS)
            except TimeoutError:
                if unwanted():
                    raise ExecutorError("The trial was cancelled, or its driver ended.") from None
                continue
            return content

    def tell(self, serial: int, content: bytes) -> None:
        """Say what came of a trial."""
        self._out.put(["ended", serial, content])

    def close(self) -> None:
        """End the process, and the line."""
        self.station.close()
        with contextlib.suppress(Exception):  # the scheduler is gone
            self._out.close()
            self._back.close()
            self._client.close()


@final
class _Posts:
    """The posts of the Dask workers of this process, by run."""

    def __init__(self) -> None:
        self._idle: dict[str, list[_Post]] = {}
        self._busy: dict[str, int] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def one(self, worker: Any, run: str, settings: Mapping[str, Any]) -> Iterator[_Post]:
        """A post that nobody else uses meanwhile; closed if it isn't sound afterwards."""
        with self._lock:
            self._busy[run] = self._busy.get(run, 0) + 1
            idle = self._idle.get(run, [])
            post = next((post for post in idle if post.worker is worker), None)
            self._idle[run] = [other for other in idle if other is not post]
            forgotten = [name for name in self._idle if name != run and self._is_forgotten(name)]
        try:
            for name in forgotten:
                self.dismiss(name)
            post = _Post(worker, run, settings) if post is None else post
            yield post
            if post.sound:
                post.idle_since = time.monotonic()
                with self._lock:
                    self._idle.setdefault(run, []).append(post)
                post = None
        finally:
            if post is not None:
                post.close()
            with self._lock:
                self._busy[run] -= 1

    def dismiss(self, run: str) -> int:
        """Close a run's idle posts; return how many are busy."""
        with self._lock:
            idle = self._idle.pop(run, [])
            busy = self._busy.get(run, 0)
            if not busy:
                self._busy.pop(run, None)
        for post in idle:
            post.close()
        return busy

    def _is_forgotten(self, run: str) -> bool:
        """Whether a run's driver seems to have ended without a word."""
        latest = max((post.idle_since for post in self._idle[run]), default=0.0)
        return not self._busy.get(run) and time.monotonic() - latest > _IDLE_SECONDS


_POSTS: Final = _Posts()


async def _dismiss(run: str) -> int:
    return await asyncio.to_thread(_POSTS.dismiss, run)


def _attend(
    run: str, serial: int, number: int, content: bytes, settings: Mapping[str, Any]
) -> None:
    """Run a trial: this is the task."""
    worker = _distributed().get_worker()
    unwanted = functools.partial(_is_unwanted, worker, worker.get_current_task())
    with _POSTS.one(worker, run, settings) as post:
        send = functools.partial(post.call, unwanted=unwanted)
        shared = ask(send, serial, "begin", post.station.known)
        if shared is None:  # another worker has begun it before
            return
        post.sound = False
        result = post.station.run(number, content, shared, Relay(send, serial), unwanted)
        post.sound = not unwanted()
        post.tell(serial, result)


def _is_unwanted(worker: Any, key: str) -> bool:
    """Whether a task is to end: it was cancelled, or its client is gone."""
    state = worker.state.tasks.get(key)
    return state is None or state.state != "executing"
