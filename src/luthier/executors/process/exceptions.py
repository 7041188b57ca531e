"""Exceptions on their way to another process.

Many can't make it as they are: they hold a lock or a model, or their class wants other arguments
than it passed on. Then their class and message go, so that ``catch`` and ``retries`` still know
them.
"""

from __future__ import annotations

import contextlib
import pickle
import traceback
from collections.abc import Iterator
from typing import Any, final

import cloudpickle

from luthier.errors import LuthierError

__all__ = ["portable"]


def portable(error: BaseException) -> object:
    """Return what can be pickled, and is an exception again when it is unpickled.

    Args:
        error: An exception. A note is added to it that says where it happened.

    Returns:
        The exception itself, or something that becomes one of its class and message, or of the
        nearest class above.
    """
    told = "".join(traceback.format_exception(error)).rstrip()
    error.add_note(f"In the worker process:\n{told}")
    for candidate in _candidates(error):
        with contextlib.suppress(Exception):
            pickle.loads(cloudpickle.dumps(candidate))  # noqa: S301  our own
            return candidate
    raise AssertionError("Exception itself can be pickled")


def _candidates(error: BaseException) -> Iterator[object]:
    yield error
    yield _Likeness(type(error), str(error), error.__notes__)
    for kind in type(error).__mro__[1:-2]:  # less BaseException and object
        yield _Likeness(kind, f"{type(error).__name__}: {error}", error.__notes__)


@final
class _Likeness:
    """Becomes an exception of a class, with this message."""

    def __init__(self, kind: type, message: str, notes: list[str]) -> None:
        self._given = kind, message, notes

    def __reduce__(self) -> tuple[Any, ...]:
        return _likeness, self._given


def _likeness(kind: Any, message: str, notes: list[str]) -> BaseException:
    error: BaseException
    if issubclass(kind, LuthierError):
        error = kind(message)
    else:  # its class may want other arguments
        error = kind.__new__(kind, message)
        error.args = (message,)
    error.__notes__ = notes
    return error
