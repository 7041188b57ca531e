"""Prune a linear classifier that learns badly, epoch by epoch."""

import optuna
from sklearn.datasets import load_iris
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

X, y = load_iris(return_X_y=True)
X_train, X_valid, y_train, y_valid = train_test_split(X, y, random_state=0)
EPOCHS = 15


def objective(trial):
    rate = trial.suggest_float("rate", 1e-5, 10, log=True)
    classifier = SGDClassifier(learning_rate="constant", eta0=rate, random_state=0)
    for epoch in range(EPOCHS):
        classifier.partial_fit(X_train, y_train, classes=[0, 1, 2])
        trial.report(1 - classifier.score(X_valid, y_valid), epoch)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return 1 - classifier.score(X_valid, y_valid)


study = optuna.create_study(
    sampler=optuna.samplers.RandomSampler(seed=1),
    pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=3),
)
study.optimize(objective, n_trials=30)

pruned = study.get_trials(states=[optuna.trial.TrialState.PRUNED])
complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
assert pruned
assert len(pruned) + len(complete) == 30
assert all(t.number >= 4 and t.last_step >= 3 for t in pruned)
assert all(t.value == t.intermediate_values[t.last_step] for t in pruned)
assert all(t.last_step == EPOCHS - 1 for t in complete)
