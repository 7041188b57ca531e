"""Exceptions on their way to another process.

Many can't make it as they are: they hold a lock or a model, or their class wants other arguments
than it passed on. Then their class and message go, so that ``catch`` and ``retries`` still know
them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pickle
import traceback
from collections.abc import Iterator
from typing import Any, final

import cloudpickle

from luthier.errors import LuthierError

__all__ = ["pack_result", "portable"]

_TOLD = "In the worker process:"


def pack_result(result: Any) -> bytes:
    """Pickle what came of a trial; an exception that can't be is replaced by one like it.

    Args:
        result: An ``Outcome``, or an exception.
    """
    if isinstance(result, BaseException):
        return bytes(cloudpickle.dumps(portable(result)))
    try:
        if getattr(result, "exception", None) is not None:
            result = dataclasses.replace(result, exception=portable(result.exception))
        return bytes(cloudpickle.dumps(result))
    except Exception as error:  # noqa: BLE001  handed over
        return bytes(cloudpickle.dumps(portable(error)))


def portable(error: BaseException) -> object:
    """Return what can be pickled, and is an exception again when it is unpickled.

    Args:
        error: An exception. A note is added to it that says where it happened, by the first
            process that sends it on.

    Returns:
        The exception itself, or something that becomes one of its class and message, or of the
        nearest class above.
    """
    if not any(note.startswith(_TOLD) for note in getattr(error, "__notes__", ())):
        told = "".join(traceback.format_exception(error)).rstrip()
        error.add_note(f"{_TOLD}\n{told}")
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
