"""The process executor: every trial in a process of its own, which can be ended at any moment.

The driver has one thread. All that workers want of it (reports, notes, checkpoints) is served
inside ``wait``, which sleeps until a worker says something, a worker ends, or a limit is due.
"""

from __future__ import annotations

import datetime
import logging
import os
import pickle
import selectors
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from luthier.core.amounts import read_seconds, read_size
from luthier.core.output import output_file, shorten
from luthier.errors import (
    ArgumentError,
    ExecutorError,
    UnsupportedError,
)
from luthier.executors.process.handle import Guard, Worker
from luthier.executors.process.manners import handle_record, levels, warning_filters
from luthier.executors.process.resources import checked_resources, environment
from luthier.executors.process.verdicts import (
    cancelled,
    died,
    too_large,
    too_long,
    unreadable,
)
from luthier.executors.slots import checked_slots, full

if TYPE_CHECKING:
    from luthier.core.jobs import Outcome
    from luthier.core.protocols import Channel, Work
    from luthier.executors.process.sending import Parcels

__all__ = ["Processes"]

logger = logging.getLogger("luthier")
_LOOK_SECONDS: Final = 0.2  # between looks at memory, and at ends where the system doesn't tell
_OUTPUT_SECONDS: Final = 1.0  # between looks at how much a trial has printed
_START_SECONDS: Final = 120.0  # for a process to start and to import what the objective needs
_FAR_OVER: Final = 1.25  # times the memory limit: no grace any more
_PARTING_SECONDS: Final = 1.0  # for running trials to end when all is over


@final
@dataclass(slots=True)
class _Task:
    """A trial on its way."""

    number: int
    work: Work
    channel: Channel
    output: Path | None
    deadline: float
    started: bool = False
    verdict: ExecutorError | None = None  # why it is being ended
    result: Outcome | BaseException | None = None


@final
class Processes:
    """Runs each trial in a worker process, up to ``slots`` at once. Needs a POSIX system.

    Workers are started when they are first needed and run one trial after another; the objective
    is sent to each once, by ``cloudpickle``. The user's main script is not imported again. A
    worker that dies fails its own trial and no other.

    Args:
        slots: At least 1.
        time_limit: How long a trial may run, in seconds, as a timedelta or text such as "10 min".
        memory_limit: How much main memory a trial may take with all processes it starts, in bytes
            or as text such as "4GB".
        grace: Seconds between SIGTERM, which raises SystemExit in the objective, and SIGKILL.
        fresh: Start a new process for every trial.
        resources: What each trial gets: "cpu", how many threads numerical libraries use (an equal
            share of the cores if not given), and "gpu", as 2 or 0.5.
        logs: The folder that keeps what trials print. None: beside the study's storage; for a
            study in memory, they print where this process does. False: always there.

    Raises:
        ArgumentError: An argument that makes no sense.
        UnsupportedError: Not a POSIX system.

    Example:
        >>> Processes(2, time_limit="10 min", memory_limit="4GB").slots
        2
    """

    def __init__(
        self,
        slots: int,
        *,
        time_limit: float | str | datetime.timedelta | None = None,
        memory_limit: int | str | None = None,
        grace: float = 5.0,
        fresh: bool = False,
        resources: Mapping[str, float] | None = None,
        logs: str | os.PathLike[str] | bool | None = None,
    ) -> None:
        self._slots = checked_slots("Processes", slots)
        if os.name != "posix":
            raise UnsupportedError(
                "Processes need a POSIX system. On Windows use WSL, or threads: "
                'executor="thread:4".'
            )
        self._time_limit = None if time_limit is None else read_seconds(time_limit, "time_limit")
        self._memory_limit = (
            None if memory_limit is None else read_size(memory_limit, "memory_limit", "4GB")
        )
        self._grace = _checked_grace(grace)
        self._fresh = fresh
        self._resources = checked_resources(resources)
        self._variables = [environment(slot, slots, self._resources) for slot in range(slots)]
        self._logs = _checked_logs(logs)
        self._workers: dict[int, Worker] = {}
        self._tasks: dict[int, _Task] = {}  # by slot
        self._ended: list[tuple[int, Outcome | BaseException]] = []
        self._selector: selectors.BaseSelector | None = None
        self._guard: Guard | None = None
        self._parcels: Parcels | None = None
        self._looked_at = self._measured_at = 0.0

    @property
    def slots(self) -> int:
        """How many trials run at once."""
        return self._slots

    def submit(self, number: int, work: Work, channel: Channel) -> None:
        """Send the trial to a worker; start one if need be.

        Raises:
            UnsendableError: The objective can't be pickled; the message names the part.
            ArgumentError: No slot is free.
        """
        slot = self._free_slot()
        if slot is None:
            raise full(number, self._slots)
        output = self._output_of(number, work)
        self._launch(_Task(number, work, channel, output, self._deadline(_START_SECONDS)), slot)

    def wait(self, timeout: float | None = None) -> list[tuple[int, Outcome | BaseException]]:
        """Serve running trials until one has ended, and return all that have.

        Args:
            timeout: Seconds; after them the list may be empty.

        Raises:
            UnsendableError: A worker can't rebuild the objective.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while self._tasks and not self._ended:
            self._attend(self._patience(until))
            self._enforce()
            if until is not None and time.monotonic() >= until:
                break
        ended, self._ended = self._ended, []
        return ended

    def cancel(self, number: int) -> bool:
        """End a running trial: SIGTERM, and SIGKILL after the grace.

        Returns:
            Whether it was running. Then ``wait`` hands over a ``TrialCancelledError``, or its
            outcome if it ends by itself meanwhile.
        """
        for slot, task in self._tasks.items():
            if task.number == number:
                self._end(slot, cancelled(number))
                return True
        return False

    def shutdown(self) -> None:
        """End all workers and what they started; submit starts new ones."""
        busy = set(self._tasks)
        self._tasks.clear()
        self._ended.clear()
        for slot, worker in self._workers.items():
            self._stop_listening(worker)
            if slot in busy:
                worker.terminate(min(self._grace, _PARTING_SECONDS))
            else:
                worker.dismiss(max(self._grace, _PARTING_SECONDS))
        while self._workers:
            self._attend(_LOOK_SECONDS, heard=False)
            self._kill_the_late()
        self._parcels = None
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None
        if self._selector is not None:
            self._selector.close()
            self._selector = None

    # Workers

    def _free_slot(self) -> int | None:
        """A slot without a trial, best one whose worker is there already."""
        free = [slot for slot in range(self._slots) if slot not in self._tasks]
        return min(free, key=lambda slot: (slot not in self._workers, slot), default=None)

    def _launch(self, task: _Task, slot: int) -> None:
        if self._parcels is None:
            from luthier.executors.process.sending import Parcels

            self._parcels = Parcels()
        parcel = self._parcels.pack(task.work)
        worker = self._workers.get(slot)
        if worker is not None and (worker.exit_code is not None or worker.kill_at is not None):
            worker.kill()
            self._bury(worker)
            worker = None
        if worker is None:
            worker = self._start(slot)
        self._tasks[slot] = task
        new = {t: pickled for t, pickled in parcel.shared.items() if t not in worker.known}
        worker.known = set(parcel.shared)
        place = None if task.output is None else str(task.output)
        worker.outbox.post(("run", task.number, parcel.content, new, worker.known, place))

    def _start(self, slot: int) -> Worker:
        if self._guard is None:
            self._guard = Guard()
        if self._selector is None:
            self._selector = selectors.DefaultSelector()
        worker = self._workers[slot] = Worker(slot, self._variables[slot])
        self._guard.watch(worker.pid)
        for source in (worker.connection, worker.exit_signal):
            if source is not None:
                self._selector.register(source, selectors.EVENT_READ, worker)
        worker.outbox.post((levels(), warning_filters()))
        return worker

    def _bury(self, worker: Worker) -> int:
        """Let go of a worker that has ended, or is about to; return its exit code."""
        assert self._selector is not None
        assert self._guard is not None
        del self._workers[worker.slot]
        self._stop_listening(worker)
        if worker.exit_signal is not None:
            self._selector.unregister(worker.exit_signal)
        code = worker.bury()
        self._guard.forget(worker.pid)
        return code

    # Inside wait

    def _patience(self, until: float | None) -> float | None:
        """How long nothing is due, in seconds; None: until someone says something."""
        workers = self._workers.values()
        due = [worker.kill_at for worker in workers if worker.kill_at is not None]
        if self._time_limit is not None:
            due += [task.deadline for task in self._tasks.values() if task.verdict is None]
        now = time.monotonic()
        if self._memory_limit is not None or any(w.exit_signal is None for w in workers):
            due.append(now + _LOOK_SECONDS)
        if any(task.output is not None for task in self._tasks.values()):
            due.append(now + _OUTPUT_SECONDS)
        if until is not None:
            due.append(until)
        return max(0.0, min(due) - now) if due else None

    def _attend(self, patience: float | None, heard: bool = True) -> None:
        """Sleep until a worker says something or ends; hear it, or see to what it left."""
        assert self._selector is not None
        self._listen_for_room()
        events = self._selector.select(patience)
        for worker in {key.data.slot: key.data for key, _ in events}.values():
            worker.outbox.flush()
            if heard:
                self._hear(worker)
        for worker in list(self._workers.values()):
            if worker.exit_code is not None:
                self._settle(worker)

    def _listen_for_room(self) -> None:
        """Wake up when a worker takes more of what hasn't been sent to it yet."""
        assert self._selector is not None
        known = self._selector.get_map()
        for worker in self._workers.values():
            full = worker.outbox.is_full
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if full else 0)
            key = known.get(worker.connection)
            if key is not None and key.events != wanted:
                self._selector.modify(worker.connection, wanted, worker)

    def _stop_listening(self, worker: Worker) -> None:
        assert self._selector is not None
        if worker.connection in self._selector.get_map():
            self._selector.unregister(worker.connection)

    def _hear(self, worker: Worker) -> None:
        for kind, *message in worker.inbox.arrived():
            match kind:
                case "log":
                    handle_record(message[0])
                case "call":
                    self._serve(worker, *message)
                case "started":
                    task = self._tasks[worker.slot]
                    task.started, task.deadline = True, self._deadline()
                case "ended":
                    self._take(worker, _rebuilt(message[0]))
                case _:
                    self._refuse(worker, message[0])
        if worker.inbox.closed:
            self._stop_listening(worker)
            worker.dismiss(self._grace)

    def _serve(self, worker: Worker, call: int, method: str, arguments: tuple[Any, ...]) -> None:
        try:
            task = self._tasks.get(worker.slot)
            if task is None:
                raise ExecutorError(f"{method} was called when the trial had ended.")
            worker.outbox.post(("answer", call, getattr(task.channel, method)(*arguments)))
        except Exception as error:  # noqa: BLE001  raised in the trial
            worker.outbox.post(("refusal", call, error))

    def _take(self, worker: Worker, result: Outcome | BaseException) -> None:
        """A trial has ended. A worker that won't be used again ends first."""
        task = self._tasks[worker.slot]
        worker.served += 1
        if self._fresh or task.verdict is not None:
            task.result = result
            worker.dismiss(self._grace)
        else:
            self._deliver(worker.slot, result)

    def _refuse(self, worker: Worker, error: BaseException) -> None:
        raise unreadable(self._tasks.pop(worker.slot).number, error) from error

    def _settle(self, worker: Worker) -> None:
        """A worker has ended: hear its last words, then say what became of its trial."""
        if self._workers.get(worker.slot) is not worker:
            return
        while not worker.inbox.dry and worker.slot in self._tasks:
            self._hear(worker)
        task = self._tasks.get(worker.slot)
        code = self._bury(worker)
        if task is None:
            return
        if task.verdict is None and task.result is None and not task.started and worker.served:
            task.deadline = self._deadline(_START_SECONDS)
            self._launch(task, worker.slot)  # it died before it could begin
            return
        self._deliver(
            worker.slot,
            task.result
            or task.verdict
            or died(task.number, worker.pid, code, task.started, task.output),
        )

    def _deliver(self, slot: int, result: Outcome | BaseException) -> None:
        task = self._tasks.pop(slot)
        if task.output is not None:
            shorten(task.output)
        self._ended.append((task.number, result))

    # Limits

    def _deadline(self, allowance: float = 0.0) -> float:
        return time.monotonic() + (self._time_limit or 0.0) + allowance

    def _enforce(self) -> None:
        now = time.monotonic()
        if self._time_limit is not None:
            for slot, task in self._tasks.items():
                if now >= task.deadline and task.verdict is None:
                    self._end(slot, too_long(task.number, self._time_limit))
        if self._memory_limit is not None and now >= self._measured_at + _LOOK_SECONDS:
            self._measured_at = now
            for slot, task in self._tasks.items():
                self._check_memory(slot, task, self._memory_limit)
        if now >= self._looked_at + _OUTPUT_SECONDS:
            self._looked_at = now
            for task in self._tasks.values():
                if task.output is not None:
                    shorten(task.output)
        self._kill_the_late()

    def _check_memory(self, slot: int, task: _Task, limit: int) -> None:
        taken = self._workers[slot].memory
        if taken > limit and task.verdict is None:
            self._end(slot, too_large(task.number, taken, limit))
        if taken > _FAR_OVER * limit:
            self._workers[slot].kill()

    def _kill_the_late(self) -> None:
        now = time.monotonic()
        for worker in self._workers.values():
            if worker.kill_at is not None and now >= worker.kill_at:
                worker.kill()
                worker.kill_at = now + _LOOK_SECONDS

    def _end(self, slot: int, verdict: ExecutorError) -> None:
        self._tasks[slot].verdict = verdict
        self._workers[slot].terminate(self._grace)

    def _output_of(self, number: int, work: Work) -> Path | None:
        """The file for what a trial prints, in a folder that is there."""
        folder = getattr(work, "prints", None) if self._logs is None else self._logs
        if not isinstance(folder, Path):
            return None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            logger.warning("What trials print can't be kept, so they print here: %s.", error)
            self._logs = False
            return None
        return output_file(folder, number, getattr(work, "attempt", 1))


def _rebuilt(result: bytes) -> Outcome | BaseException:
    """What came of a trial; an exception that can't be rebuilt here is told in words."""
    try:
        return pickle.loads(result)  # type: ignore[no-any-return]  # noqa: S301  our worker's
    except Exception as error:  # noqa: BLE001  its class is known to the worker alone
        return ExecutorError(
            f"What came of the trial can't be read here: {type(error).__name__}: {error}. Raise "
            "exceptions, and record values, of classes that this process can import as well."
        )


def _checked_grace(grace: float) -> float:
    if isinstance(grace, bool) or not isinstance(grace, int | float) or not 0 <= grace < 1e9:
        raise ArgumentError(f"Processes: grace must be seconds, at least 0, got {grace!r}.")
    return float(grace)


def _checked_logs(logs: str | os.PathLike[str] | bool | None) -> Path | bool | None:
    if logs is None or logs is False:
        return logs
    if not isinstance(logs, str | os.PathLike):
        raise ArgumentError(f"Processes: logs must be a folder, None or False, got {logs!r}.")
    return Path(logs).expanduser().absolute()
