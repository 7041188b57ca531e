"""PostgreSQL, by psycopg 3, as the database of the SQL storage.

Writers of one study take turns on its row, which each updates first, so its versions appear in
the order in which they are committed and no reader ever misses one; different studies are
written in parallel. Whoever makes or deletes studies or tables takes an advisory lock instead.
Statements whose answers nobody waits for travel together (pipeline mode): a write costs two
trips to the server, however many statements it has.

A lost connection is made again, with pauses that grow, and the work is run anew, for as long as
``patience`` says. Was it lost in a COMMIT, the server may have done all of it: ``SqlStorage``
looks in the log for what it wrote before it writes it again. The study's row lock makes that
look a sound one, as a server process that is still committing holds it to its end.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import re
import time
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar, final
from urllib.parse import parse_qsl, quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from luthier.errors import (
    ArgumentError,
    LuthierError,
    StorageBusyError,
    StorageConnectionError,
    StorageCorruptError,
    StorageError,
    StorageFullError,
    StorageReadOnlyError,
)
from luthier.storages.database import Execute, Rows
from luthier.storages.pipeline import Pipeline, Statements
from luthier.storages.sql import SqlStorage

__all__ = ["PostgresqlDatabase", "postgresql_storage"]

T = TypeVar("T")
Connection = psycopg.Connection[tuple[Any, ...]]
Opening = Sequence[tuple[bytes, Sequence[Any]]]

logger = logging.getLogger("luthier")
logging.getLogger("psycopg").addHandler(logging.NullHandler())  # what it tells, we tell

_SCHEMA: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_MOST_IDLE: Final = 8
_FIRST_PAUSE: Final = 0.01
_LONGEST_PAUSE: Final = 2.0
_OLDEST: Final = 12  # the first that writes floats exactly
_DEFAULTS: Final = {
    "connect_timeout": "10",
    "fallback_application_name": "luthier",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
_READ: Final[Opening] = ((b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ()),)
_WRITE: Final = b"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_LOCK_ALL: Final = b"SELECT pg_advisory_xact_lock($1)"
_TAKE_TURN: Final = b"SELECT pg_advisory_xact_lock(hashtext(current_schema()), %s::int)"
_SHORT_WAIT: Final = b"SET LOCAL lock_timeout = '10s'"
_LOCK_KEY: Final = int.from_bytes(b"luthier")
_WRITE_STUDY: Final[Opening] = ((_WRITE, ()),)  # the work's first statement waits for its row
_WRITE_ALL: Final[Opening] = ((_WRITE, ()), (_LOCK_ALL, (_LOCK_KEY,)))
# A driver that stops in mid-transaction (SIGSTOP, a cut cable) must not hold its study for ever.
_SESSION: Final = (
    b"SELECT set_config('idle_in_transaction_session_timeout', '30s', false),"
    b" set_config('lock_timeout', %s, false),"
    b" CASE WHEN %s::text IS NULL THEN '' ELSE set_config('search_path', %s, false) END,"
    b" current_setting('server_encoding')"
)


def postgresql_storage(
    url: str, *, schema: str | None = None, patience: float = 120.0, create: bool = True
) -> SqlStorage:
    """Open a PostgreSQL database as a storage; its tables are made where they are missing.

    Args:
        url: ``postgresql://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require&schema=NAME``, with
            any option of libpq; what is left out comes from ``PGHOST``, ``PGPASSWORD``,
            ``~/.pgpass`` and the like.
        schema: The schema of the tables, made if it doesn't exist; the role's own
            ``search_path`` if None. With one each, many users share a database.
        patience: Seconds to wait for a server that is away, or for a lock.
        create: Whether to make the tables where there are none.

    Raises:
        ArgumentError: A bad argument.
        MissingExtraError: psycopg isn't installed.
        StorageError: The database can't be used; the subclass and the message say why.
    """
    return SqlStorage(PostgresqlDatabase(url, schema=schema, patience=patience), create=create)


@final
class PostgresqlDatabase:
    """A PostgreSQL database that runs work in transactions; arguments as ``postgresql_storage``.

    Each transaction has a connection of its own, so that threads don't wait for each other.
    Connections stay open for the next; a child process that was forked makes its own.
    """

    tables_query = "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema()"
    clustered = ""  # it has no such tables
    elsewhere = "another schema, such as postgresql://HOST/DATABASE?schema=luthier"

    def __init__(self, url: str, *, schema: str | None = None, patience: float = 120.0) -> None:
        if not patience >= 0:
            raise ArgumentError(f"patience must be a number of seconds >= 0, got {patience!r}.")
        given, named = _read_url(url)
        self._schema = _checked_schema(named if schema is None else schema)
        self._conninfo = make_conninfo("", **{**_DEFAULTS, **given, "client_encoding": "UTF8"})
        self._patience = patience
        self._place = _place(given, self._schema)
        self._reached = False
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._known: weakref.WeakKeyDictionary[Connection, Statements] = weakref.WeakKeyDictionary()
        weakref.finalize(self, _close_all, self._idle)
        _OPEN.add(self)

    @property
    def place(self) -> str:
        """Its URL, without the password."""
        return self._place

    @property
    def beside(self) -> Path:
        """A path in this user's home, since a server has no folder that its clients see."""
        home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
        return Path(home, "luthier", quote(self._place.partition("://")[2], safe="@:"))

    def read(self, work: Callable[[Execute], T]) -> T:
        """Run work that reads, on one consistent snapshot."""
        return self._persist(lambda: self._transact(_READ, work))

    def write(self, work: Callable[[Execute], T], study: int | None = None) -> T:
        """Run work alone among writers of a study, or of what isn't one study's."""
        opening = _WRITE_ALL if study is None else _WRITE_STUDY
        return self._persist(lambda: self._transact(opening, work))

    @contextlib.contextmanager
    def turn(self, study: int) -> Iterator[None]:
        """Take an advisory lock, which the server gives in the order of asking.

        It goes with its session; who doesn't get it in time goes on without it.
        """
        with contextlib.ExitStack() as held:
            with contextlib.suppress(psycopg.Error):
                connection = held.enter_context(self._lent())
                with connection.pipeline():
                    connection.execute(_WRITE)
                    connection.execute(_SHORT_WAIT)
                    connection.execute(_TAKE_TURN, (study,))
            yield

    @contextlib.contextmanager
    def _lent(self) -> Iterator[Connection]:
        """Lend a connection whose transaction ends afterwards, whatever has become of it."""
        connection = self._take()
        self._busy.add(connection)
        try:
            yield connection
        finally:
            self._busy.discard(connection)
            try:
                connection.execute(b"ROLLBACK")
                self._keep(connection)
            except psycopg.Error:
                connection.close()

    def initialise(self) -> None:
        """Make the schema, if one was named."""
        if self._schema is not None:
            statement = f'CREATE SCHEMA IF NOT EXISTS "{self._schema}"'
            self.write(lambda execute: execute(statement, ()))

    def close(self) -> None:
        """Close the connections; the next use opens a new one."""
        _close_all(self._idle)

    def __repr__(self) -> str:
        return f"PostgresqlDatabase({self.place!r})"

    def _transact(self, opening: Opening, work: Callable[[Execute], T]) -> T:
        with self._connection() as connection, self._pipeline(connection) as pipeline:

            def execute(statement: str, columns: Sequence[Any]) -> Rows:
                return pipeline.execute(_translated(statement), columns)

            for statement, columns in opening:
                pipeline.execute(statement, columns)
            try:
                result = work(execute)
            except LuthierError:  # the work refused: nothing is wrong with the connection
                pipeline.execute(b"ROLLBACK")
                pipeline.finish()
                raise
            pipeline.execute(b"COMMIT")
        return result

    def _pipeline(self, connection: Connection) -> Pipeline:
        return Pipeline(connection.pgconn, self._known[connection])

    @contextlib.contextmanager
    def _connection(self) -> Iterator[Connection]:
        """Lend a connection; whatever went wrong, its transaction has ended afterwards."""
        connection = self._take()
        self._busy.add(connection)
        try:
            yield connection
        except LuthierError:
            self._busy.discard(connection)
            self._keep(connection)
            raise
        except BaseException:
            self._busy.discard(connection)
            connection.close()
            raise
        self._busy.discard(connection)
        self._keep(connection)

    def _take(self) -> Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._open()

    def _keep(self, connection: Connection) -> None:
        if len(self._idle) < _MOST_IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    def _open(self) -> Connection:
        connection = psycopg.connect(self._conninfo, autocommit=True)
        try:
            version = connection.info.server_version // 10_000
            wait, schema = f"{max(1, round(1e3 * self._patience))}ms", self._schema
            path = None if schema is None else f'"{schema}"'
            [*_, encoding] = connection.execute(_SESSION, (wait, path, path)).fetchone() or ()
            if version < _OLDEST or encoding != "UTF8":
                raise StorageError(
                    f"The server must be PostgreSQL {_OLDEST} or newer and the database in UTF8, "
                    f"{self.place} is PostgreSQL {version} in {encoding}. Create a database with: "
                    "CREATE DATABASE luthier ENCODING 'UTF8' TEMPLATE template0",
                    place=self.place,
                )
        except BaseException:
            connection.close()
            raise
        self._reached = True
        self._known[connection] = Statements()
        return connection

    def _persist(self, attempt: Callable[[], T]) -> T:
        """Try until the server answers, patience ends, or something else is wrong."""
        deadline = time.monotonic() + self._patience
        pause = 0.0
        while True:
            try:
                return attempt()
            except psycopg.Error as error:
                state, told = error.sqlstate, " ".join(str(error).split()).rstrip(".")
                lost = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
            except UnicodeEncodeError as error:
                state, told, lost = "22021", repr(error.object)[:100], False
            # Raised out here, to leave the error itself behind: it holds the password.
            passing = state in _PASSING or (state is None and lost and self._may_return(told))
            if not passing or time.monotonic() >= deadline:
                raise self._explained(state, told, passing)
            if pause:
                logger.warning("No answer from %s, trying again: %s", self.place, told)
            self.close()  # what else was open went the same way
            pause = min(2 * pause, _LONGEST_PAUSE) or _FIRST_PAUSE
            time.sleep(pause * _random.uniform(0.5, 1))

    def _may_return(self, told: str) -> bool:
        """Whether a connection that was refused or lost may be had later."""
        if any(text in told for text in _REFUSED):
            return False
        return self._reached or any(text in told for text in _LATER)

    def _explained(self, state: str | None, told: str, passing: bool) -> LuthierError:
        if passing and state not in _LOCKED:
            return StorageConnectionError(
                f"The server must be reachable, {self.place} wasn't for {self._patience:g} s: "
                f"{told}. What was recorded is safe; start again when it is back.",
                place=self.place,
            )
        kind, message = _ERRORS.get(state, _OTHER)
        return kind(message.format(place=self.place, error=told), place=self.place)

    def _forget(self) -> None:
        """In a forked child: leave the parent's connections to the parent."""
        connections = [*self._idle, *self._busy]
        for connection in connections:
            with contextlib.suppress(OSError, psycopg.Error):
                os.close(connection.fileno())  # a closed one wouldn't end with the parent
        self._busy = set()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            connections.clear()
            self._idle.clear()


_random: Final = random.SystemRandom()  # forked children mustn't all return at once
_LOCKED: Final = frozenset({"55P03"})
_PASSING: Final = _LOCKED | {
    *("08000", "08001", "08003", "08004", "08006", "25P03", "40001", "40P01"),
    *("53300", "57P01", "57P02", "57P03", "57P05"),
}
_REFUSED: Final = (
    *("authentication failed", "no password supplied", "no pg_hba.conf entry"),
    *("does not exist", "permission denied"),
)
_LATER: Final = (
    *("starting up", "shutting down", "recovery", "too many clients", "too many connections"),
    "remaining connection slots",
)
_RIGHTS: Final = (
    StorageReadOnlyError,
    "The role must be allowed to use and create tables, {place} says: {error}. Grant it: GRANT "
    "USAGE, CREATE ON SCHEMA public TO ROLE; or name a schema of its own: ?schema=NAME",
)
_OTHER: Final = (StorageError, "PostgreSQL refused to work on {place}: {error}.")
_ERRORS: Final[dict[str | None, tuple[type[LuthierError], str]]] = {
    None: (
        StorageConnectionError,
        "There must be a server that accepts the user, {place} can't be opened: {error}. Check "
        "host, port, user, password and database; is the server running?",
    ),
    "55P03": (
        StorageBusyError,
        "{place} stayed locked by another process for too long: {error}. Is somebody in the middle "
        "of a transaction (see pg_stat_activity)? End it and go on.",
    ),
    "42501": _RIGHTS,
    "3F000": _RIGHTS,
    "25006": (
        StorageReadOnlyError,
        "The database must be writable, {place} says: {error}. Is it a replica? Name the primary.",
    ),
    "53100": (
        StorageFullError,
        "The server's disk is full, {place} says: {error}. What was recorded so far is safe; free "
        "some space and go on.",
    ),
    "54000": (
        ArgumentError,
        "Names of studies and keys of their state must fit into an index, some 2,700 bytes, "
        "{place} says: {error}. Choose a shorter one.",
    ),
    "22021": (ArgumentError, "Text to be stored must be valid Unicode, got {error}."),
    "XX001": (
        StorageCorruptError,
        "The database must be sound, {place} says: {error}. Restore a backup.",
    ),
}
_ERRORS["XX002"] = _ERRORS["XX001"]


@lru_cache(maxsize=256)
def _translated(statement: str) -> bytes:
    head, *rest = statement.split("?")
    return "".join([head, *(f"${n}{text}" for n, text in enumerate(rest, 1))]).encode()


def _read_url(url: str) -> tuple[dict[str, str], str | None]:
    """Return libpq's parameters, and the schema if one is named."""
    head, _, query = url.partition("?")
    options = parse_qsl(query, keep_blank_values=True)
    schema = next((value for name, value in options if name == "schema"), None)
    rest = urlencode([pair for pair in options if pair[0] != "schema"], quote_via=quote)
    plain = re.sub(r"^[^:]*", "postgresql", head, count=1)  # also of postgresql+psycopg://
    given = None
    with contextlib.suppress(psycopg.ProgrammingError):  # its words may hold the password
        parsed = conninfo_to_dict(f"{plain}?{rest}" if rest else plain)
        given = {name: str(value) for name, value in parsed.items()}
    if given is None or _is_misread(given):
        raise ArgumentError(
            "A PostgreSQL URL must have the form postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
            "?OPTION=VALUE, with options of libpq and schema=NAME, and what is given can't be "
            "read. Write / @ ? % in a password as %2F %40 %3F %25, or leave it to PGPASSWORD."
        )
    return given, schema


def _is_misread(given: dict[str, str]) -> bool:
    """Whether a password that wasn't quoted has been taken for something else."""
    plain_port = re.fullmatch(r"[0-9,]*", given.get("port", ""))
    return plain_port is None or "@" in given.get("host", "") + given.get("dbname", "")


def _checked_schema(schema: str | None) -> str | None:
    if schema is not None and not _SCHEMA.fullmatch(schema):
        raise ArgumentError(
            f"A schema's name must be letters, digits and _, up to 63, got {schema!r}.",
            schema=schema,
        )
    return schema


def _place(given: dict[str, str], schema: str | None) -> str:
    host, port = given.get("host", os.environ.get("PGHOST", "")), given.get("port")
    user, database = given.get("user"), given.get("dbname", os.environ.get("PGDATABASE", ""))
    options = {"host": host} if host.startswith("/") else {}
    options |= {} if schema is None else {"schema": schema}
    place = f"{user}@" if user else ""
    place += ("" if "host" in options else host) + (f":{port}" if port else "") + f"/{database}"
    return f"postgresql://{place}" + (f"?{urlencode(options, safe='/')}" if options else "")


def _close_all(connections: list[Connection]) -> None:
    while connections:
        connections.pop().close()


_OPEN: Final[weakref.WeakSet[PostgresqlDatabase]] = weakref.WeakSet()


def _forget_all() -> None:
    for database in list(_OPEN):
        database._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
