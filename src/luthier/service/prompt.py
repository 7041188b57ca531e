"""Connections on which no whole request comes are closed: they can't be held for nothing."""

from __future__ import annotations

import asyncio
from typing import final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["Prompt"]

MOST_SECONDS = 10.0


@final
class Prompt(H11Protocol):
    """HTTP by h11, for clients that send their headers in ten to twenty seconds."""

    _was_idle = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to look at a new connection now and then."""
        super().connection_made(transport)
        self.loop.call_later(MOST_SECONDS, self._look)

    def _look(self) -> None:
        begun = self.cycle is None or bool(self.conn.trailing_data[0])
        is_idle = begun and self.conn.their_state is h11.IDLE
        if is_idle and self._was_idle:
            self.transport.close()
        if not self.transport.is_closing():
            self._was_idle = is_idle
            self.loop.call_later(MOST_SECONDS, self._look)
