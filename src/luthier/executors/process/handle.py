"""A driver's hold on one worker process: start it, talk to it, measure it, end it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any, Final, final

from luthier.executors.process.wire import Inbox, Outbox

__all__ = ["Guard", "Worker"]

_PROGRAM: Final = (
    "import sys; sys.path[:] = {path!r}; "
    "from luthier.executors.process.worker import main; main({connection})"
)
_GUARD: Final = os.path.join(os.path.dirname(__file__), "guard.py")


@final
class Worker:
    """A process that runs one trial after another.

    It is the leader of a session of its own: Ctrl-C in the terminal doesn't reach it, and what it
    starts can be ended with it.

    Args:
        slot: Which of the executor's slots it fills.
        variables: What to set in its environment.
    """

    def __init__(self, slot: int, variables: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair()
        program = _PROGRAM.format(
            path=[str(place) for place in sys.path],
            connection=theirs.fileno(),
        )
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *flags, "-c", program],
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self.slot = slot
        self.pid = self._process.pid
        self.connection = ours
        self.inbox = Inbox(ours)
        self.outbox = Outbox(ours)
        self.known: set[int] = set()
        self.served = 0
        self.kill_at: float | None = None
        self.exit_signal = _pidfd(self.pid)

    @property
    def exit_code(self) -> int | None:
        """What it ended with, negative for a signal; None while it lives."""
        return self._process.poll()

    @property
    def memory(self) -> int:
        """Bytes of main memory that it and all processes it started take."""
        import psutil

        total = 0
        with contextlib.suppress(psutil.Error):
            leader = psutil.Process(self.pid)
            for process in (leader, *leader.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    total += process.memory_info().rss
        return total

    def terminate(self, grace: float) -> None:
        """Ask it to end, and have it killed if it hasn't after so many seconds."""
        with contextlib.suppress(OSError):
            self._process.send_signal(signal.SIGTERM)
        self._kill_after(grace)

    def dismiss(self, grace: float) -> None:
        """Tell it that nothing more will come, so that it ends by itself."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
        self._kill_after(grace)

    def _kill_after(self, grace: float) -> None:
        at = time.monotonic() + grace
        self.kill_at = at if self.kill_at is None else min(self.kill_at, at)

    def kill(self) -> None:
        """End it and what it started, now."""
        strays = self._strays()
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        for process in strays:
            with contextlib.suppress(Exception):
                process.kill()

    def _strays(self) -> list[Any]:
        """Processes that it started, and that left its group."""
        import psutil

        with contextlib.suppress(psutil.Error):
            if self.exit_code is None:
                return list(psutil.Process(self.pid).children(recursive=True))
        return []

    def bury(self) -> int:
        """Wait for its end, end what it left, and let go of it; return its exit code."""
        code = self._process.wait()
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        self.connection.close()
        if self.exit_signal is not None:
            os.close(self.exit_signal)
        return code


def _pidfd(pid: int) -> int | None:
    """A file that can be read when the process has ended, where the system has such."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


@final
class Guard:
    """Has process groups killed when this process is gone, however it ends."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", _GUARD],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def watch(self, group: int) -> None:
        """Have a group killed."""
        self._say(f"+{group}\n")

    def forget(self, group: int) -> None:
        """Leave a group alone, since it is gone."""
        self._say(f"-{group}\n")

    def dismiss(self) -> None:
        """End the watch."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # someone has killed the guard
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
