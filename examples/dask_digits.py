"""Trials on a Dask cluster: a support vector machine on scikit-learn's digits.

    pip install "luthier[dask]" scikit-learn
    python examples/dask_digits.py                       # a small cluster in this process
    python examples/dask_digits.py tcp://scheduler:8786  # yours

Each trial runs in a process beside a Dask worker. Take a worker away while it runs: its trials are
run again elsewhere, and the study comes out as if nothing had happened.
"""

import sys
import time

import luthier
from luthier.executors import Dask

TRIALS = 16


def objective(trial):
    from sklearn.datasets import load_digits
    from sklearn.model_selection import cross_val_score
    from sklearn.svm import SVC

    model = SVC(
        C=trial.suggest_float("C", 1e-2, 1e3, log=True),
        gamma=trial.suggest_float("gamma", 1e-6, 1e-1, log=True),
    )
    X, y = load_digits(return_X_y=True)
    return cross_val_score(model, X[:600], y[:600], cv=3).mean()


address = sys.argv[1] if len(sys.argv) > 1 else None
executor = Dask(address, slots=None if address else 2, time_limit="1 min")
study = luthier.create_study(direction="maximize", seed=0)
started = time.perf_counter()
study.optimize(objective, n_trials=TRIALS, executor=executor)
print(f"{TRIALS} trials in {time.perf_counter() - started:.1f} s")
print(f"best accuracy {study.best_value:.4f} with {study.best_params}")
