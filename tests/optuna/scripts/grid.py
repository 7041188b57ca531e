"""Each combination of a few values, once."""

import optuna

search_space = {"x": [-50, 0, 50], "y": [-99, 0, 99], "kind": ["a", "b"]}


def objective(trial):
    x = trial.suggest_float("x", -100, 100)
    y = trial.suggest_int("y", -100, 100)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    return x**2 + y**2 + (kind == "b")


study = optuna.create_study(sampler=optuna.samplers.GridSampler(search_space, seed=0))
study.optimize(objective, n_trials=100)

cells = {(t.params["x"], t.params["y"], t.params["kind"]) for t in study.trials}
assert len(cells) == 18
assert len(study.trials) == 18
assert study.best_params == {"x": 0, "y": 0, "kind": "a"}

brute = optuna.create_study(sampler=optuna.samplers.BruteForceSampler(seed=1))


def conditional(trial):
    c = trial.suggest_categorical("c", ["float", "int"])
    if c == "float":
        return trial.suggest_float("x", 1, 3, step=0.5)
    return trial.suggest_int("a", 1, 3) + trial.suggest_int("b", 0, 1)


brute.optimize(conditional, n_trials=100)
assert len(brute.trials) == 5 + 6
assert len({tuple(t.params.items()) for t in brute.trials}) == 11
