"""Scores of support vector machines on small samples of scikit-learn's data, kept in tables.

Each seed draws a small training set; the rest of the data tells the true score of a candidate
fitted to all of it. Candidate 0 is the default, ``SVC()``; 120 others are drawn at random, the same
for every data set and each seed its own. All are scored by five folds, by one fixed holdout set and
by a holdout set of their own (reshuffled). Whoever is among the first six by one of these, and the
default, are scored on fresh splits as well: two repeats of ten folds, and four of five.

The rules were chosen on seeds 0 to 39; these tables hold 40 others.

Run ``python -m benchmarks.selection.record`` to make the tables anew; it takes some minutes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.model_selection import (
    RepeatedStratifiedKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    train_test_split,
)
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

SEEDS, CANDIDATES, FINALISTS = range(40, 80), 120, 6
SETS = {  # and how many samples are there to learn from
    "wine": (load_wine, 80),
    "breast_cancer": (load_breast_cancer, 150),
    "digits": (load_digits, 200),
}
TABLES = Path(__file__).parent / "recorded"
Pairs = list[tuple[Any, Any]]


def main() -> None:
    TABLES.mkdir(exist_ok=True)
    for name in SETS:
        runs = [run(name, seed) for seed in SEEDS]
        table = {key: np.stack([r[key] for r in runs]).astype(np.float32) for key in runs[0]}
        np.savez_compressed(TABLES / f"{name}.npz", **table)
        print(name, {key: value.shape for key, value in table.items()}, flush=True)


def run(name: str, seed: int) -> dict[str, Any]:
    """All scores of one seed; NaN where there is none."""
    load, size = SETS[name]
    X, y = load(return_X_y=True)
    X, X_rest, y, y_rest = train_test_split(X, y, train_size=size, stratify=y, random_state=seed)
    models = [SVC(), *candidates(seed)]
    everyone = range(len(models))
    five = StratifiedKFold(5, shuffle=True, random_state=seed)
    one = StratifiedShuffleSplit(1, test_size=0.2, random_state=seed)
    each = StratifiedShuffleSplit(len(models), test_size=0.2, random_state=seed + 1000)
    folds = scored(models, everyone, X, y, list(five.split(X, y)))
    holdout = scored(models, everyone, X, y, list(one.split(X, y)))
    own = [
        scored([m], [0], X, y, [pair])[0] for m, pair in zip(models, each.split(X, y), strict=True)
    ]
    ranked = [folds.mean(axis=1), holdout.mean(axis=1), np.ravel(own)]
    first = {int(i) for means in ranked for i in np.argsort(-means, kind="stable")[:FINALISTS]}
    fresh5 = RepeatedStratifiedKFold(n_splits=5, n_repeats=4, random_state=seed + 2000)
    fresh10 = RepeatedStratifiedKFold(n_splits=10, n_repeats=2, random_state=seed + 3000)
    finalists = sorted(first | {0})
    true = scored(
        models,
        everyone,
        np.concatenate([X, X_rest]),
        np.concatenate([y, y_rest]),
        [(np.arange(size), np.arange(size, size + len(y_rest)))],
    )
    return {
        "folds": folds,
        "holdout": holdout,
        "own": np.array(own),
        "fresh5": scored(models, finalists, X, y, list(fresh5.split(X, y))),
        "fresh10": scored(models, finalists, X, y, list(fresh10.split(X, y))),
        "true": true[:, 0],
    }


def candidates(seed: int) -> list[SVC]:
    rng = np.random.default_rng(seed)
    return [
        SVC(
            C=10 ** rng.uniform(-2, 3),
            gamma=10 ** rng.uniform(-4, 1),
            kernel=str(rng.choice(["rbf", "linear", "poly"])),
        )
        for _ in range(CANDIDATES)
    ]


def scored(models: list[SVC], wanted: Any, X: Any, y: Any, splits: Pairs) -> Any:
    """Accuracies, shape (models, splits), with data scaled on each training part."""
    scores = np.full((len(models), len(splits)), np.nan)
    for j, (train, test) in enumerate(splits):
        scale = StandardScaler().fit(X[train])
        X_train, X_test = scale.transform(X[train]), scale.transform(X[test])
        for i in wanted:
            predicted = models[i].fit(X_train, y[train]).predict(X_test)
            scores[i, j] = np.mean(predicted == y[test])
    return scores


if __name__ == "__main__":
    main()
