"""Try what is known to be good first, then search."""

import optuna


def objective(trial):
    bagging = trial.suggest_float("bagging", 0.4, 1.0)
    minimum = trial.suggest_int("minimum", 1, 100)
    return (bagging - 0.75) ** 2 + (minimum - 20) ** 2


study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=4))
study.enqueue_trial({"bagging": 0.75, "minimum": 20}, user_attrs={"from": "the manual"})
study.enqueue_trial({"bagging": 1.0})
study.enqueue_trial({"bagging": 0.75, "minimum": 20}, skip_if_exists=True)
waiting = [t.state for t in study.trials]
study.optimize(objective, n_trials=6)

assert waiting == [optuna.trial.TrialState.WAITING] * 2
assert len(study.trials) == 6
assert study.trials[0].params == {"bagging": 0.75, "minimum": 20}
assert study.trials[0].user_attrs == {"from": "the manual"}
assert study.trials[1].params["bagging"] == 1.0
assert study.best_trial.number == 0
assert study.best_value == 0
