"""How many trials a study is to have, as a user may change it while calls of ``optimize`` run."""

from __future__ import annotations

import time
from typing import Any, Final

from luthier.errors import ArgumentError
from luthier.study.stopping import is_whole

__all__ = ["GOAL", "goal_state"]

GOAL: Final = "goal"
"""Under this key a study keeps the total that a user has set among its study-wide values.

A call that runs when it changes goes by it from then on; one that starts later, by its own."""


def goal_state(trials: int | None) -> dict[str, Any]:
    """What is recorded of a goal; its time tells it from an equal one that was set before.

    Raises:
        ArgumentError: Neither an integer of at least 0 nor None.
    """
    if trials is not None and (not is_whole(trials) or trials < 0):
        raise ArgumentError(f"set_goal: trials must be an integer >= 0, or None, got {trials!r}.")
    return {"trials": None if trials is None else int(trials), "at": time.time()}
