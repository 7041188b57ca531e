"""The space is given with ask, before the objective is known."""

import optuna

distributions = {
    "optimizer": optuna.distributions.CategoricalDistribution(["adam", "sgd"]),
    "lr": optuna.distributions.FloatDistribution(1e-5, 1e-1, log=True),
    "layers": optuna.distributions.IntDistribution(1, 5),
    "dropout": optuna.distributions.FloatDistribution(0, 0.5, step=0.1),
}

study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=2))
for _ in range(15):
    trial = study.ask(fixed_distributions=distributions)
    loss = trial.params["lr"] * trial.params["layers"] + trial.params["dropout"]
    study.tell(trial, loss)

study.add_trial(
    optuna.trial.create_trial(
        params={"optimizer": "adam", "lr": 1e-5, "layers": 1, "dropout": 0.0},
        distributions=distributions,
        value=1e-5,
    )
)

assert set(study.best_params) == set(distributions)
assert study.best_trial.number == 15
assert study.best_trial.distributions == distributions
assert all(1 <= t.params["layers"] <= 5 for t in study.trials)
assert all(round(t.params["dropout"] * 10, 6) % 1 == 0 for t in study.trials)
