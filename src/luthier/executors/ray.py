"""The Ray executor: trials on a Ray cluster, an actor for each slot.

An actor keeps one process that runs trials (``Station``), and is asked for the next message by the
driver: what the trial wants of its study, or what came of it. With the answer it is asked again. So
the driver has one reference per slot to wait for, and nothing but Ray's own calls travel.
"""

from __future__ import annotations

import datetime
import functools
import importlib
import json
import math
import pickle
import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, final

from luthier.errors import ArgumentError, ExecutorError, UnsendableError, require_extra
from luthier.executors.calls import Relay, serve
from luthier.executors.process.resources import checked_resources
from luthier.executors.process.sending import Parcels
from luthier.executors.process.verdicts import lost
from luthier.executors.slots import checked_slots, full
from luthier.executors.station import Station, settings

if TYPE_CHECKING:
    from luthier.core.protocols import Channel, Work
    from luthier.executors.arrivals import Ended

__all__ = ["Ray"]

_LOOK_SECONDS: Final = 1.0  # between looks at the cluster's size
_OURS: Final = ("cpu", "gpu", "memory")
_QUIET: Final = {"include_dashboard": False, "logging_level": "warning"}


@final
@dataclass(slots=True)
class _Slot:
    """An actor, and the trial that it runs."""

    actor: Any
    known: set[int] = field(default_factory=set)
    number: int = -1
    serial: int = 0  # of its run: a trial may run again
    channel: Channel | None = None
    message: Any = None  # the reference to wait for


@final
class Ray:
    """Runs each trial in a process beside a Ray actor, up to ``slots`` at once.

    Luthier must be installed on the nodes, in the same version. A trial whose actor or node is
    lost is run again, from its last checkpoint if it saved one; checkpoints need a folder that
    all nodes share.

    Args:
        address: As ``ray.init`` takes it. None: the Ray that runs on this machine, or else one
            started here for the time of the run. Where this process is connected to a Ray already,
            that is used.
        slots: How many trials run at once. None: as many as the cluster has room for, however
            large it is just then.
        resources: What each trial gets: "cpu" (1 if not given), the threads that numerical
            libraries use as well; "gpu", as 2 or 0.5; "memory" in bytes, which Ray counts but
            doesn't enforce; and others by the names that your cluster gives them.
        time_limit: How long a trial may run, in seconds, as a timedelta or text such as "10 min".
        memory_limit: How much main memory a trial may take, as bytes or text such as "4GB".
        grace: Seconds between SIGTERM, which raises SystemExit in the objective, and SIGKILL.
        fresh: Start a new process for every trial.

    Raises:
        ArgumentError: An argument that makes no sense.
        MissingExtraError: ``ray`` isn't installed.

    Example:
        >>> executor = Ray(slots=4, resources={"cpu": 2, "gpu": 0.5})  # nothing is opened yet
        >>> executor.slots
        4
    """

    def __init__(
        self,
        address: str | None = None,
        slots: int | None = None,
        *,
        resources: Mapping[str, float] | None = None,
        time_limit: float | str | datetime.timedelta | None = None,
        memory_limit: int | str | None = None,
        grace: float = 5.0,
        fresh: bool = False,
    ) -> None:
        require_extra("ray", "ray", "The Ray executor")
        if not (address is None or isinstance(address, str)):
            raise ArgumentError(f"Ray: the address must be text or None, got {address!r}.")
        if slots is not None:
            checked_slots("Ray", slots)
        self._needs = {"cpu": 1.0, **_checked(resources)}
        self._settings = settings(time_limit, memory_limit, grace, fresh, self._needs["cpu"])
        self._address = address
        self._given = slots
        self._room = 0
        self._looked_at = -math.inf
        self._ray: Any = None
        self._started = False  # Ray itself, by us
        self._slots: list[_Slot] = []
        self._count = 0
        self._ended: list[Ended] = []
        self._parcels = Parcels(elsewhere=True)
        self._stored: dict[int, Any] = {}  # what works share, in Ray's object store

    @property
    def slots(self) -> int:
        """How many trials run at once."""
        if self._given is not None:
            return self._given
        now = time.monotonic()
        if now >= self._looked_at + _LOOK_SECONDS:
            self._looked_at = now
            self._room = max(1, self._fitting(self._open().cluster_resources()))
        return self._room

    def submit(self, number: int, work: Work, channel: Channel) -> None:
        """Give the trial to an actor; start one if need be.

        Raises:
            UnsendableError: The objective can't be pickled; the message names the part.
            ArgumentError: No slot is free.
        """
        if len(self._busy) >= self.slots:
            raise full(number, self.slots)
        parcel = self._parcels.pack(work)
        ray = self._open()
        idle = [slot for slot in self._slots if slot.message is None]
        slot = idle[0] if idle else self._start()
        for token, packed in parcel.shared.items():
            if token not in self._stored:
                self._stored[token] = ray.put(packed)
        # A reference within a container isn't followed by Ray: the actor fetches what it needs.
        new = {t: None if t in slot.known else [self._stored[t]] for t in parcel.shared}
        slot.known = set(parcel.shared)
        self._count += 1
        slot.number, slot.serial, slot.channel = number, self._count, channel
        slot.message = slot.actor.begin.remote(slot.serial, number, parcel.content, new)

    def wait(self, timeout: float | None = None) -> list[Ended]:
        """Answer what trials ask until one has ended, and return all that have.

        Args:
            timeout: Seconds; after them the list may be empty.

        Raises:
            UnsendableError: A worker can't rebuild the objective.
            ExecutorError: The cluster can't run trials.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while (busy := self._busy) and not self._ended:
            patience = None if until is None else max(0.0, until - time.monotonic())
            messages = [slot.message for slot in busy]
            come, _ = self._ray.wait(messages, num_returns=1, timeout=patience)
            if come and len(busy) > 1:
                come, _ = self._ray.wait(messages, num_returns=len(messages), timeout=0)
            for slot in busy:
                if slot.message in come:
                    self._hear(slot)
            if until is not None and time.monotonic() >= until:
                break
        ended, self._ended = self._ended, []
        return ended

    def cancel(self, number: int) -> bool:
        """End a running trial: SIGTERM, and SIGKILL after the grace."""
        for slot in self._busy:
            if slot.number == number:
                slot.actor.cancel.remote(slot.serial)
                return True
        return False

    def shutdown(self) -> None:
        """End the actors and their processes; Ray stays, unless it was started for this."""
        for slot in self._slots:
            self._ray.kill(slot.actor)
        self._slots.clear()
        self._ended.clear()
        self._stored.clear()
        if self._started:
            self._ray.shutdown()
            self._started = False
        self._ray = None

    @property
    def _busy(self) -> list[_Slot]:
        return [slot for slot in self._slots if slot.message is not None]

    def _open(self) -> Any:
        """Return the package, connected."""
        if self._ray is None:
            ray = require_extra("ray", "ray", "The Ray executor")
            if not ray.is_initialized():
                try:
                    ray.init(self._address, **_QUIET)
                except ConnectionError as error:
                    raise ExecutorError(
                        f"The Ray cluster must be reachable, {self._address or 'the one here'} "
                        f"isn't: {error}. Does it run, with --ray-client-server-port for ray://, "
                        "and with the same RAY_AUTH_MODE and token as here?"
                    ) from error
                self._started = True
            self._ray = ray
        return self._ray

    def _fitting(self, there: Mapping[str, float]) -> int:
        """How many trials fit into these resources, were they one machine's."""
        names = {"cpu": "CPU", "gpu": "GPU"}
        needs = {names.get(name, name): amount for name, amount in self._needs.items() if amount}
        return int(min(there.get(name, 0.0) / amount for name, amount in needs.items()))

    def _start(self) -> _Slot:
        others = {n: amount for n, amount in self._needs.items() if n not in _OURS}
        actor = self._ray.remote(_Actor).options(
            num_cpus=self._needs["cpu"],
            num_gpus=self._needs.get("gpu", 0),
            memory=self._needs.get("memory"),
            resources=others or None,
            max_concurrency=2,  # so that cancel is heard while a message is waited for
        )
        slot = _Slot(actor.remote(self._settings))
        self._slots.append(slot)
        return slot

    def _hear(self, slot: _Slot) -> None:
        """Take an actor's message; answer a call, and have it go on."""
        errors = importlib.import_module("ray.exceptions")
        try:
            ended, content = self._ray.get(slot.message)
        except errors.RayError as error:
            self._slots.remove(slot)
            if isinstance(error, errors.RayTaskError) or getattr(error, "actor_init_failed", False):
                raise ExecutorError(
                    f"A Ray actor can't run trials: {error}. It needs Luthier and all that the "
                    "objective imports, in the same versions as here.",
                    number=slot.number,
                ) from error
            self._ended.append((slot.number, lost(slot.number, error)))  # or its node
            return
        if ended:
            slot.message = None
            result = pickle.loads(content)  # noqa: S301  of our worker
            if isinstance(result, UnsendableError):
                raise result
            self._ended.append((slot.number, result))
            return
        _, method, *arguments = json.loads(content)
        slot.message = slot.actor.go_on.remote(serve(slot.channel, method, arguments))


@final
class _Actor:
    """A slot on a node: runs a trial at a time, and says what it wants when it is asked.

    Args:
        settings: What its ``Station`` is made with.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._station = Station(settings)
        self._cancelled: set[int] = set()
        self._works: queue.SimpleQueue[tuple[int, int, bytes, dict[int, bytes | None]]]
        self._works = queue.SimpleQueue()
        self._messages: queue.SimpleQueue[tuple[bool, bytes]] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def begin(
        self, serial: int, number: int, content: bytes, shared: Mapping[int, list[Any] | None]
    ) -> tuple[bool, bytes]:
        """Start a trial; return its first message: whether it has ended, and its call or result."""
        import ray

        fetched = {t: None if part is None else ray.get(part[0]) for t, part in shared.items()}
        self._works.put((serial, number, content, fetched))
        return self._messages.get()

    def go_on(self, answer: bytes) -> tuple[bool, bytes]:
        """Answer its call; return its next message."""
        self._answers.put(answer)
        return self._messages.get()

    def cancel(self, serial: int) -> None:
        """End a run of a trial, also one that hasn't begun: calls may overtake each other."""
        self._cancelled.add(serial)

    def _run(self) -> None:
        while True:
            serial, number, content, shared = self._works.get()
            relay = Relay(self._call, serial)
            result = self._station.run(
                number, content, shared, relay, functools.partial(self._is_cancelled, serial)
            )
            self._messages.put((True, result))

    def _is_cancelled(self, serial: int) -> bool:
        return serial in self._cancelled

    def _call(self, call: bytes) -> bytes:
        self._messages.put((False, call))
        return self._answers.get()


def _checked(resources: Mapping[str, float] | None) -> dict[str, float]:
    if resources is None or not isinstance(resources, Mapping):
        return checked_resources(resources)
    others = {name: amount for name, amount in resources.items() if name not in ("cpu", "gpu")}
    for name, amount in others.items():
        number = isinstance(amount, int | float) and not isinstance(amount, bool)
        if not isinstance(name, str) or not number or not 0 < amount < math.inf:
            raise ArgumentError(
                f"Ray: resources[{name!r}] must be a number above 0, got {amount!r}."
            )
    return checked_resources({n: a for n, a in resources.items() if n not in others}) | others
