"""The demo: tune a random forest by grid and by random search, and a small neural network.

    python examples/demo.py            (or: make demo)

All three studies are kept in ``luthier-demo.db``. Stop it with Ctrl-C whenever you like and run it
again: what is finished stays finished, what was running is run again.
"""

import os
import shutil
import sys
import warnings
from functools import cache
from pathlib import Path

from sklearn.datasets import load_digits, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

import luthier
from luthier.integrations.sklearn import SearchCV

STORAGE = "luthier-demo.db"

FOREST = {
    "n_estimators": [10, 50, 100, 200],
    "max_features": ["sqrt", "log2", None],
    "max_depth": [None, 10, 20, 30],
}


def tune_forest(strategy, n_trials, grid):
    """Scikit-learn's way: an estimator and a grid, tuned by ``SearchCV``."""
    X, y = load_digits(return_X_y=True)
    search = SearchCV(
        RandomForestClassifier(n_jobs=2, random_state=0),
        grid,
        strategy=strategy,
        n_trials=n_trials,
        cv=5,
        refit=False,
        random_state=0,
        study_name=f"forest-{strategy}",
        storage=STORAGE,
        verbose=1,
    )
    return search.fit(X, y).study_


def network_accuracy(trial):
    """Luthier's way: any function of a trial, which asks for its parameters as it goes."""
    units = [trial.suggest_int(f"units_{layer}", 16, 64, step=2) for layer in (1, 2)]
    activation = trial.suggest_categorical("activation", ["relu", "tanh", "logistic"])
    network = MLPClassifier(
        units, activation=activation, learning_rate_init=0.01, max_iter=40, random_state=0
    )
    return cross_val_score(network, *network_data(), cv=5).mean()


@cache
def network_data():
    return make_classification(1000, 20, n_informative=15, n_redundant=5, random_state=0)


def tune_network(n_trials):
    study = luthier.create_study(
        study_name="network-random",
        storage=STORAGE,
        direction="maximize",
        strategy="random",
        seed=0,
        load_if_exists=True,
    )
    with threadpool_limits(1), warnings.catch_warnings():  # the matrices are small
        warnings.simplefilter("ignore", ConvergenceWarning)
        study.optimize(network_accuracy, total_trials=n_trials, show_progress_bar=True)
    return study


def show(studies):
    print(f"\n{'study':<16}{'trials':>8}{'best':>9}{'seconds':>9}   best configuration")
    for study in studies:
        seconds = sum(trial.cost or 0 for trial in study.trials)
        best = ", ".join(f"{name}={value}" for name, value in study.best_params.items())
        row = f"{study.study_name:<16}{len(study.trials):>8}{study.best_value:>9.4f}{seconds:>9.1f}"
        print(f"{row}   {best}")
    program = command_line()
    print(
        f"""
Where to look next:
  {program} status --study forest-grid --storage {STORAGE}
  {program} trials --study forest-random --storage {STORAGE}
  {program} best --study network-random --storage {STORAGE}
  {program} replay --study network-random --storage {STORAGE}
and in examples/ and docs/. Delete {STORAGE} to start over."""
    )


def command_line():
    """What to type for ``luthier``: its path beside this Python, unless it is on the PATH."""
    beside = Path(sys.executable).with_name("luthier")
    return "luthier" if shutil.which("luthier") else os.path.relpath(beside)


def main(*, small=False):
    grid = FOREST | {"n_estimators": [10], "max_depth": [None]} if small else FOREST
    try:
        studies = [
            tune_forest("grid", 3 if small else 48, grid),
            tune_forest("random", 2 if small else 12, grid),
            tune_network(3 if small else 24),
        ]
    except KeyboardInterrupt:
        print("\nInterrupted. Nothing is lost: run it again to go on.", file=sys.stderr)
        sys.exit(130)
    show(studies)


if __name__ == "__main__":
    main(small="--small" in sys.argv)
