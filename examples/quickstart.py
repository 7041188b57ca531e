"""The whole of it in a few lines: a function of a trial, a study, the best parameters."""

import luthier


def objective(trial):
    x = trial.suggest_float("x", -10, 10)
    y = trial.suggest_int("y", 0, 5)
    return (x - 2) ** 2 + y


study = luthier.create_study(seed=0)
study.optimize(objective, n_trials=100)

print(f"best value {study.best_value:.4f} with {study.best_params}")
