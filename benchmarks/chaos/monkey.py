"""Carries out a plan on drivers, their workers and the server."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, final

import psutil
import psycopg

from benchmarks.chaos.crew import Crew
from benchmarks.chaos.plan import Action
from benchmarks.storages.postgres_server import PostgresServer

__all__ = ["Monkey"]


@final
class Monkey:
    """Does what is due whenever it is asked to.

    Args:
        plan: What to do and when.
        server: Whose connections it ends, and which it restarts.

    Attributes:
        crew: Whom it torments now.
        done: How often it has done what.
    """

    def __init__(self, plan: Iterator[Action], server: PostgresServer) -> None:
        self.crew: Crew | None = None
        self.done: Counter[str] = Counter()
        self._plan = plan
        self._server = server
        self._next = next(plan)
        self._began = time.monotonic()
        self._stopped: list[tuple[float, psutil.Process]] = []

    def act(self) -> None:
        """Do all that is due now."""
        now = time.monotonic() - self._began
        while self._next.at <= now:
            if self._do(self._next):
                self.done[self._next.kind] += 1
            self._next = next(self._plan)
        self._wake(now)

    def leave(self) -> None:
        """Let whoever was stopped go on."""
        self._wake(float("inf"))

    def _do(self, action: Action) -> bool:
        """Do one thing; return whether there was something to do it to."""
        what, _, whom = action.kind.partition(" ")
        if whom == "clock":
            assert self.crew is not None
            self.crew.set_clock(action.driver, action.amount)
            return True
        if whom == "server":
            self.leave()  # who is stopped can't be told to end
            self._server.stop("fast" if what == "restart" else "immediate")
            time.sleep(action.amount)
            self._server.start()
            return True
        if whom == "connections":
            return self._end_connections(round(action.amount), action.choice)
        process = self._chosen(whom, action)
        with contextlib.suppress(psutil.Error):
            if process is not None and what == "kill":
                process.kill()
                return True
            if process is not None:
                process.suspend()
                until = time.monotonic() - self._began + action.amount
                self._stopped.append((until, process))
                return True
        return False

    def _chosen(self, whom: str, action: Action) -> psutil.Process | None:
        assert self.crew is not None
        if whom == "driver":
            return self.crew.driver(action.driver)
        found = (
            self.crew.children(action.driver)
            if whom == "worker"
            else [psutil.Process(pid) for pid in self._backends() if psutil.pid_exists(pid)]
        )
        return found[int(action.choice * len(found))] if found else None

    def _backends(self) -> list[int]:
        return [pid for (pid,) in self._ask(_BACKENDS)]

    def _end_connections(self, most: int, choice: float) -> bool:
        pids = self._backends()
        first = int(choice * len(pids))
        for pid in pids[first : first + most]:
            self._ask("SELECT pg_terminate_backend(%s)", pid)
        return bool(pids)

    def _ask(self, statement: str, *values: Any) -> list[Any]:
        with contextlib.closing(psycopg.connect(self._server.url(), autocommit=True)) as server:
            return server.execute(statement.encode(), values).fetchall()

    def _wake(self, now: float) -> None:
        for until, process in self._stopped:
            if until <= now:
                with contextlib.suppress(psutil.Error):
                    process.resume()
        self._stopped = [entry for entry in self._stopped if entry[0] > now]


_BACKENDS = (
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'luthier' ORDER BY backend_start"
)
