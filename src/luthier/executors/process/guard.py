"""The guard: a tiny process that outlives its driver for a moment, to end what that started.

A driver that is killed can't end its workers, and a worker that is busy in compiled code can't see
that its driver is gone; nor do the processes that a trial started itself. The guard waits at a
pipe from the driver. Lines ``+GROUP`` and ``-GROUP`` say which process groups there are; when the
pipe closes, it kills them. Run as a script: it needs nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys


def main() -> None:
    """Wait for the driver's end."""
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
