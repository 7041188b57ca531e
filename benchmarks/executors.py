"""What running trials in processes costs beside a bare pool, and what it gains: wall seconds.

    python -m benchmarks.executors [REPEATS]

- Overhead: a study's no-op trial (random search, in memory) beside the same no-op in
  ``concurrent.futures.ProcessPoolExecutor``, both on two processes that are up and running, so many
  tasks as there are processes at once. Medians of the repeats, which take turns.
- Gain: CPU seconds of CPU-bound trials one by one, which is what they take on a core of their own,
  by the wall seconds of the same study on four slots, everything included from the start of the
  first process to the end of the last. On two cores it can be 2 at most; what a bare pool gains by
  the same work, with nothing to import, stands beside it.

Linux shares a busy machine out among sessions, and each of our workers leads one. So the wall
seconds of one process beside those of four would show how often we asked for a share: they once
gave a gain of 3.55 on two cores. CPU seconds don't depend on others' load, and the pool's processes
are made leaders of sessions, too. Load makes the gain smaller, never larger.

It needs a quiet machine. The result goes to ``benchmarks/results/executors.json``.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any

import luthier
from benchmarks.peers import ROOT

RESULTS = ROOT / "benchmarks" / "results" / "executors.json"
NOOPS, WARM = 500, 20
TRIALS, WORK = 40, 10_000_000  # about a third of a second each
MOST_MS, LEAST_GAIN = 2.0, 1.8


def main(repeats: int = 5) -> int:
    """Run everything; return 0 if both targets are met."""
    luthier.set_verbosity("error")
    before = os.getloadavg()
    pool, study = zip(*((pool_ms(), study_ms()) for _ in range(repeats)), strict=True)
    costs = {"pool_ms": statistics.median(pool), "study_ms": statistics.median(study)}
    costs["overhead_ms"] = costs["study_ms"] - costs["pool_ms"]
    places = ("inline", "thread:4", "process:4")
    rounds = [{place: seconds(place) for place in places} for _ in range(max(1, repeats // 2))]
    alone = statistics.median(one["inline"][1] for one in rounds)
    times = {place: statistics.median(one[place][0] for one in rounds) for place in places}
    times["pool:4"] = statistics.median(pool_seconds() for _ in rounds)
    gains = {place: alone / wall for place, wall in times.items() if place != "inline"}
    assert max(gains.values()) <= 1.05 * (os.cpu_count() or 1), f"no machine can do that: {gains}"
    met = {
        "overhead": costs["overhead_ms"] < MOST_MS,
        "gain": gains["process:4"] >= LEAST_GAIN,
    }
    machine = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": [round(load, 1) for load in before],
    }
    result = {
        "machine": machine,
        **costs,
        "seconds": times,
        "cpu_seconds_inline": alone,
        "gain": gains,
        "met": met,
    }
    print(json.dumps(result, indent=1))
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    return 0 if all(met.values()) else 1


def pool_ms() -> float:
    """Milliseconds a no-op costs in a bare pool of two."""
    ends: list[float] = []
    with ProcessPoolExecutor(2, initializer=os.setsid) as pool:
        running: set[Future[float]] = set()
        for _ in range(NOOPS):
            running.add(pool.submit(noop, None))
            if len(running) == 2:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                ends += [time.perf_counter()] * len(done)
    return per_task(ends)


def study_ms() -> float:
    """Milliseconds a no-op trial costs in a study on two processes."""
    ends: list[float] = []

    def ended(study: Any, trial: Any) -> None:
        ends.append(time.perf_counter())

    study = luthier.create_study(sampler="random", seed=0)
    study.optimize(noop, NOOPS, n_jobs=2, callbacks=[ended])
    return per_task(ends)


def per_task(ends: list[float]) -> float:
    """Milliseconds between ends, once both processes are warm."""
    return 1e3 * (ends[-1] - ends[WARM]) / (len(ends) - 1 - WARM)


def seconds(place: str) -> tuple[float, float]:
    """Wall seconds that a study of CPU-bound trials takes somewhere, and this process's CPU's."""
    study = luthier.create_study(sampler="random", seed=0)
    start, cpu = time.perf_counter(), time.process_time()
    study.optimize(busy, TRIALS, executor=place)
    assert all(trial.value is not None for trial in study.trials)
    return time.perf_counter() - start, time.process_time() - cpu


def pool_seconds() -> float:
    """Wall seconds that as much work takes in a bare pool, whose processes needn't import us."""
    start = time.perf_counter()
    with ProcessPoolExecutor(4, initializer=os.setsid) as pool:
        list(pool.map(work, [0.5] * TRIALS))
    return time.perf_counter() - start


def noop(trial: Any) -> float:
    return 1.0


def busy(trial: Any) -> float:
    return work(trial.suggest_float("x", 0, 1))


def work(total: float) -> float:
    for i in range(WORK):
        total += i * 1e-9
    return total


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
