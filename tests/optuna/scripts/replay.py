"""The best trial again, with an objective that also says more."""

import optuna


def objective(trial):
    x = trial.suggest_float("x", -5, 5)
    n = trial.suggest_int("n", 1, 1)
    return x**2 + n


def detailed(trial):
    value = objective(trial)
    trial.report(value, step=0)
    assert not trial.should_prune()
    return value, {"x": trial.params["x"], "number": trial.number}


study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=9))
study.optimize(objective, n_trials=25)
best = study.best_trial
value, detail = detailed(best)
fixed = optuna.trial.FixedTrial({"x": 3.0, "n": 1})

assert value == study.best_value
assert detail == {"x": study.best_params["x"], "number": best.number}
assert objective(fixed) == 10
assert fixed.params == {"x": 3.0, "n": 1}
assert isinstance(best, optuna.trial.FrozenTrial)
assert best.duration.total_seconds() >= 0
