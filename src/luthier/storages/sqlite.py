"""SQLite, from the standard library, as the database of the SQL storage.

The file is in WAL mode: readers never wait for the writer, nor it for them. With
``synchronous="normal"`` a commit survives the death of the process at any instant, kill -9
included; when the power fails, the last moments may be lost, but the file is never damaged.
``"full"`` waits for the disk at every commit, and loses nothing then either.

One connection per process serves all its threads, one transaction at a time: SQLite has one
writer anyway, and Python's lock wakes a waiting thread sooner than SQLite's polling. Before
the process forks, the connection is closed, since SQLite's must not be carried into a child.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, TypeVar, final

from luthier.errors import (
    ArgumentError,
    StorageBusyError,
    StorageCorruptError,
    StorageError,
    StorageForeignError,
    StorageFullError,
    StorageReadOnlyError,
)
from luthier.storages.database import Execute
from luthier.storages.sql import SqlStorage

__all__ = ["SqliteDatabase", "sqlite_storage"]

T = TypeVar("T")
_FIRST_PAUSE: Final = 0.0002  # a transaction's length
_LONGEST_PAUSE: Final = 0.02
_GROWTH: Final = 1.5  # of the pauses
_LONGEST_LOG: Final = 9 << 19  # bytes; a thousand pages, where SQLite's own way begins, and some
_LOG_WRITES: Final = 16  # between looks at its length
_LOG_SECONDS: Final = 0.1
_LOG_WAIT_MS: Final = 50


def sqlite_storage(
    path: str | os.PathLike[str],
    *,
    synchronous: Literal["normal", "full"] = "normal",
    patience: float = 120.0,
    create: bool = True,
) -> SqlStorage:
    """Open a SQLite file as a storage; create it if it doesn't exist.

    Args:
        path: The file; its directory must exist, on a local disk.
        synchronous: "normal" survives the death of the process at any instant; after a power
            cut the last moments may be missing. "full" waits for the disk at each commit.
        patience: Seconds to wait for other processes before ``StorageBusyError``.
        create: Whether to make the tables where there are none.

    Raises:
        ArgumentError: A bad argument.
        StorageError: The file can't be used; the subclass and the message say why.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     storage = sqlite_storage(f"{directory}/runs.db")
        ...     storage.studies()
        ...     storage.close()
        []
    """
    database = SqliteDatabase(path, synchronous=synchronous, patience=patience)
    return SqlStorage(database, create=create)


@final
class SqliteDatabase:
    """A SQLite file that runs work in transactions; see ``sqlite_storage`` for the arguments."""

    tables_query = (
        "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) != 'sqlite_'"
    )

    clustered = " WITHOUT ROWID"
    elsewhere = "another file"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        synchronous: Literal["normal", "full"] = "normal",
        patience: float = 120.0,
    ) -> None:
        if synchronous not in _SYNCHRONOUS:
            raise ArgumentError(f"synchronous must be 'normal' or 'full', got {synchronous!r}.")
        if not patience >= 0:
            raise ArgumentError(f"patience must be a number of seconds >= 0, got {patience!r}.")
        self._path = Path(os.path.abspath(os.path.expanduser(path)))
        self._log = f"{self._path}-wal"
        self._longest_log = _LONGEST_LOG
        self._writes = 0
        self._synchronous = _SYNCHRONOUS[synchronous]
        self._patience = patience
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._check_path()
        _OPEN.add(self)

    @property
    def place(self) -> str:
        """The file's absolute path."""
        return str(self._path)

    @property
    def beside(self) -> Path:
        """The file itself."""
        return self._path

    def read(self, work: Callable[[Execute], T]) -> T:
        """Run work that reads, on one consistent snapshot.

        Where neither the file nor its directory can be written, SQLite's shared-memory file
        can't exist; then nobody else writes either, and the file is read without it.
        """
        try:
            return self._persist(lambda: self._transact("BEGIN", work))
        except StorageReadOnlyError:
            if not self._is_settled():
                raise
        return self._persist(lambda: self._read_alone(work))

    def write(self, work: Callable[[Execute], T], study: int | None = None) -> T:
        """Run work alone among writers, of any study, in one durable transaction."""

        def attempt() -> T:
            result = self._transact("BEGIN IMMEDIATE", work)
            self._empty_log()
            return result

        return self._persist(attempt)

    def _empty_log(self) -> None:
        """Bring a log that has grown too long into the database, and begin it anew.

        SQLite's own way, after each commit from a thousand pages on, never comes to begin it anew
        while others write all the time: it waits for nobody. Then the log grows to many times the
        database, and many commits synchronise the disk. Where somebody reads for long, this one
        fails too; then it is tried again, for longer, when the log has grown by as much.
        """
        self._writes += 1
        if self._writes % _LOG_WRITES:
            return
        with contextlib.suppress(OSError, sqlite3.Error):  # what was written is safe
            size = os.stat(self._log).st_size
            if size >= self._longest_log:
                emptied = _emptied(self._connect(), _LOG_SECONDS * size / _LONGEST_LOG)
                self._longest_log = _LONGEST_LOG if emptied else size + _LONGEST_LOG

    def turn(self, study: int) -> contextlib.AbstractContextManager[object]:
        """Nothing to wait for: on one machine, looking again costs less than taking turns."""
        return contextlib.nullcontext()

    def initialise(self) -> None:
        """Switch the file to WAL mode; it stays in it."""
        self._persist(lambda: self._connect().execute("PRAGMA journal_mode = WAL").close())

    def close(self) -> None:
        """Close the connection; the next use opens a new one."""
        with self._lock:
            self._disconnect()

    def __repr__(self) -> str:
        return f"SqliteDatabase({self.place!r})"

    def __del__(self) -> None:
        if getattr(self, "_connection", None) is not None:
            self._disconnect()

    def _read_alone(self, work: Callable[[Execute], T]) -> T:
        with contextlib.closing(self._open("?immutable=1")) as connection:
            return work(connection.execute)

    def _transact(self, begin: str, work: Callable[[Execute], T]) -> T:
        connection = self._connect()
        _begin(connection, begin)
        try:
            result = work(connection.execute)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result

    def _persist(self, attempt: Callable[[], T]) -> T:
        """Try until the database isn't busy, patience ends, or something else is wrong."""
        with self._lock:
            deadline = time.monotonic() + self._patience
            pause = _FIRST_PAUSE
            while True:
                try:
                    return attempt()
                except sqlite3.Error as error:
                    if _primary_code(error) not in _BUSY:
                        raise _explained(error, self.place) from error
                    if time.monotonic() >= deadline:
                        raise _busy(self.place, self._patience) from error
                except UnicodeEncodeError as error:
                    raise ArgumentError(
                        f"Text to be stored must be valid Unicode, got {error.object!r:.100}."
                    ) from error
                pause = _rest(pause)

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            self._check_path()
            self._connection = self._open("")
            self._file = self._identity()
        elif self._file != self._identity():
            raise StorageError(
                f"A storage must stay where it is while it is open, {self.place} was removed or "
                "replaced. Put the file back, or start again; the latest results may be lost.",
                place=self.place,
            )
        return self._connection

    def _identity(self) -> tuple[int, int] | None:
        """Which file stands at the path: SQLite would go on writing to one that was removed."""
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _open(self, options: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path.as_uri() + options,
            uri=True,
            timeout=0,  # SQLite's own waiting sleeps too long, and is deaf to Ctrl-C
            isolation_level=None,
            check_same_thread=False,  # one thread at a time: self._lock
        )
        connection.execute(self._synchronous)
        return connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _check_path(self) -> None:
        if self._path.is_dir():
            raise StorageError(
                f"A storage must be a file, {self.place} is a directory. "
                f"Name a file in it: {self._path / 'runs.db'}.",
                place=self.place,
            )
        if not self._path.parent.is_dir():
            raise StorageError(
                f"The directory of a storage must exist, there is no {self._path.parent}. "
                f"Create it, or choose another place than {self.place}.",
                place=self.place,
            )

    def _is_settled(self) -> bool:
        """Whether the file exists and no log beside it holds more recent commits."""
        log = Path(self._log)
        return self._path.is_file() and not (log.exists() and log.stat().st_size)


_random: Final = random.Random()  # no two processes in step
_SYNCHRONOUS: Final = {
    "normal": "PRAGMA synchronous = NORMAL",
    "full": "PRAGMA synchronous = FULL",
}
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_ERRORS: Final[dict[int, tuple[type[StorageError], str]]] = {
    sqlite3.SQLITE_CORRUPT: (
        StorageCorruptError,
        "The file must be sound, {place} is damaged. Restore a copy, or save what can be read "
        "with: sqlite3 FILE .recover",
    ),
    sqlite3.SQLITE_NOTADB: (
        StorageForeignError,
        "A storage must be a SQLite file, {place} is something else, or its beginning is damaged. "
        "It was left as it is: choose another file.",
    ),
    sqlite3.SQLITE_READONLY: (
        StorageReadOnlyError,
        "The file and its directory must be readable and writable, {place} isn't. "
        "Change its permissions, or copy it to a place where you may write.",
    ),
    sqlite3.SQLITE_FULL: (
        StorageFullError,
        "The disk that holds {place} is full. What was recorded so far is safe; free some space "
        "and go on.",
    ),
    sqlite3.SQLITE_IOERR: (
        StorageError,
        "The disk must be able to read and write {place}, the system says: {error}. "
        "Check the disk; network drives aren't suited.",
    ),
}
_ERRORS[sqlite3.SQLITE_CANTOPEN] = _ERRORS[sqlite3.SQLITE_READONLY]
_ERRORS[sqlite3.SQLITE_PERM] = _ERRORS[sqlite3.SQLITE_READONLY]


def _begin(connection: sqlite3.Connection, statement: str) -> None:
    """Begin a transaction; while another process is writing, look again for some time."""
    pause = _FIRST_PAUSE
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if _primary_code(error) not in _BUSY or pause >= _LONGEST_PAUSE:
                raise
        else:
            return
        pause = _rest(pause)


def _emptied(connection: sqlite3.Connection, seconds: float) -> bool:
    """Try for so long to bring all of the log into the database, and to cut it off."""
    until, pause = time.monotonic() + seconds, _FIRST_PAUSE
    connection.execute(f"PRAGMA busy_timeout = {_LOG_WAIT_MS}")  # for who writes or reads
    try:
        while True:
            [[failed, *_]] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if not failed or time.monotonic() >= until:
                return not failed
            pause = _rest(pause)  # another process may be at it
    finally:
        connection.execute("PRAGMA busy_timeout = 0")


def _rest(pause: float) -> float:
    """Sleep about so long; return how long to sleep the next time."""
    time.sleep(pause * _random.uniform(0.5, 1.5))
    return min(_GROWTH * pause, _LONGEST_PAUSE)


def _primary_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _explained(error: sqlite3.Error, place: str) -> StorageError:
    kind, message = _ERRORS.get(
        _primary_code(error), (StorageError, "SQLite refused to work on {place}: {error}.")
    )
    return kind(message.format(place=place, error=error), place=place)


def _busy(place: str, patience: float) -> StorageBusyError:
    return StorageBusyError(
        f"{place} stayed locked by other processes for {patience:g} s. Is one of them stopped, "
        "or a database browser in the middle of a transaction? End it and go on.",
        place=place,
    )


_OPEN: Final[weakref.WeakSet[SqliteDatabase]] = weakref.WeakSet()
_HELD: Final[dict[int, list[SqliteDatabase]]] = {}  # by the thread that is forking


def _before_fork() -> None:
    held = sorted(_OPEN, key=id)  # one order for all threads
    for database in held:
        database._lock.acquire()
        database._disconnect()
    _HELD[threading.get_ident()] = held


def _after_fork() -> None:
    for database in _HELD.pop(threading.get_ident(), ()):
        database._lock.release()


def _after_fork_in_child() -> None:
    _random.seed()
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child
    )
