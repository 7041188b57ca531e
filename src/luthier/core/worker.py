"""Who runs a trial: a worker's identity, and whether it is certainly gone.

An identity names the machine (host name and process namespace), the machine's boot, the process
and when that process started. So a process that died is told from one that lives, from another
that was later given the same number, and from one on a machine we can't see.
"""

from __future__ import annotations

import os
import socket
from functools import lru_cache

__all__ = ["is_gone", "is_here", "this_worker", "work_done"]


def this_worker() -> str:
    """Return this process's identity: ``machine:boot:pid:start``."""
    return _identity(os.getpid())


def is_here(worker: str) -> bool:
    """Return whether a worker runs or ran on this machine, where we can see if it lives.

    Args:
        worker: What ``this_worker`` gave there and then.

    Example:
        >>> is_here(this_worker()), is_here("elsewhere/1:2:3:4")
        (True, False)
    """
    return worker.rsplit(":", 3)[0] == _machine()


def is_gone(worker: str) -> bool:
    """Return whether a worker ran on this machine and has certainly ended.

    Args:
        worker: What ``this_worker`` gave there and then.

    Returns:
        False for any worker on another machine: we can't know.

    Example:
        >>> is_gone(this_worker())
        False
    """
    machine, boot, pid, start = [*worker.rsplit(":", 3), "", "", ""][:4]
    if machine != _machine() or not pid.isdigit():
        return False
    if boot != _boot():
        return True
    return _start(int(pid)) != start if _tells_starts() else not _alive(int(pid))


def work_done(worker: str) -> int | None:
    """Return how much a living worker on this machine has computed.

    Args:
        worker: What ``this_worker`` gave there and then.

    Returns:
        CPU time in clock ticks, of all its threads; None if it can't be told.

    Example:
        >>> work_done("elsewhere/1:2:3:4") is None
        True
    """
    pid = worker.rsplit(":", 2)[-2] if is_here(worker) and not is_gone(worker) else ""
    fields = _stat(int(pid)) if pid.isdigit() else []
    return int(fields[11]) + int(fields[12]) if fields else None


@lru_cache(maxsize=4)
def _identity(pid: int) -> str:
    return f"{_machine()}:{_boot()}:{pid}:{_start(pid)}"


@lru_cache(maxsize=1)
def _machine() -> str:
    try:
        namespace = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        namespace = "-"
    return f"{socket.gethostname()}/{namespace}"


@lru_cache(maxsize=1)
def _boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()[:8]
    except OSError:
        return ""


@lru_cache(maxsize=1)
def _tells_starts() -> bool:
    return bool(_start(os.getpid()))


def _start(pid: int) -> str:
    """When a process started, in clock ticks since boot; "" if it is gone or can't be told."""
    fields = _stat(pid)
    return "" if not fields or fields[0] in "ZX" else fields[19]


def _stat(pid: int) -> list[str]:
    """What the system says of a process, from the state on (``proc_pid_stat(5)``); [] if not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
