"""Stop when the target is reached, or when there are enough trials."""

import optuna

heard = []


def listen(study, trial):
    heard.append((trial.number, trial.value, study.best_trial.number))


class StopAt:
    def __init__(self, target):
        self.target = target

    def __call__(self, study, trial):
        if study.best_value <= self.target:
            study.stop()


def objective(trial):
    if trial.number == 40:
        trial.study.stop()
    return trial.suggest_float("x", -1, 1) ** 2


study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=6))
study.optimize(objective, n_trials=200, callbacks=[listen, StopAt(0.01)])
reached = len(study.trials)

limited = optuna.create_study()
limited.optimize(objective, callbacks=[optuna.study.MaxTrialsCallback(7)])

endless = optuna.create_study()
endless.optimize(lambda trial: objective(trial) + 1)

assert study.best_value <= 0.01
assert reached < 200
assert all(t.value > 0.01 for t in study.trials[:-1])
assert [number for number, _, _ in heard] == list(range(reached))
assert len(limited.trials) == 7
assert len(endless.trials) == 41
