"""Budgets in words: ``50``, ``"50 trials"``, ``"10 min"``, ``"1.5 h"``."""

from __future__ import annotations

import contextlib
import datetime
import re

from luthier.core.amounts import read_seconds
from luthier.errors import ArgumentError

__all__ = ["read_budget"]

_TRIALS = re.compile(r"\s*(\d+)\s*trials?\s*", re.IGNORECASE)


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
    if isinstance(budget, int) and not isinstance(budget, bool) and budget > 0:
        return budget, None
    match = _TRIALS.fullmatch(budget) if isinstance(budget, str) else None
    if match is not None and int(match[1]) > 0:
        return int(match[1]), None
    if isinstance(budget, str | datetime.timedelta):
        with contextlib.suppress(ArgumentError):
            return None, read_seconds(budget, "budget")
    raise ArgumentError(
        f"A budget must be a number of trials or a time such as '10 min', got {budget!r}. "
        "Units: trials, s, min, h, d.",
        budget=budget,
    )
