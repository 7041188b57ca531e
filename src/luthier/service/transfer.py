"""Checkpoints that come and go over HTTP: in parts, none of which stays in memory.

What arrives must have the digest that was announced, in time, and not be too large.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from anyio.to_thread import run_sync

from luthier.service.archive import FILE, FOLDER, unpack
from luthier.service.problems import RefusedError

__all__ = ["parts", "receive"]

_CHUNK: Final = 1 << 20
_MOST_SILENCE: Final = 30.0
_MOST_SECONDS: Final = 3_600.0
_CLOSE: Final = {"Connection": "close"}


async def receive(
    headers: Mapping[str, str],
    stream: AsyncIterator[bytes],
    place: Path,
    *,
    sha256: str,
    most_bytes: int,
    alive: Callable[[], Awaitable[object]],
    silence: float = _MOST_SILENCE,
    seconds: float = _MOST_SECONDS,
) -> Path:
    """Write a body to a place; return the file or folder that it stands for.

    Args:
        headers: The request's, by lower-case name.
        stream: The body in parts.
        place: An empty folder.
        sha256: The digest that the body must have, in hex.
        most_bytes: How large it may be.
        alive: Called now and then while it arrives.
        silence: How many seconds may pass between two parts.
        seconds: How long all may take.

    Raises:
        RefusedError: 415 for another kind, 413 for too much, 408 for too slow, 422 for other
            content than was announced, or an archive that may not be unpacked.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (FILE, FOLDER) or "content-encoding" in headers:
        raise RefusedError(
            415,
            f"A checkpoint must be sent as {FILE}, or, where it is a folder, as {FOLDER}, and not "
            f"encoded; got {kind[:60] or 'no Content-Type'!r}.",
            _CLOSE,
        )
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or int(length[:19]) > most_bytes:
        raise _too_large(most_bytes)
    body = place / "body"
    try:
        async with asyncio.timeout(seconds):
            found = await _write(stream, body, most_bytes, alive, silence)
    except TimeoutError:
        raise RefusedError(
            408,
            f"A checkpoint must go on arriving: nothing came for {silence:g} seconds, or it took "
            f"longer than {seconds:g}.",
            _CLOSE,
        ) from None
    if found != sha256.lower():
        raise RefusedError(
            422, f"The body's SHA-256 must be {sha256.lower()}, as announced; it is {found}."
        )
    if kind == FILE:
        return body
    await run_sync(unpack, body, place / "folder")
    return place / "folder"


async def _write(
    stream: AsyncIterator[bytes],
    place: Path,
    most: int,
    alive: Callable[[], Awaitable[object]],
    silence: float,
) -> str:
    digest, size, waiting = hashlib.sha256(), 0, bytearray()
    with open(place, "xb") as file:

        def take() -> None:
            digest.update(waiting)
            file.write(waiting)
            waiting.clear()

        incoming = aiter(stream)
        while True:
            async with asyncio.timeout(silence):
                part = await anext(incoming, None)
            if part is None:
                break
            size += len(part)
            if size > most:
                raise _too_large(most)
            waiting += part
            if len(waiting) >= _CHUNK:
                await run_sync(take)
                await alive()
        await run_sync(take)
    return digest.hexdigest()


def _too_large(most: int) -> RefusedError:
    return RefusedError(
        413,
        f"A checkpoint must have at most {most:,} bytes on its way. Save less, or start the "
        "service with a larger --max-checkpoint.",
        _CLOSE,
    )


async def parts(file: BinaryIO) -> AsyncIterator[bytes]:
    """Yield what a file holds, and close it."""
    try:
        while part := await run_sync(file.read, _CHUNK):
            yield part
    finally:
        file.close()
