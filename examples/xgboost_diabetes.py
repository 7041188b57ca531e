"""XGBoost on scikit-learn's diabetes data: one callback prunes a whole cross-validation.

    pip install "luthier[xgboost]"
    python examples/xgboost_diabetes.py

``xgboost.cv`` boosts five models side by side. After every tenth round their mean error is compared
with what other trials had at that round; all five stop where it is above the median.
"""

import xgboost
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

import luthier
from luthier.integrations.xgboost import Pruning

ROUNDS = 200
TRIALS = 40
X, y = load_diabetes(return_X_y=True)
X_TRAIN, X_TEST, Y_TRAIN, Y_TEST = train_test_split(X, y, test_size=0.3, random_state=0)
TRAIN = xgboost.DMatrix(X_TRAIN, Y_TRAIN)
FIXED = {"objective": "reg:squarederror", "nthread": 1, "seed": 0}


def objective(trial):
    trial.suggest_float("eta", 0.01, 0.5, log=True)
    trial.suggest_int("max_depth", 1, 6)
    trial.suggest_float("min_child_weight", 1, 30, log=True)
    trial.suggest_float("subsample", 0.4, 1.0)
    trial.suggest_float("colsample_bytree", 0.3, 1.0)
    trial.suggest_float("lambda", 1e-2, 100, log=True)
    pruning = Pruning(trial, "rmse", every=10)
    xgboost.cv(
        FIXED | trial.params,
        TRAIN,
        ROUNDS,
        nfold=5,
        seed=0,
        metrics="rmse",
        early_stopping_rounds=30,
        callbacks=[pruning],
        as_pandas=False,
    )
    return pruning.finish()


def main():
    study = luthier.create_study(scheduler="median", seed=0)
    study.optimize(objective, n_trials=TRIALS)

    states = [trial.state.name for trial in study.trials]
    print(f"{states.count('PRUNED')} of {TRIALS} trials were stopped early")
    rounds = sum(trial.last_step for trial in study.trials)
    print(f"{rounds} rounds in all; {TRIALS * ROUNDS} without pruning and early stopping")

    best = study.best_trial
    rounds = best.user_attrs["best_iteration"]
    model = xgboost.train(FIXED | best.params, TRAIN, rounds)
    error = ((model.predict(xgboost.DMatrix(X_TEST)) - Y_TEST) ** 2).mean() ** 0.5
    print(f"best error in cross-validation {best.value:.2f} after {rounds} rounds: {best.params}")
    print(f"fitted again to all training data: test error {error:.2f}")


if __name__ == "__main__":
    main()
