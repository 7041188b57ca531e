"""The service as an ASGI application: a request in, checks, its desk, an answer out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from luthier.service import bodies
from luthier.service.desk import Desk
from luthier.service.desks import Desks
from luthier.service.guard import Guard
from luthier.service.openapi import document
from luthier.service.problems import MEDIA_TYPE, RefusedError, problem_of
from luthier.service.routes import Route, match
from luthier.service.schemas import check

__all__ = ["Api", "application"]

_MOST_AT_ONCE: Final = 128
_MOST_KEY: Final = 200
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
Body = Mapping[str, Any]


def application(desks: Desks, guard: Guard) -> Starlette:
    """Return the application, which looks after leases while it runs."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        watch = asyncio.create_task(desks.keep_watch())
        try:
            yield
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch

    return Starlette(routes=[Mount("/", app=Api(desks, guard))], lifespan=lifespan)


@final
class Api:
    """Answers requests.

    Args:
        desks: Where the work is done.
        guard: Who may ask.
        most_at_once: How many requests are worked on at a time; more are refused with 429.
    """

    def __init__(self, desks: Desks, guard: Guard, most_at_once: int = _MOST_AT_ONCE) -> None:
        self._desks = desks
        self._guard = guard
        self._most_at_once = most_at_once
        self._at_once = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            answer = await self._answer(Request(scope, receive))
            response = _json(answer, 200, "application/json", {})
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001  the client is told, the log has it
            status, headers, problem = problem_of(error)
            response = _json(problem, status, MEDIA_TYPE, headers)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Any:
        headers = self._guard.admit(request.scope["headers"])
        try:
            route, names = match(request.method, request.scope["raw_path"].decode("ascii"))
        except (RefusedError, UnicodeDecodeError):
            self._guard.authorise(headers)  # who has no token isn't told which paths there are
            raise
        if route.open:
            return document() if route.name == "openapi" else {"status": "ok"}
        self._guard.authorise(headers)
        if self._at_once >= self._most_at_once:
            raise RefusedError(
                429,
                f"At most {self._most_at_once} requests may be under way at once. Try again.",
                {"Retry-After": "1"},
            )
        self._at_once += 1
        try:
            said = await _said(route, request, headers)
            return await self._do(route, names, said, _key(headers))
        finally:
            self._at_once -= 1

    async def _do(self, route: Route, names: Mapping[str, str], said: Body, key: str | None) -> Any:
        if "study" not in names:
            if route.name == "create_study":
                return await self._desks.create(said)
            return {"studies": await self._desks.studies()}
        number = _number(names["number"]) if "number" in names else -1
        if "attempt" in said:
            await self._desks.renew(names["study"], number, said["attempt"])
        if route.name == "heartbeat":
            return await self._heartbeat(names["study"], number, said)
        return await self._desks.at(names["study"], _work(route, number, said, key))

    async def _heartbeat(self, study: str, number: int, said: Body) -> Any:
        seconds = await self._desks.renew(study, number, said["attempt"])
        if seconds is None:  # says why, unless the lease is only being granted
            await self._desks.at(study, lambda desk: desk.should_stop(number, said))
            seconds = await self._desks.renew(study, number, said["attempt"])
        return {"lease": seconds or 0.0}


def _json(data: Any, status: int, kind: str, headers: Mapping[str, str]) -> Response:
    content = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return Response(content, status, headers={**_HEADERS, **headers}, media_type=kind)


def _work(route: Route, number: int, said: Body, key: str | None) -> Callable[[Desk], Any]:
    match route.name:
        case "get_study":
            return Desk.summary
        case "list_trials":
            return lambda desk: desk.trials(said)
        case "get_trial":
            return lambda desk: desk.trial(number)
        case "best":
            return Desk.best
        case "should_stop":
            return lambda desk: desk.should_stop(number, said)
        case what:
            return lambda desk: desk.once(what, number, said, key)


async def _said(route: Route, request: Request, headers: Mapping[str, str]) -> Body:
    """What the request says, checked: its body or its query."""
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
    if "attempt" in route.query and "attempt" not in said:
        raise RefusedError(422, "The query must have 'attempt', as in ?attempt=1. Add it.")
    return said


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


def _number(text: str) -> int:
    if not _is_whole(text):
        raise RefusedError(
            422, f"A trial's number must be an integer of at least 0, got {text[:40]!r}."
        )
    return int(text)


def _key(headers: Mapping[str, str]) -> str | None:
    key = headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= _MOST_KEY and key.isascii() and key.isprintable()):
        raise RefusedError(
            422, f"An Idempotency-Key must have 1 to {_MOST_KEY} printable ASCII characters."
        )
    return key
