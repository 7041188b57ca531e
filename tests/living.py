"""Which processes live, for the tests that start and end them."""

from __future__ import annotations

import time
from collections.abc import Iterable

import psutil


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead but not yet waited for doesn't."""
    try:
        status: str = psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return False
    return status != psutil.STATUS_ZOMBIE


def vanished(pids: Iterable[int], seconds: float = 60.0) -> bool:
    """Whether all of these processes end in time."""
    until = time.monotonic() + seconds
    left = list(pids)
    while left := [pid for pid in left if alive(pid)]:
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
