"""Two objectives that contradict each other, and the front between them."""

import optuna


def objective(trial):
    x = trial.suggest_float("x", 0, 5)
    y = trial.suggest_float("y", 0, 3)
    cost = 4 * x**2 + 4 * y**2
    quality = -((x - 5) ** 2) - (y - 5) ** 2
    return cost, quality


study = optuna.create_study(
    directions=["minimize", "maximize"], sampler=optuna.samplers.NSGAIISampler(seed=5)
)
study.set_metric_names(["cost", "quality"])
study.optimize(objective, n_trials=50)


def dominates(a, b):
    return a.values[0] <= b.values[0] and a.values[1] >= b.values[1] and a.values != b.values


front = study.best_trials
assert front
assert not any(dominates(other, best) for best in front for other in study.trials)
assert all(any(dominates(best, t) for best in front) for t in study.trials if t not in front)
assert study.directions == [
    optuna.study.StudyDirection.MINIMIZE,
    optuna.study.StudyDirection.MAXIMIZE,
]
assert study.metric_names == ["cost", "quality"]
assert len(study.trials[0].values) == 2
try:
    study.best_trial
except (RuntimeError, optuna.exceptions.OptunaError) as error:
    refused = str(error)
assert refused
