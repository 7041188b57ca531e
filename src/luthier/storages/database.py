"""What the SQL storage needs of a database: to run a function in one transaction.

A storage hands in its work as a function, so that a database may run it again when it was
busy. The function gets ``execute`` and does nothing but execute statements and compute. It is
all that a new database has to bring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

__all__ = ["Database", "Execute", "Rows"]

T = TypeVar("T")


class Rows(Protocol):
    """What a statement gave: an open cursor."""

    @property
    def rowcount(self) -> int:
        """How many rows an UPDATE or DELETE changed."""
        ...

    def fetchone(self) -> Any:
        """The next row as a tuple, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """All remaining rows, as tuples."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


Execute = Callable[[str, Sequence[Any]], Rows]
"""Run one statement; its placeholders are ``?``, whatever the database calls them."""


class Database(Protocol):
    """Runs work in transactions. Thread-safe and fork-safe. Errors are ``StorageError``s."""

    def read(self, work: Callable[[Execute], T]) -> T:
        """Run work that reads, on one consistent snapshot."""
        ...

    def write(self, work: Callable[[Execute], T]) -> T:
        """Run work alone among writers; what it wrote is durable when this returns.

        If the work raises, nothing of it remains.
        """
        ...

    @property
    def tables_query(self) -> str:
        """The statement that gives the names of all tables there are."""
        ...

    def initialise(self) -> None:
        """Make an empty database ready for its first table."""
        ...

    def close(self) -> None:
        """Release connections; they come back when needed."""
        ...

    @property
    def place(self) -> str:
        """Where it is, for messages: a path or URL without secrets."""
        ...
