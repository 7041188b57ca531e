"""Streams of server-sent events: what a page hears without asking.

A stream says what has changed, never what it was before, so that there is nothing to queue: a slow
client gets the latest when it is ready for it, and one that takes nothing is dropped.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, final

from starlette.types import Message, Receive, Scope, Send

from luthier.dashboard.files import POLICY
from luthier.dashboard.views import Listener, Views
from luthier.errors import StudyNotFoundError

__all__ = ["Stream"]

BEAT_SECONDS: Final = 5.0
MOST_SEND_SECONDS: Final = 20.0
_RETRY_MS: Final = 2_000
_LOOK_SECONDS: Final = 0.5
_HEADERS: Final = {
    **POLICY,
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}


@final
class Stream:
    """An answer that goes on: an ASGI application for one request.

    Args:
        views: Where the studies are.
        name: The study; None: the list of studies.
        listener: What hears its changes.
        is_ending: Whether the server is about to end.
        beat: Seconds between signs of life.
    """

    def __init__(
        self,
        views: Views,
        name: str | None,
        listener: Listener,
        is_ending: Callable[[], bool],
        beat: float = BEAT_SECONDS,
    ) -> None:
        self._views = views
        self._name = name
        self._listener = listener
        self._is_ending = is_ending
        self._beat = beat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client, the study or the server is gone."""
        talking = asyncio.create_task(self._talk(send))
        hearing = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait({talking, hearing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._views.leave(self._name, self._listener)
            for task in (talking, hearing):
                task.cancel()
                with suppress(asyncio.CancelledError, TimeoutError, OSError):
                    await task

    async def _talk(self, send: Send) -> None:
        headers = [(name.lower().encode(), text.encode()) for name, text in _HEADERS.items()]
        await _sent(send, {"type": "http.response.start", "status": 200, "headers": headers})
        await _write(send, f"retry: {_RETRY_MS}\n\n")
        beaten = time.monotonic()
        while not self._is_ending():
            wait = min(_LOOK_SECONDS, max(beaten + self._beat - time.monotonic(), 0.0))
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._listener.news.wait()
            if self._listener.gone:
                await _write(send, _event("gone", {}))
                break
            if self._listener.news.is_set():
                await self._tell(send)
            if time.monotonic() - beaten >= self._beat:
                await _write(send, _event("beat", {"at": time.time()}))
                beaten = time.monotonic()
        await _sent(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell(self, send: Send) -> None:
        if self._listener.trouble is not None:
            self._listener.news.clear()
            await _write(send, _event("trouble", {"detail": self._listener.trouble}))
            return
        news = self._listener.take()
        if self._name is None:
            await _write(send, _event("change", {"studies": await self._views.studies()}))
            return
        try:
            now = await self._views.at(self._name, lambda view: view.glance())
        except StudyNotFoundError:
            self._listener.gone = True
            self._listener.news.set()
            return
        await _write(send, _event("change", {**now, **news}, now["version"]))


def _event(kind: str, data: Mapping[str, Any], version: int | None = None) -> str:
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    number = "" if version is None else f"id: {version}\n"
    return f"event: {kind}\n{number}data: {text}\n\n"


async def _write(send: Send, text: str) -> None:
    await _sent(send, {"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _sent(send: Send, message: Message) -> None:
    """Send, or give a client up that takes nothing."""
    async with asyncio.timeout(MOST_SEND_SECONDS):
        await send(message)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
