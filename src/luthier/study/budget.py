"""Budgets in words: ``50``, ``"50 trials"``, ``"10 min"``, ``"1.5 h"``."""

from __future__ import annotations

import datetime
import re

from luthier.errors import ArgumentError

__all__ = ["read_budget"]

_SECONDS = {
    "s sec secs second seconds": 1,
    "m min mins minute minutes": 60,
    "h hour hours": 3600,
    "d day days": 86400,
}
_UNITS = {word: seconds for words, seconds in _SECONDS.items() for word in words.split()}
_TEXT = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$", re.IGNORECASE)


def read_budget(budget: int | str | datetime.timedelta) -> tuple[int | None, float | None]:
    """Read a budget.

    Args:
        budget: A number of trials, a ``timedelta``, or text: a number and "trials", "s", "min",
            "h" or "d".

    Returns:
        (trials, seconds), one of them None.

    Raises:
        ArgumentError: None of these.

    Example:
        >>> read_budget("10 min"), read_budget(50)
        ((None, 600.0), (50, None))
    """
    if isinstance(budget, datetime.timedelta) and budget.total_seconds() > 0:
        return None, budget.total_seconds()
    if isinstance(budget, int) and not isinstance(budget, bool) and budget > 0:
        return budget, None
    match = _TEXT.match(budget) if isinstance(budget, str) else None
    if match is not None:
        amount, unit = float(match[1]), match[2].lower()
        if unit in ("trial", "trials") and amount.is_integer() and amount > 0:
            return int(amount), None
        if unit in _UNITS and amount > 0:
            return None, amount * _UNITS[unit]
    raise ArgumentError(
        f"A budget must be a number of trials or a time such as '10 min', got {budget!r}. "
        "Units: trials, s, min, h, d.",
        budget=budget,
    )
