"""The dashboard as an ASGI application: a request in, checks, a view, an answer out."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from luthier import __version__
from luthier.dashboard.access import Access
from luthier.dashboard.analyses import diagnosis_of, importance_of
from luthier.dashboard.answers import csv_of, figure_of, json_of, log_of, trial_of
from luthier.dashboard.comparing import compared, side_by_side
from luthier.dashboard.controls import changed
from luthier.dashboard.figures import Made
from luthier.dashboard.files import POLICY, Files, answer
from luthier.dashboard.form import checked, form_of
from luthier.dashboard.routes import CHANGES, OPEN, ROUTES, unescaped
from luthier.dashboard.streams import Stream
from luthier.dashboard.summary import front_of, study_page
from luthier.dashboard.view import View
from luthier.dashboard.views import Views
from luthier.errors import ArgumentError
from luthier.service.alongside import alongside
from luthier.service.exchange import said_in, trial_number
from luthier.service.problems import MEDIA_TYPE, RefusedError, problem_of
from luthier.service.route import Route, match

__all__ = ["Dashboard", "application"]

_MOST_AT_ONCE: Final = 128
_LEAST_PACKED: Final = 2_000
_WRONG_TOKEN_SECONDS: Final = 1.0
_MOST_LOGINS: Final = 8
Body = Mapping[str, Any]
"""What a request says."""


@final
@dataclass(frozen=True, slots=True)
class _Ask:
    """One request, checked."""

    route: Route
    study: str
    number: int
    figure: str
    said: Body
    headers: Mapping[str, str]


def application(
    views: Views, access: Access, place: str, is_ending: Callable[[], bool] = lambda: False
) -> Router:
    """Return the application, which keeps its views up while it runs.

    Args:
        views: Where the studies are.
        access: Who may ask.
        place: The storage, as it may be shown.
        is_ending: Whether the server is about to end, so that streams must.
    """
    return alongside(Dashboard(views, access, place, is_ending), views.keep_up)


@final
class Dashboard:
    """Answers requests; see ``application`` for its arguments."""

    def __init__(
        self, views: Views, access: Access, place: str, is_ending: Callable[[], bool]
    ) -> None:
        self._views = views
        self._access = access
        self._place = place
        self._is_ending = is_ending
        self._files = Files()
        self._at_once = 0
        self._logins = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            response = await self._answer(Request(scope, receive))
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001  the client is told, the log has it
            status, headers, problem = problem_of(error)
            content = json.dumps(problem).encode()
            response = Response(content, status, {**POLICY, **_FRESH, **headers}, MEDIA_TYPE)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> ASGIApp:
        path = request.scope["raw_path"].decode("ascii", "replace")
        if not path.startswith("/api/"):
            return self._page(request, path)
        headers = self._access.admit(request.scope["headers"])
        try:
            route, names = match(ROUTES, request.method, path)
        except RefusedError:
            self._access.authorise(headers)  # who has no token isn't told which paths there are
            raise
        if route.name not in OPEN:
            self._access.authorise(headers, changes=route.name in CHANGES)
        if self._at_once >= _MOST_AT_ONCE:
            raise RefusedError(
                429,
                f"At most {_MOST_AT_ONCE} requests may be under way at once. Try again.",
                {"Retry-After": "1"},
            )
        self._at_once += 1
        try:
            number = trial_number(names["number"]) if "number" in names else -1
            said = await said_in(route, request, headers)
            study, figure = unescaped(names.get("study", "")), names.get("figure", "")
            return await self._do(_Ask(route, study, number, figure, said, headers))
        finally:
            self._at_once -= 1

    def _page(self, request: Request, path: str) -> Response:
        headers = self._access.admit(request.scope["headers"], linked=True)
        if request.method not in ("GET", "HEAD"):
            raise RefusedError(405, "A page takes GET.", {"Allow": "GET, HEAD"})
        return self._files.answer(path, headers)

    async def _do(self, ask: _Ask) -> ASGIApp:
        """Find what a route is answered by: streams, sessions, costly things, and the rest."""
        match ask.route.name:
            case "about":
                return self._about(ask)
            case "login" | "logout":
                return await self._session(ask)
            case "events" | "list_events":
                return await self._stream(ask)
            case "studies":
                return _json({"studies": await self._views.studies()}, ask)
            case "compare":
                return _json(await self._compare(ask.said["studies"]), ask)
            case "csv" | "json":
                return await self._download(ask)
            case "figure" | "front" | "importance" | "diagnosis":
                return await self._made(ask)
            case _:
                return _json(await self._views.at(ask.study, partial(_looked, ask=ask)), ask)

    def _about(self, ask: _Ask) -> Response:
        knows = self._access.knows(ask.headers)
        return _json(
            {
                "version": __version__,
                "login": not knows,
                "session": self._access.needs_token,
                "read_only": self._access.read_only,
                "storage": self._place if knows else None,
            },
            ask,
        )

    async def _session(self, ask: _Ask) -> Response:
        if ask.route.name == "logout":
            return Response(status_code=204, headers=_cookie(self._access.log_out()))
        if self._logins >= _MOST_LOGINS:
            raise RefusedError(429, "Too many try to log in just now.", {"Retry-After": "2"})
        self._logins += 1
        try:
            cookie = self._access.log_in(ask.said["token"])
            if cookie is None:
                await asyncio.sleep(_WRONG_TOKEN_SECONDS)
                raise RefusedError(401, "That isn't the dashboard's token.")
        finally:
            self._logins -= 1
        return Response(status_code=204, headers=_cookie(cookie))

    async def _stream(self, ask: _Ask) -> Stream:
        name = ask.study if ask.route.name == "events" else None
        listener = await self._views.listen(name)
        return Stream(self._views, name, listener, self._is_ending)

    async def _made(self, ask: _Ask) -> Response:
        key, make = _costly(ask)
        made: Made = await self._views.made(ask.study, key, make)
        return answer(made.content, made.packed, "application/json", made.etag, ask.headers)

    async def _compare(self, names: list[str]) -> dict[str, Any]:
        if not 2 <= len(set(names)) == len(names):
            raise ArgumentError("At least two studies must be compared, and each named once.")
        runs = [await self._views.at(name, compared) for name in names]
        return await self._views.in_thread(lambda: side_by_side(runs))

    async def _download(self, ask: _Ask) -> Response:
        kind = ask.route.name
        lines = await self._views.at(ask.study, csv_of if kind == "csv" else json_of)
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", ask.study)[:80].strip(".-") or "study"
        headers = {
            **POLICY,
            **_FRESH,
            "Content-Disposition": f'attachment; filename="{name}.{kind}"',
        }
        media = {"csv": "text/csv; charset=utf-8", "json": "application/json"}[kind]
        return StreamingResponse(lines, headers=headers, media_type=media)


_FRESH: Final = {"Cache-Control": "no-store"}


def _cookie(header: str) -> dict[str, str]:
    return {**POLICY, **_FRESH, "Set-Cookie": header}


def _json(data: Any, ask: _Ask) -> Response:
    content = json.dumps(data, allow_nan=False, separators=(",", ":")).encode()
    if ask.route.method != "GET":
        return Response(content, 200, {**POLICY, **_FRESH}, "application/json")
    packed = gzip.compress(content, 1, mtime=0) if len(content) >= _LEAST_PACKED else None
    etag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    return answer(content, packed, "application/json", etag, ask.headers)


def _costly(ask: _Ask) -> tuple[str, Callable[[View], Body]]:
    """What is to be made, and how."""
    match ask.route.name:
        case "front":
            return "front", front_of
        case "diagnosis":
            return "diagnosis", diagnosis_of
        case "importance":
            metric = ask.said.get("metric")
            return f"importance {metric!r}", partial(importance_of, metric=metric)
    options = ask.said.get("options", "{}")
    return f"figure {ask.figure} {options}", partial(figure_of, name=ask.figure, options=options)


def _looked(view: View, ask: _Ask) -> dict[str, Any]:
    """What a look at a study, or a change of it, comes to."""
    match ask.route.name:
        case "study":
            return study_page(view)
        case "table":
            return view.table(ask.said)
        case "form":
            return form_of(view)
        case "check":
            return checked(view, ask.said["params"])
        case "trial":
            return trial_of(view, ask.number)
        case "log":
            return log_of(view, ask.number, ask.said.get("attempt"))
        case what:
            return changed(view, what, ask.number, ask.said)
