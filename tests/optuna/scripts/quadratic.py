"""A quadratic function behind a choice: parameters that exist only in one branch."""

import optuna


def objective(trial):
    shape = trial.suggest_categorical("shape", ["parabola", "bowl"])
    x = trial.suggest_float("x", -10, 10)
    if shape == "parabola":
        return (x - 2) ** 2 + 1
    y = trial.suggest_int("y", -5, 5)
    return (x - 2) ** 2 + y**2


study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=10))
study.optimize(objective, n_trials=60)

for trial in study.trials:
    assert ("y" in trial.params) == (trial.params["shape"] == "bowl")
    assert trial.state.is_finished()
assert len(study.trials) == 60
assert study.best_value == min(trial.value for trial in study.trials)
assert study.best_trial.params == study.best_params
assert objective(optuna.trial.FixedTrial(study.best_params)) == study.best_value
