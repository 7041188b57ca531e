"""Wording: numbers and counts as they stand in sentences, and answers that are sentences."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from typing import Any, Final

__all__ = ["Worded", "counted", "duration", "listed", "number", "percent", "without_numbers"]

_NUMBER: Final = re.compile(r"0x[0-9a-fA-F]+|[-+]?\d[\d.,]*(?:e[-+]?\d+)?(?<![.,])")
_UNITS: Final = (
    (1.0, 1e-3, "ms"),
    (120.0, 1.0, "s"),
    (7200.0, 60.0, "min"),
    (172800.0, 3600.0, "h"),
)


class Worded(ABC):
    """An answer that says itself what it found; a notebook shows that in place of its fields."""

    __slots__ = ()

    @abstractmethod
    def __str__(self) -> str:
        """What was found, in sentences."""

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


def counted(n: int, noun: str) -> str:
    """Return a count and its noun.

    Args:
        n: How many.
        noun: What, in the singular; its plural ends in "s".

    Example:
        >>> counted(1, "trial"), counted(1200, "trial"), counted(0, "trial")
        ('1 trial', '1,200 trials', 'no trials')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}" if n else f"no {noun}s"


def number(value: float) -> str:
    """Return a value with three or four digits that count.

    Example:
        >>> number(0.0123456), number(1234.4), number(1.0), number(1e-9)
        ('0.01235', '1234', '1', '1e-09')
    """
    return f"{value:.4g}"


def percent(share: float) -> str:
    """Return a share in per cent; what isn't 0 or 1 is never called so.

    Example:
        >>> percent(0.5), percent(0.001), percent(0.0), percent(0.999), percent(float("nan"))
        ('50%', 'under 1%', '0%', 'over 99%', 'unknown')
    """
    if math.isnan(share):
        return "unknown"
    if 0 < share < 0.01:
        return "under 1%"
    return "over 99%" if 0.99 < share < 1 else f"{share:.0%}"


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it.

    Example:
        >>> [duration(s) for s in (0.0012, 12.34, 600, 7200, 200000)]
        ['1.2 ms', '12 s', '10 min', '2 h', '2.3 days']
    """
    for most, unit, name in _UNITS:
        if seconds < most:
            return f"{_short(seconds / unit)} {name}"
    return f"{_short(seconds / 86400)} days"


def listed(words: list[str]) -> str:
    """Return words as a list in a sentence.

    Example:
        >>> listed(["a"]), listed(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def without_numbers(text: str) -> str:
    """Return a text with "…" for every number, so that texts that differ in them are the same.

    Example:
        >>> without_numbers("loss 1.5e-3 at step 12, in <f at 0x7fa0>.")
        'loss … at step …, in <f at …>.'
    """
    return _NUMBER.sub("…", text)


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if value < 10 else f"{value:,.0f}"
