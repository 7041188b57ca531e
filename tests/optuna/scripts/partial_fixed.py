"""Search again around the best trial, with one parameter kept."""

import optuna


def objective(trial):
    x = trial.suggest_float("x", -1, 1)
    y = trial.suggest_int("y", -10, 10)
    return x**2 + y


study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=12))
study.optimize(objective, n_trials=10)

kept = {"y": study.best_params["y"]}
study.sampler = optuna.samplers.PartialFixedSampler(kept, study.sampler)
study.optimize(objective, n_trials=10)

later = study.trials[10:]
assert {t.params["y"] for t in later} == {kept["y"]}
assert len({t.params["x"] for t in later}) == 10
assert type(study.sampler).__name__ == "PartialFixedSampler"
assert isinstance(study.pruner, optuna.pruners.MedianPruner)
