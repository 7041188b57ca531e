"""Trials that break a constraint are never the best, however good their values."""

import optuna


def objective(trial):
    x = trial.suggest_float("x", 0, 5)
    y = trial.suggest_float("y", 0, 3)
    trial.set_constraint("outside", (x - 5) ** 2 + y**2 - 25)
    trial.set_constraint("low", 1 - x)
    return x + y


study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=11))
study.optimize(objective, n_trials=60)
best = study.best_trial

feasible = [t for t in study.trials if all(c <= 0 for c in t.constraints.values())]
assert 0 < len(feasible) < 60
assert set(best.constraints) == {"outside", "low"}
assert best.value == min(t.value for t in feasible)
assert min(t.value for t in study.trials) < best.value

front = optuna.create_study(directions=["minimize", "maximize"])
for x in range(6):
    trial = front.ask()
    trial.set_constraint("small", x - 3)
    front.tell(trial, (x, x))
assert [t.number for t in front.best_trials] == [0, 1, 2, 3]
