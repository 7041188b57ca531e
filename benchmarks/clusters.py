"""What a trial and a report cost where trials run elsewhere: wall milliseconds, medians.

    python -m benchmarks.clusters

A no-op trial of a study (random search, in memory, two slots) and the round trip of a report with
its decision, on worker processes, a ``concurrent.futures`` pool, a local Dask cluster of two
workers and a local Ray of two cores. It needs a quiet machine. The result goes to
``benchmarks/results/clusters.json``.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

import luthier
from benchmarks.peers import ROOT
from luthier.executors import Dask, Futures, Processes, Ray

RESULTS = ROOT / "benchmarks" / "results" / "clusters.json"
TRIALS, WARM, REPORTS = 100, 10, 300


def main() -> None:
    """Measure all, and write it down."""
    luthier.set_verbosity("error")
    places: dict[str, Any] = {"process": processes, "futures": pool, "dask": dask, "ray": ray}
    result = {}
    for name, place in places.items():
        with place() as executor:
            result[name] = {"trial_ms": trial_ms(executor), "report_ms": report_ms(executor)}
        print(name, result[name], flush=True)
    machine = {"python": platform.python_version(), "cores": os.cpu_count()}
    RESULTS.write_text(json.dumps({"machine": machine, **result}, indent=1) + "\n")


@contextmanager
def processes() -> Iterator[Any]:
    yield Processes(2)


@contextmanager
def pool() -> Iterator[Any]:
    with ProcessPoolExecutor(2) as made:
        yield Futures(made, 2)


@contextmanager
def dask() -> Iterator[Any]:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield Dask(client)


@contextmanager
def ray() -> Iterator[Any]:
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    import ray as package

    package.init("local", num_cpus=2, include_dashboard=False, logging_level="error")
    yield Ray()
    package.shutdown()


def noop(trial: Any) -> float:
    return 1.0


def reports(trial: Any) -> float:
    """Report often; note the median round trip."""
    times = []
    for step in range(REPORTS):
        start = time.perf_counter()
        trial.report(1.0, step)
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def trial_ms(executor: Any) -> float:
    """From the end of one no-op trial to the end of the next, with two at once."""
    ends = _run(executor, noop, WARM + TRIALS)[WARM:]
    return 1e3 * (ends[-1] - ends[0]) / (len(ends) - 1)


def report_ms(executor: Any) -> float:
    """The round trip of a report, with one trial at a time."""
    study = luthier.create_study(seed=0, sampler="random")
    study.optimize(reports, 1, executor=executor)
    return float(study.best_value)


def _run(executor: Any, objective: Callable[[Any], float], n_trials: int) -> list[float]:
    ends: list[float] = []
    study = luthier.create_study(seed=0, sampler="random")
    study.optimize(
        objective,
        n_trials,
        executor=executor,
        callbacks=[lambda study, trial: ends.append(time.perf_counter())],
    )
    return ends


if __name__ == "__main__":
    main()
