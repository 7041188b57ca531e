"""Executors by name: ``"process:4"``, ``"thread:4"``, ``"inline"``, ``"dask://HOST:8786"``..."""

from __future__ import annotations

import datetime
import re
from typing import Any, Final

from luthier.core.protocols import Executor
from luthier.errors import ArgumentError
from luthier.executors.inline import Inline
from luthier.executors.process import Processes
from luthier.executors.process.resources import cores
from luthier.executors.thread import Threads

__all__ = ["open_executor"]

_HERE: Final = re.compile(r"(process|thread|inline)(?::(\d{1,6}))?")
_CLUSTER: Final = re.compile(r"(dask|ray)(?:://([^\s/]+:\d+))?")


def open_executor(
    executor: Executor | str | None = None,
    n_jobs: int = 1,
    *,
    time_limit: float | str | datetime.timedelta | None = None,
    memory_limit: int | str | None = None,
) -> Executor:
    """Return the executor that is meant; an object is returned as it is.

    Args:
        executor: "process", "thread", "inline", the first two also as "process:4" with a number
            of slots; "dask" or "ray" for the cluster that this process is connected to (or a new
            one here), "dask://host:8786" or "ray://host:10001" for one elsewhere; an object; or
            None: in the caller's own thread if ``n_jobs`` is 1 and there is no limit, else in
            processes.
        n_jobs: How many trials run at once, where ``executor`` doesn't say so; -1 is one for each
            core. A cluster runs as many as it has room for if this is 1 or -1.
        time_limit: Of each trial; see ``Processes``.
        memory_limit: Of each trial; see ``Processes``.

    Raises:
        ArgumentError: Not one of these, or limits for threads or the caller's own.

    Example:
        >>> open_executor("thread:3").slots
        3
    """
    limits: dict[str, Any] = {"time_limit": time_limit, "memory_limit": memory_limit}
    limited = limits != dict.fromkeys(limits)
    if executor is None:
        kind, slots = "inline" if n_jobs == 1 and not limited else "process", _slots(n_jobs)
    elif not isinstance(executor, str):
        kind, slots = "object", 0
    elif (match := _CLUSTER.fullmatch(executor)) is not None:
        return _cluster(match[1], match[2], None if n_jobs in (1, -1) else _slots(n_jobs), limits)
    else:
        kind, slots = _read(executor, n_jobs)
    if kind == "process":
        return Processes(slots, **limits)
    if limited:
        raise ArgumentError(
            "optimize: time_limit and memory_limit need a process that can be ended, got "
            f"executor={executor!r}. Use executor='process:4', or give them to "
            "Processes(4, time_limit=...)."
        )
    if kind == "object":
        return _checked(executor)
    return Threads(slots) if kind == "thread" else Inline()


def _cluster(kind: str, address: str | None, slots: int | None, limits: dict[str, Any]) -> Executor:
    if kind == "dask":
        from luthier.executors.dask import Dask

        return Dask(None if address is None else f"tcp://{address}", slots, **limits)
    from luthier.executors.ray import Ray

    return Ray(None if address is None else f"ray://{address}", slots, **limits)


def _checked(executor: Any) -> Executor:
    if not callable(getattr(executor, "submit", None)):
        raise _unknown(executor)
    if not callable(getattr(executor, "wait", None)):
        raise ArgumentError(
            f"optimize: a pool such as {executor!r} is made an executor by "
            "luthier.executors.Futures(pool, slots)."
        )
    ready: Executor = executor
    return ready


def _read(name: str, n_jobs: int) -> tuple[str, int]:
    match = _HERE.fullmatch(name)
    slots = _slots(n_jobs)
    if match is None or (match[1] == "inline" and (match[2] not in (None, "1") or slots > 1)):
        raise _unknown(name, n_jobs)
    if match[2] is None:
        return match[1], slots
    if int(match[2]) < 1 or n_jobs not in (1, int(match[2])):
        raise _unknown(name, n_jobs)
    return match[1], int(match[2])


def _slots(n_jobs: int) -> int:
    try:
        slots = 0 if isinstance(n_jobs, bool) else n_jobs.__index__()
    except AttributeError:
        slots = 0
    if slots < 1 and slots != -1:
        raise ArgumentError(
            f"optimize: n_jobs must be at least 1, or -1 for all cores, got {n_jobs!r}."
        )
    return cores() if slots == -1 else slots


def _unknown(executor: object, n_jobs: int = 1) -> ArgumentError:
    beside = "" if n_jobs == 1 else f" beside n_jobs={n_jobs}"
    return ArgumentError(
        "optimize: executor must be 'process:4', 'thread:4', 'inline', 'dask://host:8786', "
        f"'ray://host:10001' or an object with submit(), got {executor!r}{beside}. For several "
        "trials at once n_jobs alone will do."
    )
