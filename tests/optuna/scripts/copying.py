"""Studies copied between files, and deleted."""

import optuna


def objective(trial):
    trial.set_user_attr("number", trial.number)
    return trial.suggest_float("x", -1, 1) ** 2


here, there = "sqlite:///here.db", "sqlite:///there.db"
study = optuna.create_study(study_name="original", storage=here)
study.set_user_attr("owner", "me")
study.optimize(objective, n_trials=5)

optuna.copy_study(
    from_study_name="original", from_storage=here, to_storage=there, to_study_name="copy"
)
copy = optuna.load_study(study_name="copy", storage=there)

merged = optuna.create_study(direction="minimize")
merged.add_trials(study.trials)
merged.add_trials(copy.get_trials())

optuna.delete_study(study_name="original", storage=here)
try:
    optuna.load_study(study_name="original", storage=here)
except KeyError as error:
    gone = str(error)

assert [t.params for t in copy.trials] == [t.params for t in merged.trials[:5]]
assert [t.value for t in copy.trials] == [t.value for t in merged.trials[5:]]
assert [t.user_attrs for t in copy.trials] == [{"number": n} for n in range(5)]
assert copy.user_attrs == {"owner": "me"}
assert optuna.get_all_study_names(storage=here) == []
assert merged.best_value == copy.best_value
assert gone
