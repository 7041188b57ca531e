"""A study of many trials on a server: what asking costs, and what looking for changes costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import luthier
from benchmarks.storages.sqlite import trials
from luthier.core.trial import TrialState

_BATCH = 2000


def measure(url: str, n: int, asks: int = 50) -> dict[str, Any]:
    """Fill a study with n finished trials, and measure.

    Returns:
        Milliseconds of wall-clock time: of the first ask, which reads the history; of later asks
        (the median, and the 90th percentile), each with its tell before it; and of
        ``changes_since`` after 0, 1, 10, ... changes.
    """
    luthier.set_verbosity("error")
    study = luthier.create_study(storage=url, study_name="large", sampler="random", seed=0)
    store, key = study.storage, study._driver.record.id
    done = [
        replace(t, state=TrialState.COMPLETE, metric_names=("value",), metric_values=(0.5,))
        for t in trials(_BATCH)
    ]
    for first in range(0, n, _BATCH):
        store.add_trials(key, [replace(t, number=first + t.number) for t in done])
    study = luthier.load_study(storage=url, study_name="large")
    spent = []
    for _ in range(asks + 1):
        start = time.perf_counter()
        trial = study.ask()
        spent.append(1e3 * (time.perf_counter() - start))
        trial.suggest_float("x", 0, 1)
        study.tell(trial, 0.5)
    later = sorted(spent[1:])
    return {
        "trials": n,
        "first_ask_ms": round(spent[0], 1),
        "ask_ms": round(statistics.median(later), 2),
        "ask_90%_ms": round(later[int(0.9 * len(later))], 2),
        "changes_ms": {str(k): _changes(store, key, k) for k in (0, 1, 10, 100, 1000)},
    }


def _changes(store: Any, key: int, k: int) -> float:
    version = store.changes_since(key, 10**9).version
    return round(_median(lambda: store.changes_since(key, version - k)), 2)


def _median(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(15):
        start = time.perf_counter()
        work()
        spent.append(1e3 * (time.perf_counter() - start))
    return statistics.median(spent)
