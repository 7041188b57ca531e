"""A slot on a machine of someone else's cluster: a process there runs trials, one after another.

A cluster's own workers (a thread of a Dask worker, a Ray actor) don't run objectives themselves:
each keeps a process for that, as ``Processes`` does here. So limits, cancelling, thread counts and
crashes mean the same everywhere, and what kills a trial's process doesn't touch the cluster. A
process that died is the trial's fault; a worker that went away isn't.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any, Final, final

from luthier.executors.calls import Relay
from luthier.executors.process.exceptions import pack_result
from luthier.executors.process.executor import Processes
from luthier.executors.process.sending import Parcel

__all__ = ["Station", "settings"]

_LOOK_SECONDS: Final = 0.2  # between looks whether the trial was cancelled


def settings(
    time_limit: float | str | datetime.timedelta | None,
    memory_limit: int | str | None,
    grace: float,
    fresh: bool,
    cpu: float | None,
) -> dict[str, Any]:
    """Return what a ``Station`` is made with.

    Args:
        time_limit: See ``Processes``; and the next three.
        memory_limit: Of each trial.
        grace: Between SIGTERM and SIGKILL.
        fresh: Whether each trial gets a new process.
        cpu: How many threads numerical libraries use; None leaves it to the cluster.

    Raises:
        ArgumentError: One that makes no sense.
    """
    made = {
        "time_limit": time_limit,
        "memory_limit": memory_limit,
        "grace": grace,
        "fresh": fresh,
        "resources": None if cpu is None else {"cpu": cpu},
    }
    Processes(1, **made)  # type: ignore[arg-type]  # refuses what makes no sense
    return made


@final
class Station:
    """Runs one trial at a time in a process beside this one.

    All its trials are run by one thread: a worker process ends with the thread that started it.

    Args:
        settings: As ``settings`` makes them.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._processes = Processes(1, logs=False, **settings)
        self._shared: dict[int, bytes] = {}

    @property
    def known(self) -> list[int]:
        """Tokens of the shared parts that are here."""
        return list(self._shared)

    def run(
        self,
        number: int,
        content: bytes,
        shared: Mapping[int, bytes | None],
        relay: Relay,
        cancelled: Callable[[], bool],
    ) -> bytes:
        """Run a trial to its end.

        Args:
            number: The trial's.
            content: Its work, packed.
            shared: What that refers to, packed; None for what is known.
            relay: Its way to the study.
            cancelled: Whether it is to be ended.

        Returns:
            Its outcome or an exception, as ``pack_result`` packs them.
        """
        packed = {t: self._shared[t] if new is None else new for t, new in shared.items()}
        self._shared = packed
        asked = False
        try:
            self._processes.submit(number, Parcel(content, packed), relay)
            while not (ended := self._processes.wait(_LOOK_SECONDS)):
                if not asked and cancelled():
                    asked = self._processes.cancel(number)
        except Exception as error:  # noqa: BLE001  the driver's wait() raises it
            return pack_result(error)
        return pack_result(ended[0][1])

    def close(self) -> None:
        """End the process."""
        self._processes.shutdown()
