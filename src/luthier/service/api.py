"""The service as an ASGI application: a request in, checks, its desk, an answer out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, final

from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from luthier.core.checkpoint import Checkpoint
from luthier.service import transfer
from luthier.service.alongside import alongside
from luthier.service.desk import Desk
from luthier.service.desks import Desks
from luthier.service.exchange import HEADERS, json_answer, said_in, trial_number
from luthier.service.guard import Guard
from luthier.service.openapi import document
from luthier.service.problems import MEDIA_TYPE, RefusedError, problem_of
from luthier.service.route import Route, match
from luthier.service.routes import ROUTES

__all__ = ["MOST_CHECKPOINT", "Api", "application"]

_MOST_AT_ONCE: Final = 128
_MOST_UPLOADS: Final = 4
MOST_CHECKPOINT: Final = 10**10
_MOST_KEY: Final = 200
_HINT: Final = "/openapi.json lists those that there are."
Body = Mapping[str, Any]


def application(desks: Desks, guard: Guard, most_checkpoint: int = MOST_CHECKPOINT) -> Router:
    """Return the application, which looks after leases while it runs."""
    app = Api(desks, guard, most_checkpoint=most_checkpoint)
    return alongside(app, desks.keep_watch)


@final
class Api:
    """Answers requests.

    Args:
        desks: Where the work is done.
        guard: Who may ask.
        most_at_once: How many requests are worked on at a time; more are refused with 429.
        most_checkpoint: How many bytes a checkpoint may have on its way.
    """

    def __init__(
        self,
        desks: Desks,
        guard: Guard,
        most_at_once: int = _MOST_AT_ONCE,
        most_checkpoint: int = MOST_CHECKPOINT,
    ) -> None:
        self._desks = desks
        self._guard = guard
        self._most_at_once = most_at_once
        self._most_checkpoint = most_checkpoint
        self._at_once = 0
        self._uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            answer = await self._answer(Request(scope, receive))
            response = (
                answer
                if isinstance(answer, Response)
                else json_answer(answer, 200, "application/json", {})
            )
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001  the client is told, the log has it
            status, headers, problem = problem_of(error)
            response = json_answer(problem, status, MEDIA_TYPE, headers)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Any:
        headers = self._guard.admit(request.scope["headers"])
        try:
            path = request.scope["raw_path"].decode("ascii")
            route, names = match(ROUTES, request.method, path, _HINT)
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
            said = await said_in(route, request, headers)
            if route.carries:
                return await self._carry(route, names, said, headers, request)
            return await self._do(route, names, said, _key(headers))
        finally:
            self._at_once -= 1

    async def _do(self, route: Route, names: Mapping[str, str], said: Body, key: str | None) -> Any:
        if "study" not in names:
            if route.name == "create_study":
                return await self._desks.create(said)
            return {"studies": await self._desks.studies()}
        number = trial_number(names["number"]) if "number" in names else -1
        if "attempt" in said:
            await self._desks.renew(names["study"], number, said["attempt"])
        if route.name == "heartbeat":
            return await self._heartbeat(names["study"], number, said)
        return await self._desks.at(names["study"], _work(route, number, said, key))

    async def _carry(
        self,
        route: Route,
        names: Mapping[str, str],
        said: Body,
        headers: Mapping[str, str],
        request: Request,
    ) -> Any:
        study, number = names["study"], trial_number(names["number"])
        if route.carries == "down":
            load = await self._desks.at(study, lambda desk: desk.checkpoint(number, said))
            return _file(*await run_sync(load))
        if self._uploads >= _MOST_UPLOADS:
            raise RefusedError(
                429,
                f"At most {_MOST_UPLOADS} checkpoints may be on their way at once. Try again.",
                {"Retry-After": "1", "Connection": "close"},
            )
        self._uploads += 1
        try:
            return await self._upload(study, number, said, headers, request)
        finally:
            self._uploads -= 1

    async def _upload(
        self, study: str, number: int, said: Body, headers: Mapping[str, str], request: Request
    ) -> Any:
        async def alive() -> None:
            await self._desks.renew(study, number, said["attempt"])

        await alive()
        await self._desks.at(study, lambda desk: desk.should_stop(number, said))  # is it theirs?
        with tempfile.TemporaryDirectory(prefix="luthier-upload-") as place:
            content = await transfer.receive(
                headers,
                request.stream(),
                Path(place),
                sha256=said["sha256"],
                most_bytes=self._most_checkpoint,
                alive=alive,
            )
            await alive()
            kept = await self._desks.beside(study, lambda desk: desk.keep(content))
            await alive()
            return await self._desks.at(study, lambda desk: desk.save(number, said, content, kept))

    async def _heartbeat(self, study: str, number: int, said: Body) -> Any:
        seconds = await self._desks.renew(study, number, said["attempt"])
        if seconds is None:  # says why, unless the lease is only being granted
            await self._desks.at(study, lambda desk: desk.should_stop(number, said))
            seconds = await self._desks.renew(study, number, said["attempt"])
        return {"lease": seconds or 0.0}


def _file(content: BinaryIO, size: int, kind: str, checkpoint: Checkpoint) -> StreamingResponse:
    headers = {
        **HEADERS,
        "Content-Length": str(size),
        "Content-Disposition": "attachment",
        "Luthier-Step": str(checkpoint.step),
        "ETag": f'"{checkpoint.key}"',
    }
    return StreamingResponse(transfer.parts(content), headers=headers, media_type=kind)


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


def _key(headers: Mapping[str, str]) -> str | None:
    key = headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= _MOST_KEY and key.isascii() and key.isprintable()):
        raise RefusedError(
            422, f"An Idempotency-Key must have 1 to {_MOST_KEY} printable ASCII characters."
        )
    return key
