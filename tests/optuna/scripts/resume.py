"""A study in a file: run this script again, and it goes on."""

import optuna

URL = "sqlite:///example.db"


def objective(trial):
    return (trial.suggest_float("x", -5, 5) - 1) ** 2


study = optuna.create_study(
    study_name="parabola",
    storage=URL,
    sampler=optuna.samplers.TPESampler(seed=8),
    load_if_exists=True,
)
before = len(study.trials)
study.optimize(objective, n_trials=10)

loaded = optuna.load_study(study_name="parabola", storage=URL)
names = optuna.get_all_study_names(storage=URL)
summaries = optuna.get_all_study_summaries(storage=URL)
try:
    optuna.create_study(study_name="parabola", storage=URL)
except optuna.exceptions.DuplicatedStudyError as error:
    duplicate = str(error)

assert len(loaded.trials) == before + 10
assert loaded.best_params == study.best_params
assert names == ["parabola"]
assert [s.study_name for s in summaries] == ["parabola"]
assert summaries[0].n_trials == before + 10
assert summaries[0].best_trial.value == study.best_value
assert duplicate
