"""The demo: tune a random forest by grid and by random search, and a small neural network.

    python examples/demo.py            (or: make demo)

The forests are raced: a candidate that falls behind on the first folds isn't fitted to the others.
All three studies are kept in ``luthier-demo.db``, and what the network's found is told in
``report.html``. Stop it with Ctrl-C whenever you like and run it
again: what is finished stays finished, what was running is run again.
"""

import argparse
import os
import shutil
import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

import luthier
from luthier.integrations.sklearn import SearchCV
from luthier.report import report

STORAGE = "luthier-demo.db"
REPORT = "report.html"

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
    return search.fit(X, y)


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


def show(searches, network):
    print(
        f"\n{'study':<15}{'trials':>7}{'fits':>12}{'best':>8}"
        f"{'expected':>10}{'95% interval':>16}{'default':>9}{'seconds':>9}"
    )
    for search in searches:
        low, high = search.expected_score_interval_
        print(
            f"{start_of_row(search.study_, fits(search))}{search.expected_score_:>10.4f}"
            f"{f'{low:.3f} to {high:.3f}':>16}{search.default_score_:>9.4f}{seconds(search.study_)}"
        )
    print(f"{start_of_row(network, '')}{'':>35}{seconds(network)}")
    for search in searches:
        print(f"\n{search.study_.study_name}: {search.report()}")
    print(f"\n{network.study_name}: {network.best_params}")
    program = command_line()
    print(
        f"""
Where to look next:
  {program} status --study forest-grid --storage {STORAGE}
  {program} trials --study forest-random --storage {STORAGE}
  {program} best --study network-random --storage {STORAGE}
  {program} replay --study network-random --storage {STORAGE}
  {program} report forest-grid -o forest-grid.html --storage {STORAGE}
and in examples/ and docs/. Delete {STORAGE} to start over."""
    )


def start_of_row(study, fits):
    return f"{study.study_name:<15}{len(study.trials):>7}{fits:>12}{study.best_value:>8.4f}"


def seconds(study):
    return f"{sum(trial.cost or 0 for trial in study.trials):>9.1f}"


def fits(search):
    """How many fits the race has run, of those that searching without one runs."""
    table = search.cv_results_
    scores = [table[f"split{fold}_test_score"] for fold in range(search.n_splits_)]
    return f"{np.isfinite(scores).sum()} of {np.size(scores)}"


def command_line():
    """What to type for ``luthier``: its path beside this Python, unless it is on the PATH."""
    beside = Path(sys.executable).with_name("luthier")
    return "luthier" if shutil.which("luthier") else os.path.relpath(beside)


def main(*, small=False):
    grid = FOREST | {"n_estimators": [10], "max_depth": [None]} if small else FOREST
    try:
        forests = [
            tune_forest("grid", 3 if small else 48, grid),
            tune_forest("random", 2 if small else 12, grid),
        ]
        network = tune_network(3 if small else 24)
    except KeyboardInterrupt:
        print("\nInterrupted. Nothing is lost: run it again to go on.", file=sys.stderr)
        sys.exit(130)
    show(forests, network)
    path = report(network).save(REPORT)
    print(f"\nWhat {network.study_name} found, with figures: open {path.resolve()} in a browser.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Tune three models on scikit-learn's data.")
    parser.add_argument("--small", action="store_true", help="a few trials, for a try")
    main(small=parser.parse_args().small)
