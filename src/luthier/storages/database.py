"""What the SQL storage needs of a database: to run a function in one transaction.

A storage hands in its work as a function, so that a database may run it again when it was
busy. The function gets ``execute`` and does nothing but execute statements and compute. It is
all that a new database has to bring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeVar

__all__ = ["Database", "Execute", "Rows"]

T = TypeVar("T")


class Rows(Protocol):
    """What a statement gives; it may be under way until its rows are asked for."""

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

    def write(self, work: Callable[[Execute], T], study: int | None = None) -> T:
        """Run work alone among writers; what it wrote is durable when this returns.

        If the work raises, nothing of it remains. If it is run again, what it wrote before has
        gone or, where the answer to a commit was lost, is there: then it can be read.

        Args:
            work: What to run.
            study: The only study it writes to, so that others' writers may run beside it: the
                work begins with an update of that study's row. None for work on the list of
                studies or on the schema.
        """
        ...

    def turn(self, study: int) -> AbstractContextManager[object]:
        """Wait for one's turn to add trials to a study; see ``Storage.turn``."""
        ...

    @property
    def tables_query(self) -> str:
        """The statement that gives the names of all tables there are."""
        ...

    @property
    def clustered(self) -> str:
        """What a table's definition ends with for its rows to be kept by their primary key."""
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

    @property
    def elsewhere(self) -> str:
        """Where to go if this place is taken, for messages."""
        ...

    @property
    def beside(self) -> Path:
        """The path that the names of its files start with: ``BESIDE.checkpoints``."""
        ...
