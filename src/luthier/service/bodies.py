"""The body of a request: JSON, not too large, not too deep, in time.

What JSON's standard doesn't know is refused rather than guessed at: NaN and Infinity, numbers
beyond a float, members named twice, half of a surrogate pair. Metrics that are infinite or not a
number are written as ``{"$float": "inf"}``, as everywhere in Luthier.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from luthier.service.problems import RefusedError

__all__ = ["parse", "read"]

MOST_BYTES: Final = 1 << 20
MOST_DEPTH: Final = 32
MOST_SECONDS: Final = 30.0
_CLOSE: Final = {"Connection": "close"}
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_TAGS: Final = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}


async def read(
    headers: Mapping[str, str],
    stream: AsyncIterator[bytes],
    *,
    most_bytes: int = MOST_BYTES,
    seconds: float = MOST_SECONDS,
) -> bytes:
    """Read a body, as far as it is worth reading.

    Args:
        headers: The request's, by lower-case name.
        stream: The body in parts.
        most_bytes: How large it may be.
        seconds: How long it may take to arrive.

    Raises:
        RefusedError: 415 for anything but JSON, 413 for too much, 408 for too slow.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" or "content-encoding" in headers:
        raise RefusedError(
            415,
            f"A request's body must be plain JSON, with the header 'Content-Type: "
            f"application/json', got {kind[:60] or 'no such header'!r}.",
        )
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or int(length[:19]) > most_bytes:
        raise _too_large(most_bytes)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for part in stream:
                size += len(part)
                if size > most_bytes:
                    raise _too_large(most_bytes)
                parts.append(part)
    except TimeoutError:
        raise RefusedError(
            408, f"A request's body must arrive within {seconds:g} seconds.", _CLOSE
        ) from None
    return b"".join(parts)


def _too_large(most: int) -> RefusedError:
    return RefusedError(
        413, f"A request's body must have at most {most:,} bytes. Send less at a time.", _CLOSE
    )


def parse(body: bytes) -> Any:
    """Return the JSON value that a body holds; an empty body is an empty object.

    Raises:
        RefusedError: 400, with what is wrong.

    Example:
        >>> parse(b'{"step": 3}')
        {'step': 3}
    """
    try:
        value = json.loads(
            body.decode() or "{}",
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
        )
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError as error:
        raise RefusedError(400, f"A request's body must be UTF-8: {error}.") from None
    except ValueError as error:
        raise RefusedError(400, f"A request's body must be JSON: {error}.") from None
    _check(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("an object has two members of one name")
    return members


def _constant(name: str) -> Any:
    raise ValueError(f'{name} is not JSON; write {{"$float": "{_TAGS[name]}"}}')


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:40]} doesn't fit into a float")
    return value


def _check(value: Any) -> None:
    """Refuse what is nested too deep, and text that no database keeps."""
    level: list[Any] = [value]
    for _ in range(MOST_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str):
                _check_text(item)
        if not below:
            return
        level = below
    raise _too_deep()


def _check_text(text: str) -> None:
    if (not text.isascii() and _SURROGATE.search(text)) or "\0" in text:
        raise RefusedError(
            400, f"Text must have neither NUL nor half of a surrogate pair, got {text[:40]!a}."
        )


def _too_deep() -> RefusedError:
    return RefusedError(
        400, f"JSON must be nested at most {MOST_DEPTH} deep. Send a flatter value."
    )
