"""Notes on studies and trials, and all of it as a table."""

import optuna


def objective(trial):
    x = trial.suggest_float("x", 0, 1)
    trial.suggest_categorical("kind", ["a", "b"])
    trial.set_user_attr("squared", x**2)
    trial.report(x / 2, 0)
    trial.report(x, 1)
    if trial.number == 3:
        raise ValueError("a trial that fails")
    return x


study = optuna.create_study(
    direction="maximize",
    sampler=optuna.samplers.RandomSampler(seed=7),
    pruner=optuna.pruners.NopPruner(),
)
study.set_user_attr("dataset", "none")
study.optimize(objective, n_trials=8, catch=(ValueError,))

table = study.trials_dataframe()
short = study.trials_dataframe(attrs=("number", "value", "params", "state"))
pairs = study.trials_dataframe(attrs=("number", "params"), multi_index=True)

assert study.user_attrs == {"dataset": "none"}
assert list(table.columns) == [
    "number",
    "value",
    "datetime_start",
    "datetime_complete",
    "duration",
    "params_kind",
    "params_x",
    "user_attrs_squared",
    "state",
]
assert list(short.columns) == ["number", "value", "params_kind", "params_x", "state"]
assert list(pairs.columns) == [("number", ""), ("params", "kind"), ("params", "x")]
assert table["state"].tolist() == ["COMPLETE"] * 3 + ["FAIL"] + ["COMPLETE"] * 4
assert table["value"].isna().tolist() == [False] * 3 + [True] + [False] * 4
assert table["value"].max() == study.best_value
assert (abs(table["user_attrs_squared"] - table["params_x"] ** 2) < 1e-12).all()
