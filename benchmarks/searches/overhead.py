"""What a candidate of ``SearchCV`` costs over one of RandomizedSearchCV: CPU milliseconds, inline.

    python -m benchmarks.searches.overhead [REPEATS]

An estimator that does nothing, on twenty rows and five folds: what is left is the search itself.
All search the same space for 100 candidates, and take turns; the figures are medians. "whole" draws
at random and runs all folds, as scikit-learn does; "usual" is ``SearchCV`` as it comes, which
races, so it has fewer fits for its candidates; "auto" takes the strategy that learns.
"""

from __future__ import annotations

import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import stats
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import KFold, RandomizedSearchCV
from threadpoolctl import threadpool_limits

import luthier
from benchmarks.peers import ROOT
from luthier.integrations.sklearn import SearchCV

RESULTS = ROOT / "benchmarks" / "results" / "searches_overhead.json"
CANDIDATES, MOST_MS = 100, 5.0
CV = KFold(5)
OURS: Mapping[str, Mapping[str, Any]] = {
    "whole": {"strategy": "random", "race": "none"},
    "usual": {},
    "auto": {"strategy": "auto"},
}


def main(repeats: int = 7) -> int:
    """Measure; return 0 if none costs more than ``MOST_MS`` above scikit-learn's."""
    luthier.set_verbosity("error")
    threadpool_limits(1)
    runs: dict[str, Callable[[], Any]] = {"RandomizedSearchCV": randomized}
    runs |= {name: searching(settings) for name, settings in OURS.items()}
    rounds = [{name: milliseconds(run) for name, run in runs.items()} for _ in range(repeats)]
    cost = {name: statistics.median(one[name] for one in rounds) for name in runs}
    over = {name: round(cost[name] - cost["RandomizedSearchCV"], 2) for name in OURS}
    machine = {"python": platform.python_version(), "numpy": np.__version__}
    met = all(value <= MOST_MS for value in over.values())
    result = {"machine": machine, "ms_a_candidate": cost, "over": over, "met": met}
    print(json.dumps(result, indent=1))
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    return 0 if met else 1


def milliseconds(run: Callable[[], Any]) -> float:
    """CPU milliseconds a candidate."""
    start = time.process_time()
    run()
    return round(1e3 * (time.process_time() - start) / CANDIDATES, 3)


def data() -> tuple[Any, Any]:
    """Twenty rows of two classes."""
    return np.arange(20.0).reshape(-1, 1), np.arange(20) % 2


def randomized() -> Any:
    """scikit-learn's search."""
    space = {"random_state": stats.randint(0, 10**6)}
    search = RandomizedSearchCV(DummyClassifier(), space, n_iter=CANDIDATES, cv=CV, random_state=0)
    return search.fit(*data())


def searching(settings: Mapping[str, Any]) -> Callable[[], Any]:
    """Return a run of ours."""

    def run() -> Any:
        space = {"random_state": luthier.Int(0, 10**6)}
        usual = {"n_trials": CANDIDATES, "cv": CV, "random_state": 0}
        return SearchCV(DummyClassifier(), space, **usual | dict(settings)).fit(*data())

    return run


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
