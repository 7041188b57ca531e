"""Messages between a driver and its workers: pickled tuples, each behind its length.

Both ends are our own processes on one machine, joined by a socket that nobody else has. Nothing
that was stored, or came over a network, is ever read like this.

    driver -> worker    (levels of loggers, filters of warnings)     first of all
                        ("run", number, content, {token: shared}, tokens in use, output file)
                        ("answer", call, value), ("refusal", call, exception)
    worker -> driver    ("started",)
                        ("call", call, method, arguments)            answered
                        ("log", record)                              not answered
                        ("ended", content of an Outcome or exception)
                        ("unreadable", exception)         instead of "started" and "ended"
"""

from __future__ import annotations

import pickle
import socket
import struct
from typing import Any, Final, final

__all__ = ["Inbox", "Outbox", "send"]

_LENGTH: Final = struct.Struct("<Q")
_CHUNK: Final = 2**18

Message = tuple[Any, ...]


def send(connection: socket.socket, message: Message) -> None:
    """Send a message, and wait until the system has taken it.

    Args:
        connection: The socket.
        message: Its kind, and what goes with it.

    Raises:
        ConnectionError: The other end is gone.
        Exception: What can't be pickled.
    """
    connection.sendall(_packed(message))


def _packed(message: Message) -> bytes:
    import cloudpickle

    content = bytes(cloudpickle.dumps(message))
    return _LENGTH.pack(len(content)) + content


@final
class Outbox:
    """Sends messages to a socket as far as that takes them, and keeps the rest for later.

    So nobody is held up by a large message to a process that doesn't read, as one that is stopped.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._unsent = bytearray()

    @property
    def is_full(self) -> bool:
        """Whether something is left to be sent."""
        return bool(self._unsent)

    def post(self, message: Message) -> None:
        """Send a message, at once or later; one that is dying doesn't get it.

        Raises:
            Exception: What can't be pickled.
        """
        self._unsent += _packed(message)
        self.flush()

    def flush(self) -> None:
        """Send what can be sent now."""
        try:
            while self._unsent:
                with memoryview(self._unsent) as unsent:
                    taken = self._connection.send(unsent, socket.MSG_DONTWAIT)
                del self._unsent[:taken]
        except BlockingIOError:
            pass
        except ConnectionError:
            self._unsent.clear()


@final
class Inbox:
    """Reads messages from a socket, as they come or by waiting for the next."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._unread = bytearray()
        self.closed = False
        self.dry = False  # whether there was nothing to read when it was last tried

    def arrived(self) -> list[Message]:
        """Return the messages that are there, without waiting; notes if there will be no more.

        A sender that was interrupted in the middle of one can't be understood any more.
        """
        self._read(socket.MSG_DONTWAIT)
        messages: list[Message] = []
        try:
            while (message := self._next()) is not None:
                messages.append(message)
        except Exception:  # noqa: BLE001  whatever bytes out of place make of pickle
            self.closed = True
        return messages

    def wait(self) -> Message:
        """Wait for the next message.

        Raises:
            EOFError: There will be none: the other end is gone.
        """
        while (message := self._next()) is None:
            self._read(0)
            if self.closed:
                raise EOFError
        return message

    def _read(self, flags: int) -> None:
        try:
            chunk = self._connection.recv(_CHUNK, flags)
        except BlockingIOError:
            self.dry = True
            return
        except ConnectionError:  # no wider: an alarm's TimeoutError is an OSError too
            chunk = b""
        self._unread += chunk
        self.dry = self.closed = not chunk

    def _next(self) -> Message | None:
        if len(self._unread) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(self._unread)[0]
        if len(self._unread) < end:
            return None
        with memoryview(self._unread) as unread:
            message: Message = pickle.loads(unread[_LENGTH.size : end])  # noqa: S301  from our own
        del self._unread[:end]
        return message
