"""Exceptions end the search, unless they are expected."""

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


def objective(trial):
    x = trial.suggest_float("x", 0, 1)
    if trial.number % 3 == 1:
        raise ZeroDivisionError("a third of the trials crash")
    if trial.number % 3 == 2:
        return float("nan")
    return x


strict = optuna.create_study()
try:
    strict.optimize(objective, n_trials=9)
except ZeroDivisionError as error:
    raised = str(error)

relaxed = optuna.create_study()
relaxed.optimize(objective, n_trials=9, catch=(ZeroDivisionError,))

hopeless = optuna.create_study()
hopeless.optimize(lambda trial: 1 / 0, n_trials=15, catch=ZeroDivisionError)
try:
    hopeless.best_trial
except ValueError as error:
    empty = str(error)

assert raised == "a third of the trials crash"
assert [t.state.name for t in strict.trials] == ["COMPLETE", "FAIL"]
assert [t.state.name for t in relaxed.trials] == ["COMPLETE", "FAIL", "FAIL"] * 3
assert len(hopeless.trials) == 15
assert empty
assert optuna.logging.get_verbosity() == optuna.logging.ERROR
