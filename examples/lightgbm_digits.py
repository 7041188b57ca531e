"""LightGBM on scikit-learn's digits with ASHA: no boosting round is trained twice.

    pip install "luthier[lightgbm]"
    python examples/lightgbm_digits.py

Every trial begins with 3 rounds of boosting; the best third of those that got to 3, 9 or 27 goes on
to three times as many, from the model that it has left as a checkpoint.
"""

import lightgbm
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import luthier
from luthier.integrations.lightgbm import Pruning

ROUNDS = 81
TRIALS = 40
X, y = load_digits(return_X_y=True)
X_TRAIN, X_TEST, Y_TRAIN, Y_TEST = train_test_split(X, y, stratify=y, random_state=0)
X_FIT, X_VALID, Y_FIT, Y_VALID = train_test_split(
    X_TRAIN, Y_TRAIN, stratify=Y_TRAIN, random_state=0
)
FIXED = {"objective": "multiclass", "num_class": 10, "verbose": -1, "num_threads": 1, "seed": 0}


def settings(params):
    return FIXED | params


def objective(trial):
    trial.suggest_float("learning_rate", 0.02, 0.5, log=True)
    trial.suggest_int("num_leaves", 4, 32, log=True)
    trial.suggest_int("min_data_in_leaf", 2, 50, log=True)
    trial.suggest_float("feature_fraction", 0.1, 1.0)
    trial.suggest_float("lambda_l2", 1e-3, 10, log=True)
    data = lightgbm.Dataset(X_FIT, Y_FIT)
    pruning = Pruning(trial, checkpoint=True)
    lightgbm.train(
        settings(trial.params),
        data,
        pruning.rounds(ROUNDS),
        valid_sets=[data.create_valid(X_VALID, Y_VALID)],
        init_model=pruning.init_model,
        callbacks=[pruning],
    )
    return pruning.finish()


def main():
    scheduler = luthier.schedulers.Asha(ROUNDS, min_resource=3)
    study = luthier.create_study(scheduler=scheduler, seed=0)
    study.optimize(objective, n_trials=TRIALS)

    rounds = [trial.last_step for trial in study.trials]
    for rung in scheduler.rungs:
        print(f"{sum(n >= rung for n in rounds):>3} trials got to {rung} rounds")
    print(f"{sum(rounds)} rounds in all; {TRIALS * ROUNDS} without a scheduler")

    best = study.best_trial
    rounds = best.user_attrs["best_iteration"]
    model = lightgbm.train(settings(best.params), lightgbm.Dataset(X_TRAIN, Y_TRAIN), rounds)
    accuracy = (model.predict(X_TEST).argmax(axis=1) == Y_TEST).mean()
    print(f"best log loss {best.value:.4f} after {rounds} rounds with {best.params}")
    print(f"fitted again to all training data: test accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
