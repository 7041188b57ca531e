"""The hidden units and the activation of a small neural network, with the catalog's ranges.

First a wide search, then a narrower one around the best of it, in the same study.
"""

import warnings

from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier

import luthier
from luthier import Categorical, Space, catalog

warnings.simplefilter("ignore", ConvergenceWarning)
X, y = make_classification(600, 20, n_informative=10, random_state=0)

space = Space(
    units=catalog.hidden_units(),
    activation=Categorical(["relu", "tanh", "logistic"]),
    lr=catalog.learning_rate(),
)


def accuracy(trial):
    params = trial.params
    network = MLPClassifier(
        params["units"],
        activation=params["activation"],
        learning_rate_init=params["lr"],
        max_iter=20,
        random_state=0,
    )
    return cross_val_score(network, X, y, cv=3).mean()


study = luthier.create_study(space=space, direction="maximize", seed=0)
study.optimize(accuracy, n_trials=15)
print(f"wide      best {study.best_value:.4f} with {study.best_params}")

narrow = study.narrow()
study.optimize(accuracy, n_trials=10)
print(f"narrowed  best {study.best_value:.4f} with {study.best_params}")
print(f"in {dict(narrow)}")
