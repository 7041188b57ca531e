"""One library's driver of a study in a database; runs in that library's own environment.

    python driver.py LIBRARY URL TRIALS

makes or loads the study and one trial of ten parameters, says so, waits for a line on its input,
makes its trials, and prints one JSON object: when it began and ended (seconds since the epoch),
and the seconds of CPU that a trial took.
"""

from __future__ import annotations

import json
import sys
import time


def objective(trial):
    total = 0.0
    for i in range(3):
        total += trial.suggest_float(f"x{i}", -5.0, 5.0)
    for i in range(2):
        total += trial.suggest_float(f"lr{i}", 1e-5, 1e-1, log=True)
    for i in range(3):
        total += trial.suggest_int(f"n{i}", 1, 100)
    for i in range(2):
        total += len(trial.suggest_categorical(f"c{i}", ["a", "bb", "ccc"]))
    return total


def luthier_side(url):
    import luthier

    luthier.set_verbosity("error")
    return luthier.create_study(
        storage=url, study_name="bench", sampler="random", seed=0, load_if_exists=True
    )


def optuna_side(url):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.RandomSampler()
    return optuna.create_study(
        storage=url, study_name="bench", sampler=sampler, load_if_exists=True
    )


SIDES = {"luthier": luthier_side, "optuna": optuna_side}


def main(library, url, trials):
    study = SIDES[library](url)
    study.optimize(objective, n_trials=1)  # what is loaded late is loaded now
    print("ready", flush=True)
    sys.stdin.readline()
    start, cpu = time.time(), time.process_time()
    study.optimize(objective, n_trials=trials)
    cpu = time.process_time() - cpu
    print(json.dumps({"start": start, "end": time.time(), "cpu": cpu / trials}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
