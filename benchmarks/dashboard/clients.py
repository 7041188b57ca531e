"""Twenty browsers that stay open while a study runs: what they hear, and what the server keeps."""

from __future__ import annotations

import http.client
import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.dashboard.server import Dashboard
from luthier import load_study

__all__ = ["watched"]

_ASK_SECONDS = 2.0


def watched(server: Dashboard, path: Path, name: str, n: int, minutes: float) -> dict[str, Any]:
    """Have n clients listen to a study, and ask for what they show, while trials are told.

    Args:
        server: The dashboard.
        path: Its SQLite file.
        name: The study.
        n: How many clients.
        minutes: For how long.

    Returns:
        Delays in seconds from a result to its being heard, memory in MB over time.
    """
    ended = threading.Event()
    told: dict[int, float] = {}
    delays: list[float] = []
    threads = [
        threading.Thread(target=_look, args=(server, name, told, delays, ended, k), daemon=True)
        for k in range(n)
    ]
    for thread in threads:
        thread.start()
    study = load_study(study_name=name, storage=path)
    rng, begun, cpu = np.random.default_rng(1), time.monotonic(), server.cpu
    memory: list[tuple[float, float]] = []
    while (elapsed := time.monotonic() - begun) < 60 * minutes:
        trial = study.ask()
        study.tell(trial, float(rng.random()))
        told[trial.number] = time.monotonic()
        if not memory or elapsed - memory[-1][0] >= 5:
            memory.append((elapsed, server.memory))
        time.sleep(0.3)
    ended.set()
    for thread in threads:
        thread.join(30)
    half = [mb for at, mb in memory if at >= 30 * minutes]
    return {
        "clients": n,
        "minutes": minutes,
        "trials_told": len(told),
        "heard": len(delays),
        "delay_median": float(np.median(delays)),
        "delay_p99": float(np.quantile(delays, 0.99)),
        "delay_max": float(np.max(delays)),
        "memory_first_minute": max(mb for at, mb in memory if at <= 60),
        "memory_halfway": half[0],
        "memory_end": memory[-1][1],
        "memory_peak": max(mb for _, mb in memory),
        "cpu_share": (server.cpu - cpu) / (60 * minutes),
        "memory": memory,
    }


def _look(
    server: Dashboard,
    name: str,
    told: dict[int, float],
    delays: list[float],
    ended: threading.Event,
    k: int,
) -> None:
    """One client: hears of results, and asks for the figure and the table now and then."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", f"/api/studies/{name}/events")
    answer = connection.getresponse()
    heard: set[int] = set()
    asked = time.monotonic() + _ASK_SECONDS * k / 20
    for line in answer:
        now = time.monotonic()
        if ended.is_set():
            break
        if line.startswith(b'data: {"version"'):
            for number in json.loads(line[6:])["changed"] or ():
                if number in told and number not in heard:
                    heard.add(number)
                    delays.append(now - told[number])
        if now - asked > _ASK_SECONDS:
            asked = now
            for path, body in (
                (f"/api/studies/{name}/figures/history", None),
                (f"/api/studies/{name}/table", {"sort": "metric:value", "limit": 50}),
            ):
                server.ask(path, body)
    connection.close()
