"""Trials on a Ray cluster: ASHA for a network of scikit-learn on its digits, with checkpoints.

    pip install "luthier[ray]" scikit-learn
    python examples/ray_digits.py          # the Ray of this machine, or one started for this
    python examples/ray_digits.py HOST:6379

Each trial gets half a core of Ray's counting here; with ``"gpu": 0.5`` two would share a GPU. Lose
an actor or a node while it runs: its trial goes on elsewhere from its last checkpoint. With several
nodes the study needs ``checkpoints="/a/folder/that/all/see"``.
"""

import json
import sys
import time
import warnings

import luthier
from luthier.executors import Ray

TRIALS, EPOCHS = 12, 9


def objective(trial):
    from sklearn.datasets import load_digits
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore", ConvergenceWarning)  # an epoch isn't meant to converge
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    network = MLPClassifier(
        hidden_layer_sizes=(trial.suggest_int("width", 8, 64, log=True),),
        learning_rate_init=trial.suggest_float("rate", 1e-4, 1e-1, log=True),
        random_state=trial.number,
    )
    network.partial_fit(X_train[:1], y_train[:1], classes=list(range(10)))
    saved = trial.load_checkpoint()
    if saved is not None:
        weights = json.loads(saved.read_bytes())
        for layer, values in zip(network.coefs_ + network.intercepts_, weights, strict=True):
            layer[...] = values
    for epoch in range(1 if saved is None else saved.step + 1, EPOCHS + 1):
        network.partial_fit(X_train, y_train)
        accuracy = network.score(X_test, y_test)
        trial.report(accuracy, step=epoch)
        weights = [layer.tolist() for layer in network.coefs_ + network.intercepts_]
        trial.save_checkpoint(json.dumps(weights).encode())
        if trial.should_prune():
            raise luthier.TrialPruned
    return accuracy


executor = Ray(sys.argv[1] if len(sys.argv) > 1 else None, resources={"cpu": 0.5})
study = luthier.create_study(
    direction="maximize", scheduler=luthier.schedulers.Asha(EPOCHS), seed=0
)
started = time.perf_counter()
study.optimize(objective, n_trials=TRIALS, executor=executor)
epochs = sum(trial.last_step or 0 for trial in study.trials)
print(f"{TRIALS} trials, {epochs} epochs in {time.perf_counter() - started:.1f} s")
print(f"best accuracy {study.best_value:.4f} with {study.best_params}")
