"""Amounts in words: seconds such as ``"10 min"``, bytes such as ``"4GB"``."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from typing import Final

from luthier.errors import ArgumentError

__all__ = ["read_seconds", "read_size"]

_AMOUNT: Final = re.compile(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*([a-z]+)\s*", re.IGNORECASE)
_TIMES: Final = {
    "s sec secs second seconds": 1,
    "m min mins minute minutes": 60,
    "h hour hours": 3600,
    "d day days": 86400,
}
_SECONDS: Final = {word: seconds for words, seconds in _TIMES.items() for word in words.split()}
_BYTES: Final[Mapping[str, int]] = {"B": 1} | {
    letter + name: step**power
    for power, letter in enumerate("KMGTP", start=1)
    for name, step in (("B", 1000), ("IB", 1024))
}


def read_seconds(time: float | str | datetime.timedelta, name: str) -> float:
    """Read a length of time above 0.

    Args:
        time: Seconds, a ``timedelta``, or text: a number and "s", "min", "h" or "d".
        name: What it is, for the error.

    Raises:
        ArgumentError: None of these.

    Example:
        >>> read_seconds("1.5 h", "timeout"), read_seconds(20, "timeout")
        (5400.0, 20.0)
    """
    if isinstance(time, datetime.timedelta):
        seconds = time.total_seconds()
    elif isinstance(time, str):
        seconds = _read(time.lower(), _SECONDS)
    else:
        seconds = _number(time)
    if not 0 < seconds < math.inf:
        raise ArgumentError(
            f"{name} must be seconds above 0, or a time such as '10 min', got {time!r}. "
            "Units: s, min, h, d.",
            **{name: time},
        )
    return seconds


def read_size(size: int | str, name: str, example: str = "10GB") -> int:
    """Read a number of bytes, at least 1.

    Args:
        size: Bytes, or text such as "10GB" (10**10) or "10GiB" (10 * 2**30).
        name: What it is, for the error.
        example: A size that suits it, for the error.

    Raises:
        ArgumentError: Not a size.

    Example:
        >>> read_size("1.5 kB", "max_disk"), read_size("1MiB", "max_disk")
        (1500, 1048576)
    """
    if isinstance(size, str):
        read = round(_read(size.upper(), _BYTES))
    else:
        read = size if isinstance(size, int) and not isinstance(size, bool) else 0
    if read < 1:
        raise ArgumentError(
            f"{name} must be a number of bytes above 0, or a size such as '{example}', got "
            f"{size!r}. Units: B, KB, MB, GB, TB, PB, and KiB, MiB, GiB, TiB, PiB.",
            **{name: size},
        )
    return read


def _read(text: str, units: Mapping[str, int]) -> float:
    """An amount in its smallest unit; 0 if the text isn't one."""
    match = _AMOUNT.fullmatch(text)
    return float(match[1]) * units.get(match[2], 0) if match else 0.0


def _number(value: object) -> float:
    try:
        return 0.0 if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return 0.0
