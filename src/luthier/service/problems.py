"""What goes wrong, as problem documents (RFC 9457): a status, our message, and data for programs.

400  not JSON, or not HTTP as it should be         409  not possible in the present state
401  no token, or a wrong one                      413  too large
403  from a place that may not ask                 415  not JSON by its Content-Type
404  no such study, trial or path                  422  JSON, but not what is asked for
405  not by this method                            429  too many requests at once
408  the body took too long to arrive              503  the storage can't answer now
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, final

from luthier.errors import (
    ArgumentError,
    CheckpointMissingError,
    LuthierError,
    MissingExtraError,
    NoTrialError,
    ObjectiveError,
    ParamValueError,
    SpaceError,
    StorageError,
    StudyError,
    StudyNotFoundError,
    TrialNotFoundError,
    UnknownParamError,
    UnsupportedError,
)

__all__ = ["MEDIA_TYPE", "RefusedError", "problem_of"]

MEDIA_TYPE: Final = "application/problem+json"
logger = logging.getLogger("luthier")

# The first that fits counts: subclasses stand before their parents.
_STATUSES: Final[tuple[tuple[type[LuthierError], int], ...]] = (
    (StudyNotFoundError, 404),
    (TrialNotFoundError, 404),
    (NoTrialError, 404),
    (StudyError, 409),
    (CheckpointMissingError, 409),
    (StorageError, 503),
    (ArgumentError, 422),
    (ObjectiveError, 422),
    (ParamValueError, 422),
    (SpaceError, 422),
    (UnknownParamError, 422),
    (UnsupportedError, 422),
    (MissingExtraError, 422),
)


@final
class RefusedError(LuthierError):
    """A request that HTTP, the guard or a schema refuses.

    Args:
        status: The HTTP status.
        message: The rule, the place, the value got, the next step.
        headers: Headers that belong to the answer.
        **fields: Data for programs.
    """

    def __init__(
        self,
        status: int,
        message: str,
        headers: Mapping[str, str] | None = None,
        **fields: object,
    ) -> None:
        super().__init__(message, **fields)
        self.status = status
        self.headers = dict(headers or {})


def problem_of(error: Exception) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Return the status, the headers and the problem document of an error.

    An error that isn't one of ours is a bug: it is logged, and nothing of it is told.

    Example:
        >>> problem_of(ArgumentError("low must be below high"))[0]
        422
    """
    if isinstance(error, RefusedError):
        document = _document(error.status, "RefusedError", error.message)
        if isinstance(errors := error.fields.get("errors"), dict):
            document["errors"] = errors
        return error.status, error.headers, document
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            headers = {"Retry-After": "1"} if status == 503 else {}
            name = type(error).__name__
            document = _document(status, name, error.message)
            if isinstance(running := error.fields.get("running"), int):
                document["running"] = running
            return status, headers, document
    logger.error("The service met an error that is a bug of ours.", exc_info=error)
    message = "The service made a mistake; its log says which. What was recorded stays."
    return 500, {}, _document(500, "InternalError", message)


def _document(status: int, error: str, detail: str) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail.encode("utf-8", "backslashreplace").decode(),
        "error": error,
    }
