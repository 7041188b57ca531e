"""Little first, beside all at once: what fidelities of scikit-learn's estimators save and cost.

    python -m benchmarks.fidelity.estimators [SEEDS [PROBLEM...]]

Random searches of 40 candidates by 3 folds on one half of the digits, the winner scored on the
other half: each candidate on all folds, raced over the folds, and tried with little first. Time is
the process's own, without the last fit.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from luthier import Float, Int
from luthier.integrations.sklearn import SearchCV
from luthier.schedulers import Asha, Hyperband

PROBLEMS: dict[str, Any] = {
    "SVC, samples": (
        SVC(),
        {"C": Float(1e-2, 1e3, log=True), "gamma": Float(1e-5, 1e-1, log=True)},
        "samples",
        27,
    ),
    "random forest, n_estimators": (
        RandomForestClassifier(n_estimators=27, random_state=0),
        {
            "max_depth": Int(1, 20),
            "max_features": Float(0.05, 1),
            "min_samples_leaf": Int(1, 20, log=True),
        },
        "n_estimators",
        27,
    ),
    "SGD, epochs": (
        make_pipeline(StandardScaler(), SGDClassifier(random_state=0, average=True)),
        {
            "sgdclassifier__alpha": Float(1e-7, 1e-1, log=True),
            "sgdclassifier__loss": ["hinge", "log_loss", "modified_huber"],
        },
        {"epochs": 27},
        27,
    ),
}


def ways(fidelity: Any, end: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The settings that are compared."""
    yield "all at once", {"race": "none"}
    yield "race", {"race": "auto"}
    yield "asha", {"fidelity": fidelity, "scheduler": Asha(end, 3)}
    yield "hyperband", {"fidelity": fidelity, "scheduler": Hyperband(end, 3)}


def main(seeds: int, chosen: Sequence[str]) -> None:
    """Print a line for each problem and way: medians of time, means of scores, over the seeds."""
    warnings.simplefilter("ignore")
    X, y = load_digits(return_X_y=True)
    for name, (estimator, space, fidelity, end) in PROBLEMS.items():
        if chosen and not name.startswith(tuple(chosen)):
            continue
        found: dict[str, list[tuple[float, float, float]]] = {}
        for seed in range(seeds):
            halves = train_test_split(X, y, train_size=0.5, stratify=y, random_state=seed)
            cv = StratifiedKFold(3, shuffle=True, random_state=seed)
            for way, settings in ways(fidelity, end):
                search = SearchCV(
                    estimator, space, n_trials=40, cv=cv, random_state=seed, **settings
                )
                began = time.process_time()
                search.fit(halves[0], halves[2])
                spent = time.process_time() - began - search.refit_time_
                score = search.score(halves[1], halves[3])
                found.setdefault(way, []).append((spent, search.best_score_, score))
        for way, rows in found.items():
            seconds = np.median([row[0] for row in rows])
            share = np.median(
                [row[0] / all_[0] for row, all_ in zip(rows, found["all at once"], strict=True)]
            )
            cv_score, test = np.mean(rows, axis=0)[1:]
            print(
                f"| {name} | {way} | {seconds:.1f} s | {share:.2f} | {cv_score:.4f} | {test:.4f} |"
            )
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20, sys.argv[2:])
