"""What is said of trials that couldn't end by themselves."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Final

from luthier.errors import (
    MemoryLimitError,
    TimeLimitError,
    TrialCancelledError,
    UnsendableError,
    WorkerDiedError,
    WorkerLostError,
)

__all__ = ["cancelled", "died", "lost", "too_large", "too_long", "unreadable"]

_TAIL: Final = 10_000  # bytes that are looked at of what a dead worker printed
_SAID: Final = 400  # characters of it that are shown


def cancelled(number: int) -> TrialCancelledError:
    """Someone called ``cancel``."""
    return TrialCancelledError(f"Trial {number} was cancelled.", number=number)


def lost(number: int, why: object) -> WorkerLostError:
    """The worker it ran on is gone, and that says nothing about the trial."""
    return WorkerLostError(f"The worker that ran trial {number} is gone: {why}", number=number)


def unreadable(number: int, error: BaseException) -> UnsendableError:
    """A worker couldn't rebuild what it was sent."""
    return UnsendableError(
        f"The objective was sent to a worker process, which can't rebuild it for trial "
        f"{number}: {type(error).__name__}: {error}. What it needs must be importable there, "
        'or be defined in your script. Or run trials in threads: executor="thread:4".',
        number=number,
    )


def too_long(number: int, limit: float) -> TimeLimitError:
    """It ran for longer than so many seconds."""
    return TimeLimitError(
        f"Trial {number} ran for longer than its time limit of {limit:g} s, and was ended.",
        number=number,
        limit=limit,
    )


def too_large(number: int, taken: int, limit: int) -> MemoryLimitError:
    """It took more than so many bytes."""
    return MemoryLimitError(
        f"Trial {number} took {taken / 1e6:.0f} MB, more than its memory limit of "
        f"{limit / 1e6:.0f} MB, and was ended.",
        number=number,
        taken=taken,
        limit=limit,
    )


def died(number: int, pid: int, code: int, started: bool, output: Path | None) -> WorkerDiedError:
    """Its process ended, and nobody here wanted that.

    Args:
        number: The trial's.
        pid: The process's.
        code: What it ended with, negative for a signal.
        started: Whether the trial had begun.
        output: The file of what it printed.
    """
    if code == -signal.SIGKILL:
        how = "was killed (SIGKILL), by the system for lack of memory or by someone"
    elif code < 0:
        how = f"died of {_name(-code)}, by a crash in compiled code or by someone"
    elif started:
        how = f"ended itself with exit code {code}"
    else:
        how = f"couldn't start, and ended with exit code {code}"
    return WorkerDiedError(
        f"The process of trial {number} (pid {pid}) {how}.{_last_words(output)} To run such "
        "trials again: retries={WorkerDiedError: 2}.",
        number=number,
        pid=pid,
        exit_code=code,
    )


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of the real-time signals between the first and the last
        return f"signal {number}"


def _last_words(output: Path | None) -> str:
    """The end of what it printed; of a crash, where that was."""
    try:
        text = b"" if output is None else output.read_bytes()[-_TAIL:]
    except OSError:
        text = b""
    told = text.decode(errors="replace")
    crash = told.find("Fatal Python error")
    told = told[-_SAID:] if crash < 0 else told[crash : crash + _SAID]
    return f" It printed last: {told.strip()}" if told.strip() else ""
