"""Names of older versions that scripts still use."""

import optuna

optuna.logging.disable_default_handler()
optuna.logging.enable_default_handler()
logger = optuna.logging.get_logger("optuna")


def objective(trial: optuna.Trial) -> float:
    x = trial.suggest_uniform("x", 0.0, 1.0)
    lr = trial.suggest_loguniform("lr", 1e-5, 1e-1)
    q = trial.suggest_discrete_uniform("q", 0.0, 1.0, 0.25)
    if x > 0.8:
        raise optuna.exceptions.TrialPruned("too large")
    return x + lr + q


study = optuna.study.create_study(
    storage=optuna.storages.InMemoryStorage(),
    sampler=optuna.samplers.NSGAIISampler(seed=1, population_size=5),
    pruner=optuna.pruners.PatientPruner(optuna.pruners.MedianPruner(), patience=2),
)
study.optimize(objective, n_trials=20, n_jobs=2, gc_after_trial=True)

assert len(study.trials) == 20
assert all(t.state.name in ("COMPLETE", "PRUNED") for t in study.trials)
assert all(t.params["q"] in (0, 0.25, 0.5, 0.75, 1) for t in study.trials)
assert issubclass(optuna.exceptions.TrialPruned, optuna.exceptions.OptunaError)
