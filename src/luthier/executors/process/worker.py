"""What runs in a worker process: one trial after another, until the driver hangs up."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import io
import logging
import logging.handlers
import os
import pickle
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, final

from luthier.errors import ExecutorError
from luthier.executors.process.exceptions import pack_result, portable
from luthier.executors.process.sending import unpack
from luthier.executors.process.wire import Inbox, send

if TYPE_CHECKING:
    from luthier.core.checkpoint import Checkpoint
    from luthier.core.jobs import Decision
    from luthier.core.trial import Metrics

__all__ = ["main"]

_DEATH_OF_PARENT: Final = 1  # PR_SET_PDEATHSIG of prctl(2)


@final
class _Terminated(SystemExit):
    """The driver wants this process to end: ``finally`` and ``with`` have their turn."""


def main(connection: int) -> None:
    """Run trials as they come.

    Args:
        connection: The socket to the driver, as a file number.
    """
    os.set_inheritable(connection, False)
    _die_with_the_driver()
    signal.signal(signal.SIGTERM, _terminated)
    faulthandler.enable()
    link = _Link(socket.socket(fileno=connection))
    output = _Output()
    shared: dict[int, object] = {}
    with contextlib.suppress(EOFError):
        levels, filters = link.wait()
        _listen(link, output, levels)
        _set_filters(filters)
        while True:
            _, _, content, new, used, place = link.wait()
            with output.into(place), link.in_trial():
                shared = {token: value for token, value in shared.items() if token in used}
                message = _run(link, content, shared, new)
            link.tell(*message)


def _run(
    link: _Link, content: bytes, shared: dict[int, object], new: Mapping[int, bytes]
) -> tuple[str, object]:
    """Run a trial; return what the driver is told, once all that it printed is in its place."""
    try:
        for token, pickled in new.items():
            shared[token] = unpack(pickled, shared)
        work = unpack(content, shared)
    except Exception as error:  # noqa: BLE001  the driver raises it
        return "unreadable", portable(error)
    link.tell("started")
    try:
        result = work(_Channel(link, link.trial))
    except _Terminated:
        raise
    except BaseException as error:  # noqa: BLE001  handed over to wait()
        result = error
    if link.is_forked:
        _leave(result)
    return "ended", pack_result(result)


@final
class _Link:
    """The connection to the driver, for all threads of this process."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._inbox = Inbox(connection)
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._calls = 0
        self._is_open = False
        self.trial = 0  # how many have begun here

    @property
    def is_forked(self) -> bool:
        """Whether this is a process that a trial has forked: the connection isn't its own."""
        return os.getpid() != self._pid

    @contextlib.contextmanager
    def in_trial(self) -> Iterator[None]:
        """Let a trial's calls through meanwhile. One that is under way at the end is answered.

        Between trials only ``wait`` may read: a thread that a trial has left behind would take
        the next trial for its answer.
        """
        with self._lock:
            self.trial += 1
            self._is_open = True
        yield
        with self._lock:
            self._is_open = False

    def wait(self) -> Any:
        """Wait for the next message that is no answer: those are to interrupted calls."""
        while (message := self._inbox.wait())[0] in ("answer", "refusal"):
            pass
        return message

    def tell(self, *message: Any) -> None:
        """Send a message that isn't answered."""
        with self._lock:
            try:
                send(self._connection, message)
            except ConnectionError:
                _end()

    def call(self, trial: int, method: str, *arguments: Any) -> Any:
        """Have the driver do something for a trial, and wait for what came of it."""
        if self.is_forked:
            raise ExecutorError(
                f"A trial's {method} must be called in the process that got the trial "
                f"({self._pid}), it was called in one that this forked ({os.getpid()}). Send "
                "what is to be reported back, and report it there."
            )
        with self._lock:
            if not self._is_open or trial != self.trial:
                raise ExecutorError(
                    f"A trial's {method} must be called before its objective returns, it was "
                    "called by a thread that went on. Join your threads in the objective."
                )
            self._calls += 1
            call, answered = self._calls, 0
            kind: str = ""
            value: Any = None
            self.tell("call", call, method, arguments)
            try:
                while answered != call:  # an earlier one's, if that was interrupted by SIGTERM
                    kind, answered, value = self._inbox.wait()
            except EOFError:
                _end()
        if kind == "refusal":
            raise value
        return value


@final
class _Channel:
    """A trial's channel to its study, from here to there and back."""

    def __init__(self, link: _Link, trial: int) -> None:
        self._link = link
        self._trial = trial

    def report(self, number: int, step: int, metrics: Metrics) -> Decision:
        return self._link.call(self._trial, "report", number, step, metrics)  # type: ignore[no-any-return]

    def set_attrs(self, number: int, attrs: Mapping[str, Any]) -> None:
        self._link.call(self._trial, "set_attrs", number, attrs)

    def checkpoint(self, number: int, checkpoint: Checkpoint) -> None:
        self._link.call(self._trial, "checkpoint", number, checkpoint)


@final
class _Output:
    """Leads what is printed, by compiled code too, into a trial's file while it runs."""

    def __init__(self) -> None:
        self.caught = False
        self._usual = os.dup(1), os.dup(2)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(line_buffering=True, errors="backslashreplace")

    @contextlib.contextmanager
    def into(self, place: str | None) -> Iterator[None]:
        """Write to a file meanwhile; None: to where the driver writes."""
        try:
            file = None if place is None else os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        except OSError as error:
            logging.getLogger("luthier").warning("What this trial prints can't be kept: %s", error)
            file = None
        if file is None:
            try:
                yield
            finally:
                _flush()  # else what C has printed would wait for this process's end
            return
        self._lead(file, file)
        os.close(file)
        self.caught = True
        try:
            yield
        finally:
            self._lead(*self._usual)
            self.caught = False
        if place is not None and os.path.getsize(place) == 0:
            os.unlink(place)

    def _lead(self, out: int, err: int) -> None:
        _flush()
        os.dup2(out, 1)
        os.dup2(err, 2)


@final
class _ToDriver(logging.handlers.QueueHandler):
    """Gives log records to the driver's loggers; in a trial's own file they stand as well."""

    def __init__(self, link: _Link, output: _Output) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self._link = link
        self._output = output
        self._plain = logging.Formatter(logging.BASIC_FORMAT)

    def enqueue(self, record: logging.LogRecord) -> None:
        if self._output.caught or self._link.is_forked:
            sys.stderr.write(self._plain.format(record) + "\n")
        if self._link.is_forked:
            return
        try:
            self._link.tell("log", record)
        except Exception:  # noqa: BLE001  what the user has attached to it can't be sent
            usual = vars(logging.makeLogRecord({}))
            kept = {name: value for name, value in vars(record).items() if name in usual}
            self._link.tell("log", logging.makeLogRecord(kept))


def _listen(link: _Link, output: _Output, levels: Mapping[str, int]) -> None:
    logging.getLogger().addHandler(_ToDriver(link, output))
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def _set_filters(filters: list[bytes]) -> None:
    """Warn of what the driver would warn of."""
    warnings.resetwarnings()
    for pickled in reversed(filters):
        with contextlib.suppress(Exception):  # of a class that isn't to be had here
            warnings.filterwarnings(*pickle.loads(pickled))  # noqa: S301  from our own driver


def _die_with_the_driver() -> None:
    with contextlib.suppress(OSError, AttributeError):  # a system without
        ctypes.CDLL(None).prctl(_DEATH_OF_PARENT, signal.SIGKILL)


def _flush() -> None:
    """Write out what Python and the C library hold back."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    ctypes.CDLL(None).fflush(None)


def _end() -> NoReturn:
    """The driver is gone in mid-trial: so is this process, and what it started."""
    os.killpg(0, signal.SIGKILL)
    raise AssertionError("unreachable")


def _leave(result: object) -> NoReturn:
    """End a process that a trial has forked, and that came back out of the objective."""
    code = result.code if isinstance(result, SystemExit) else isinstance(result, BaseException)
    _flush()
    os._exit(code if isinstance(code, int) else code is not None)


def _terminated(number: int, frame: object) -> NoReturn:
    raise _Terminated(128 + number)
