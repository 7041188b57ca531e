"""The driver processes of a study: started, started again when they die, and looked after."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final, final

import psutil

from benchmarks.chaos.objective import EXIT_CODE
from benchmarks.peers import ROOT, environment

__all__ = ["Crew"]

_EXPECTED: Final = {-signal.SIGKILL: "killed", -signal.SIGSEGV: "crashed", EXIT_CODE: "left"}


@final
class Crew:
    """Drivers that work on one study, each started again until it says that all is done.

    Args:
        size: How many.
        arguments: What each gets: URL, study, kind, trials, seed.
        folder: For clocks, notes, logs and checkpoints.

    Attributes:
        ends: How often drivers ended how.
        surprises: What drivers said that ended in a way that nobody had planned.
    """

    def __init__(self, size: int, arguments: list[str], folder: Path) -> None:
        self.ends: Counter[str] = Counter()
        self.surprises: list[str] = []
        self._arguments = [*arguments, str(folder)]
        self._folder = folder
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._done: set[int] = set()
        self._size = size
        for index in range(size):
            self.set_clock(index, 0.0)

    def look_after(self) -> bool:
        """Start whoever has died; return whether all are done."""
        for index in set(range(self._size)) - self._done:
            process = self._processes.get(index)
            code = None if process is None else process.poll()
            if process is not None and code is None:
                continue
            if code == 0:
                self._done.add(index)
                self.ends["done"] += 1
                continue
            if code is not None:
                self._note_end(index, code)
            self._processes[index] = self._started(index)
        return len(self._done) == self._size

    def driver(self, index: int) -> psutil.Process | None:
        """A driver's process, if it runs."""
        process = self._processes.get(index)
        if process is None or process.poll() is not None:
            return None
        with contextlib.suppress(psutil.Error):
            return psutil.Process(process.pid)
        return None

    def children(self, index: int) -> list[psutil.Process]:
        """What a driver has started: workers, and their guard."""
        driver = self.driver(index)
        with contextlib.suppress(psutil.Error):
            return [] if driver is None else driver.children()
        return []

    def set_clock(self, index: int, offset: float) -> None:
        """Have a driver's clock tell the time with an error, in seconds."""
        fresh = self._folder / f"clock-{index}.new"
        fresh.write_text(repr(offset))
        fresh.replace(self._folder / f"clock-{index}")

    def log(self, index: int) -> str:
        """What a driver and its trials have printed."""
        return (self._folder / f"log-{index}").read_text("utf-8", "replace")

    def whereabouts(self) -> str:
        """Have everybody say where it is in the code."""
        for index in set(self._processes) - self._done:
            self._processes[index].send_signal(signal.SIGCONT)
            self._processes[index].send_signal(signal.SIGUSR1)
        time.sleep(1.0)
        return "\n".join(self.log(index)[-2000:] for index in set(self._processes) - self._done)

    def end(self) -> None:
        """End whoever still runs."""
        for process in self._processes.values():
            process.kill()
            process.wait()

    def _started(self, index: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "benchmarks.chaos.driver", *self._arguments, str(index)]
        places = {"XDG_DATA_HOME": str(self._folder), "PYTHONUNBUFFERED": "1"}
        with open(self._folder / f"log-{index}", "ab") as log:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment() | places,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _note_end(self, index: int, code: int) -> None:
        said = self.log(index)[-3000:]
        if code in _EXPECTED:
            self.ends[_EXPECTED[code]] += 1
        elif "StorageConnectionError" in said.strip().rpartition("\n")[2]:
            self.ends["found no server"] += 1
        else:
            self.surprises.append(f"A driver ended with {code} and said: ...{said}")
