"""Calls over TCP, for pools that offer no way back: the trial calls, the driver answers.

Both ends prove that they hold a key which travels with the work, before anything else is read. The
content isn't encrypted: for one machine, or a network that is trusted.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, answer_challenge, deliver_challenge
from typing import Final, final

from luthier.errors import ExecutorError

__all__ = ["Desk", "Line", "Place"]

_HERE: Final = "127.0.0.1"
_KEY_BYTES: Final = 32

Hear = Callable[[bytes, Callable[[bytes], None]], None]
"""Takes a call, and what its answer is to be given to."""


@final
@dataclass(frozen=True, slots=True)
class Place:
    """Where a driver is to be called.

    Attributes:
        host: Its name or address.
        port: Its port.
        key: What both must hold.
    """

    host: str
    port: int
    key: bytes


@final
class Desk:
    """The driver's end: takes calls from anywhere, and leaves them to another thread.

    Args:
        host: By what name workers reach this machine; None: they are on it, and nobody else is
            heard.
        hear: What each call is given to.
    """

    def __init__(self, host: str | None, hear: Hear) -> None:
        self._hear = hear
        self._socket = socket.create_server((_HERE if host is None else "", 0))
        self._callers: set[socket.socket] = set()
        self.place = Place(host or _HERE, self._socket.getsockname()[1], os.urandom(_KEY_BYTES))
        threading.Thread(target=self._accept, name="luthier-desk", daemon=True).start()

    def close(self) -> None:
        """Hang up on everyone."""
        for one in (self._socket, *self._callers):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:  # closed
                return
            self._callers.add(caller)
            name = "luthier-caller"
            threading.Thread(target=self._attend, args=(caller,), name=name, daemon=True).start()

    def _attend(self, caller: socket.socket) -> None:
        """Bring one caller's calls to the driver, and the answers back."""
        gone = (OSError, EOFError, AuthenticationError)
        with caller, Connection(os.dup(caller.fileno())) as connection, contextlib.suppress(*gone):
            deliver_challenge(connection, self.place.key)
            answer_challenge(connection, self.place.key)
            answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
            while True:
                self._hear(connection.recv_bytes(), answers.put)
                connection.send_bytes(answers.get())
        self._callers.discard(caller)


@final
class Line:
    """A trial's end: a connection to the driver, made when it is first needed.

    Args:
        place: Where the driver is.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def send(self, call: bytes) -> bytes:
        """Make a call, and wait for its answer.

        Raises:
            ExecutorError: There is no driver any more, or no way to it.
        """
        place = self._place
        try:
            with self._lock:
                if self._connection is None:
                    self._connection = Client((place.host, place.port), authkey=place.key)
                self._connection.send_bytes(call)
                return self._connection.recv_bytes()
        except (OSError, EOFError, AuthenticationError) as error:
            raise ExecutorError(
                f"A trial can't reach the process that runs its study, at {place.host} port "
                f"{place.port}: {type(error).__name__} {error}. Either that has ended, or this is "
                'another machine: give Futures(pool, slots, host="...") a name it knows.'
            ) from error

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
