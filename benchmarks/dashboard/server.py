"""A dashboard in a process of its own, and requests to it."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import psutil

__all__ = ["Dashboard", "dashboard"]


@final
class Dashboard:
    """A running dashboard."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self._process = psutil.Process(pid)

    @property
    def memory(self) -> float:
        """Its resident memory, in MB."""
        return float(self._process.memory_info().rss / 2**20)

    @property
    def cpu(self) -> float:
        """Seconds of CPU that it has taken."""
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def ask(self, path: str, body: Any = None) -> tuple[float, float, int]:
        """Ask something; return seconds waited, seconds of the server's CPU, and bytes."""
        cpu, begun = self.cpu, time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        if body is None:
            connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        else:
            content = json.dumps(body)
            connection.request("POST", path, content, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        size = len(answer.read())
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{path} was answered with {answer.status}")
        return time.perf_counter() - begun, self.cpu - cpu, size


@contextmanager
def dashboard(storage: Path) -> Iterator[Dashboard]:
    """Run a dashboard of a storage on a free port."""
    command = [sys.executable, "-m", "luthier.cli", "dashboard", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--storage", str(storage)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        port = int(line.partition("http://127.0.0.1:")[2].partition("/")[0])
        running = Dashboard(port, process.pid)
        for _ in range(200):
            try:
                running.ask("/api/about")
                break
            except OSError:
                time.sleep(0.1)
        yield running
    finally:
        process.terminate()
        process.wait(30)
