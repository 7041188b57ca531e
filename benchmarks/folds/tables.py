"""Tables of fold scores: every configuration on every fold, and on the test set.

Each of the six cases is a data set that ships with scikit-learn and a space. A table of a case and
a seed holds sixty configurations drawn at random, scored on the ten folds of one half of the data
and, fitted to all of that half, on the other. With the tables a race costs milliseconds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "tables"
CONFIGURATIONS, FOLDS, SEEDS = 60, 10, 8


@dataclass(frozen=True)
class Table:
    """What sixty configurations scored.

    Attributes:
        params: The configurations.
        scores: Accuracy on each fold, shape (configurations, folds).
        seconds: What each fit and scoring took, of the same shape.
        test: Accuracy on the test set, shape (configurations,).
    """

    params: list[dict[str, Any]]
    scores: np.ndarray
    seconds: np.ndarray
    test: np.ndarray


def svm(rng: np.random.Generator) -> dict[str, Any]:
    """A configuration of a support vector machine on standardised features."""
    return {"C": 10 ** rng.uniform(-2, 3), "gamma": 10 ** rng.uniform(-5, 0)}


def forest(rng: np.random.Generator) -> dict[str, Any]:
    """A configuration of a random forest."""
    return {
        "n_estimators": int(rng.integers(5, 61)),
        "max_depth": int(rng.integers(2, 21)),
        "min_samples_leaf": int(rng.integers(1, 11)),
        "max_features": rng.uniform(0.05, 1.0),
    }


SPACES: Mapping[str, Callable[[np.random.Generator], dict[str, Any]]] = {
    "svm": svm,
    "forest": forest,
}
CASES = [f"{data}-{space}" for data in ("breast_cancer", "wine", "digits") for space in SPACES]


def table(case: str, seed: int) -> Table:
    """Read a table."""
    with np.load(FOLDER / f"{case}-{seed}.npz") as file:
        return Table(
            json.loads(str(file["params"])),
            file["right"] / file["sizes"],
            file["seconds"].astype(np.float64),
            file["test"] / file["test_size"],
        )


def make(case: str, seed: int) -> None:
    """Compute a table and keep it; what is counted are the samples that were right."""
    from sklearn import datasets
    from sklearn.model_selection import StratifiedKFold, train_test_split

    name, kind = case.split("-")
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=seed)
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    splits = [*splitter.split(X, y), (np.arange(len(y)), None)]
    rng = np.random.default_rng(seed)
    params = [SPACES[kind](rng) for _ in range(CONFIGURATIONS)]
    right = np.zeros((CONFIGURATIONS, FOLDS + 1), dtype=np.int16)
    seconds = np.zeros_like(right, dtype=np.float32)
    for row, settings in enumerate(params):
        for column, (train, held_out) in enumerate(splits):
            scored = (X_test, y_test) if held_out is None else (X[held_out], y[held_out])
            began = time.process_time()
            fitted = _model(kind, settings, seed).fit(X[train], y[train])
            right[row, column] = np.sum(fitted.predict(scored[0]) == scored[1])
            seconds[row, column] = time.process_time() - began
    FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(
        FOLDER / f"{case}-{seed}.npz",
        params=json.dumps(params),
        right=right[:, :-1],
        sizes=np.array([len(held_out) for _, held_out in splits[:-1]], dtype=np.int16),
        seconds=seconds[:, :-1].astype(np.float16),
        test=right[:, -1],
        test_size=len(y_test),
    )


def _model(kind: str, settings: Mapping[str, Any], seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    if kind == "svm":
        return make_pipeline(StandardScaler(), SVC(**settings))
    return RandomForestClassifier(**settings, random_state=seed)


if __name__ == "__main__":
    for made in range(SEEDS):
        for what in CASES:
            if not (FOLDER / f"{what}-{made}.npz").exists():
                make(what, made)
                print(what, made, file=sys.stderr, flush=True)
