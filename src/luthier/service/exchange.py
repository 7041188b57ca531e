"""A request's body or query, read and checked by its route; an answer as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from luthier.service import bodies
from luthier.service.problems import RefusedError
from luthier.service.route import Route
from luthier.service.schemas import check

__all__ = ["HEADERS", "json_answer", "said_in", "trial_number"]

HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
Body = Mapping[str, Any]


def json_answer(data: Any, status: int, kind: str, headers: Mapping[str, str]) -> Response:
    """Return JSON data as an answer.

    Args:
        data: JSON data.
        status: The HTTP status.
        kind: Its media type.
        headers: Further headers.
    """
    content = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return Response(content, status, headers={**HEADERS, **headers}, media_type=kind)


async def said_in(route: Route, request: Request, headers: Mapping[str, str]) -> Body:
    """Return what a request says, checked: its body or its query.

    Args:
        route: What it asks for.
        request: The request.
        headers: Its headers by lower-case name.

    Raises:
        RefusedError: The status and the words for what is wrong with it.
    """
    if route.body is None:
        return _query(route, request.scope["query_string"])
    said = bodies.parse(await bodies.read(headers, request.stream()))
    check(route.body, said)
    if not isinstance(said, dict):
        raise RefusedError(422, f"The body must be an object, got {said!r:.60}.")
    return said


def _query(route: Route, text: bytes) -> Body:
    try:
        pairs = parse_qsl(
            text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20
        )
    except ValueError:
        raise RefusedError(
            400, "A query must be name=value pairs, percent-encoded UTF-8."
        ) from None
    said: dict[str, Any] = {}
    for name, value in pairs:
        if name not in route.query or name in said:
            raise RefusedError(
                422,
                f"The query must have each of {', '.join(route.query) or 'nothing'} at most once, "
                f"got {name[:60]!r}.",
            )
        whole = route.query[name]["type"] == "integer"
        said[name] = int(value) if whole and _is_whole(value) else value
        check(route.query[name], said[name], f"The query's {name}")
    for name in route.needs:
        if name not in said:
            example = "".join(f"&{need}=..." for need in route.needs[1:])
            raise RefusedError(
                422, f"The query must have {name!r}, as in ?attempt=1{example}. Add it."
            )
    return said


def trial_number(text: str) -> int:
    """Read a trial's number from a path.

    Raises:
        RefusedError: 422: it is no number.
    """
    if not _is_whole(text):
        raise RefusedError(
            422, f"A trial's number must be an integer of at least 0, got {text[:40]!r}."
        )
    return int(text)


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20
