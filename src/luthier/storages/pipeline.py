"""Statements sent to PostgreSQL ahead of their answers, straight by libpq.

psycopg's cursors do much that these statements don't need: adapting types, choosing formats, a
wait for each statement. Here a statement is sent at once, its answer is read when somebody asks
for it, and one wait brings all answers there are. Values are numbers and text, both ways.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import count
from typing import Any, Final, TypeVar, final

import psycopg
from psycopg import errors, waiting
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

__all__ = ["Pipeline", "Statements"]

_TEXT: Final[Callable[[bytes], Any]] = bytes.decode
_READ: Final[dict[int, Callable[[bytes], Any]]] = {
    20: int,
    21: int,
    23: int,
    700: float,
    701: float,
}
T = TypeVar("T")
_Waiting = Generator[waiting.Wait, waiting.Ready | int, T]
_GOOD: Final = frozenset({ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK, ExecStatus.EMPTY_QUERY})


@final
class Statements:
    """What a connection has been asked so far: a statement seen twice is prepared."""

    def __init__(self) -> None:
        self._names: dict[bytes, bytes | None] = {}
        self._numbers = count()

    def name(self, statement: bytes) -> tuple[bytes | None, bool]:
        """The name of a statement, if it has or gets one; and whether it gets it only now."""
        if statement not in self._names:
            self._names[statement] = None
            return None, False
        name = self._names[statement]
        if name is not None:
            return name, False
        name = self._names[statement] = b"luthier%d" % next(self._numbers)
        return name, True


@final
class Pipeline:
    """Some statements on a connection, from ``with`` to the end of its block.

    At its end all answers have come, or the connection is of no use any more.

    Args:
        connection: libpq's, idle.
        statements: What it knows.
    """

    def __init__(self, connection: PGconn, statements: Statements) -> None:
        self._connection = connection
        self._statements = statements
        self._due: deque[_Answer] = deque()

    def __enter__(self) -> Pipeline:
        self._connection.enter_pipeline_mode()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.finish()

    def execute(self, statement: bytes, values: Sequence[Any] = ()) -> _Answer:
        """Send a statement with placeholders $1, $2, ...; its answer is read later."""
        name, new = self._statements.name(statement)
        texts = [*map(_text_of, values)]
        if name is None:
            self._connection.send_query_params(statement, texts)
        else:
            if new:
                self._connection.send_prepare(name, statement)
                self._due.append(_Answer(self))
            self._connection.send_query_prepared(name, texts)
        answer = _Answer(self)
        self._due.append(answer)
        return answer

    def fetch(self) -> None:
        """Read the answers to all that was sent: they come together.

        Raises:
            psycopg.Error: The server has refused one of the statements, or is gone.
        """
        self._connection.send_flush_request()
        self._wait(self._read())

    def finish(self) -> None:
        """Have what isn't in a transaction committed; read all answers."""
        self._connection.pipeline_sync()
        self._wait(self._read_to_the_end())
        self._connection.exit_pipeline_mode()

    def _wait(self, work: _Waiting[None]) -> None:
        waiting.wait(work, self._connection.socket, 0.1)

    def _read(self) -> _Waiting[None]:
        yield from self._send()
        while self._due:
            answer = self._due[0]
            while (result := (yield from self._result())) is not None:
                answer.rows = _rows(result)
            self._due.popleft()

    def _read_to_the_end(self) -> _Waiting[None]:
        yield from self._read()
        result = yield from self._result()
        if result is None or result.status != ExecStatus.PIPELINE_SYNC:
            raise psycopg.OperationalError("the server's answers are out of step")

    def _send(self) -> _Waiting[None]:
        while self._connection.flush():
            if (yield waiting.Wait.RW) & waiting.Ready.R:
                self._connection.consume_input()

    def _result(self) -> _Waiting[PGresult | None]:
        while self._connection.is_busy():
            yield waiting.Wait.R
            self._connection.consume_input()
        return self._connection.get_result()


@final
class _Answer:
    """The rows of a statement; asking for them reads all answers that are due."""

    __slots__ = ("_next", "_pipeline", "rows")

    def __init__(self, pipeline: Pipeline) -> None:
        self.rows: list[tuple[Any, ...]] | None = None
        self._pipeline = pipeline
        self._next = 0

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All remaining rows."""
        if self.rows is None:
            self._pipeline.fetch()
        rows = (self.rows or [])[self._next :]
        self._next += len(rows)
        return rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row, or None."""
        if self.rows is None:
            self._pipeline.fetch()
        assert self.rows is not None
        self._next += 1
        return self.rows[self._next - 1] if self._next <= len(self.rows) else None

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.fetchall())


def _rows(result: PGresult) -> list[tuple[Any, ...]]:
    if result.status not in _GOOD:
        if result.error_field(DiagnosticField.SQLSTATE) is None:  # not the server's, but libpq's
            raise psycopg.OperationalError(result.get_error_message())
        raise errors.error_from_result(result)
    columns = range(result.nfields)
    readers = [_READ.get(result.ftype(j), _TEXT) for j in columns]
    get = result.get_value
    return [
        tuple(
            [
                None if (value := get(i, j)) is None else read(value)
                for j, read in zip(columns, readers, strict=True)
            ]
        )
        for i in range(result.ntuples)
    ]


def _text_of(value: Any) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, str):
        if "\x00" in value:
            raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
        return value.encode()
    if isinstance(value, int):  # of an enumeration too
        return b"%d" % value
    return repr(float(value)).encode()
