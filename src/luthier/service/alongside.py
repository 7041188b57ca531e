"""An application and the work that goes on while it is served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.routing import Router
from starlette.types import ASGIApp

__all__ = ["alongside"]


def alongside(app: ASGIApp, work: Callable[[], Coroutine[Any, Any, None]]) -> Router:
    """Return an application that does some endless work for as long as it is served.

    The application answers all requests itself: Starlette's routes miss names with a line end.
    """

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        task = asyncio.create_task(work())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return Router(default=app, lifespan=lifespan)
