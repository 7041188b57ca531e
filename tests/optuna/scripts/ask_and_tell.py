"""The loop is the script's own; some trials are told by number, pruned or failed."""

import optuna

study = optuna.create_study(
    direction="maximize", sampler=optuna.samplers.QMCSampler(scramble=True, seed=3)
)

for _ in range(10):
    trial = study.ask()
    x = trial.suggest_float("x", 0, 1)
    study.tell(trial, -((x - 0.3) ** 2))

for step in range(3):
    trial = study.ask()
    trial.report(trial.suggest_float("x", 0, 1), step)
    study.tell(trial.number, state=optuna.trial.TrialState.PRUNED)

failed = study.ask()
study.tell(failed, state=optuna.trial.TrialState.FAIL)
again = study.tell(failed, 1.0, skip_if_finished=True)

try:
    study.tell(failed, 1.0)
except ValueError as error:
    refused = str(error)

states = [t.state.name for t in study.trials]
assert states == ["COMPLETE"] * 10 + ["PRUNED"] * 3 + ["FAIL"]
assert again.state == optuna.trial.TrialState.FAIL
assert again.value is None
assert abs(study.best_params["x"] - 0.3) < 0.2
assert refused
