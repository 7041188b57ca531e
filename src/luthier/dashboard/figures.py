"""What is costly to make of a study, kept as the bytes that are sent: figures, tables, diagnoses.

What was made for an older version still does for a while: for up to five times as long as it took
to make, so that a study which changes all the time costs a sixth of a core for each of them and no
more, whoever looks. Whoever asks for what is just being made waits for that.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, final

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

__all__ = ["Figures", "Made"]

_PATIENCE: Final = 5.0
_MOST_SECONDS: Final = 60.0
_MOST_KEPT: Final = 32
_MOST_BYTES: Final = 24_000_000
_LEAST_PACKED: Final = 2_000
_THREADS: Final = 4


class Versioned(Protocol):
    """Something that has a version."""

    version: int


@final
@dataclass(frozen=True, slots=True)
class Made:
    """Something made, as it is sent.

    Attributes:
        version: Of the study that it was made from.
        at: When it was ready, on the monotonic clock.
        seconds: How long that took.
        content: JSON text.
        packed: The same by gzip.
        etag: What identifies it.
    """

    version: int
    at: float
    seconds: float
    content: bytes
    packed: bytes | None
    etag: str

    def does(self, version: int, now: float) -> bool:
        """Whether it still does for a study's version."""
        age = now - self.at
        return self.version == version or age < min(_PATIENCE * self.seconds, _MOST_SECONDS)


@final
class Figures:
    """What was made of one study."""

    def __init__(self) -> None:
        self._made: OrderedDict[str, Made] = OrderedDict()
        self._locks: dict[str, asyncio.Lock] = {}
        self._threads = CapacityLimiter(_THREADS)

    async def get(self, key: str, make: Callable[[], Mapping[str, Any]], study: Versioned) -> Made:
        """Return what was made under a key, or make it.

        Args:
            key: What it is.
            make: Makes it, as JSON data; runs in a thread.
            study: Whose version counts.
        """
        lock = self._locks.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                made = self._made.get(key)
                if made is None or not made.does(study.version, time.monotonic()):
                    made = await run_sync(lambda: _make(make, study), limiter=self._threads)
                    self._made[key] = made
                self._made.move_to_end(key)
                self._forget()
                return made
        finally:
            if not lock.locked():
                self._locks.pop(key, None)

    def _forget(self) -> None:
        size = sum(len(made.content) + len(made.packed or b"") for made in self._made.values())
        while len(self._made) > 1 and (len(self._made) > _MOST_KEPT or size > _MOST_BYTES):
            _, dropped = self._made.popitem(last=False)
            size -= len(dropped.content) + len(dropped.packed or b"")


def _make(make: Callable[[], Mapping[str, Any]], study: Versioned) -> Made:
    version, begun = study.version, time.monotonic()
    data = {"version": version, **make()}
    content = json.dumps(data, allow_nan=False, separators=(",", ":")).encode()
    packed = gzip.compress(content, 1, mtime=0) if len(content) >= _LEAST_PACKED else None
    etag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    now = time.monotonic()
    return Made(version, now, now - begun, content, packed, etag)
