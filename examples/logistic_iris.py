"""Logistic regression on the irises, where not every solver knows every penalty.

Combinations that don't exist are either left to fail, which ends nothing and teaches the sampler
to keep away; or they are ruled out beforehand. (scikit-learn 1.8 or newer, where ``l1_ratio``
alone says what the penalty is.)
"""

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import luthier
from luthier import Categorical, Float, Space, TrialState

RATIOS = {"l2": 0.0, "elasticnet": 0.5, "l1": 1.0}
SOLVERS = ["lbfgs", "newton-cg", "liblinear", "saga"]
X, y = load_iris(return_X_y=True)

anything = Space(
    C=Float(1e-2, 1e2, log=True), penalty=Categorical([*RATIOS]), solver=Categorical(SOLVERS)
)
existing = anything.forbid(
    {"solver": ["lbfgs", "newton-cg"], "penalty": ["l1", "elasticnet"]}
).forbid({"solver": "liblinear"})  # it can't tell three classes apart


def accuracy(trial):
    params = trial.params
    model = LogisticRegression(
        C=params["C"],
        solver=params["solver"],
        l1_ratio=RATIOS[params["penalty"]],
        max_iter=10_000,
        random_state=0,
    )
    pipeline = make_pipeline(StandardScaler(), model)
    return cross_val_score(pipeline, X, y, error_score="raise").mean()


luthier.set_verbosity("error")  # failures are counted below
for name, space in {"any pair": anything, "pairs that exist": existing}.items():
    study = luthier.create_study(space=space, direction="maximize", seed=0)
    study.optimize(accuracy, n_trials=20)
    failed = len(study.get_trials(states=[TrialState.FAILED]))
    print(f"{name:<17} {failed} of 20 failed, best {study.best_value:.4f} with {study.best_params}")
