"""Tune a random forest on the digits three ways: grid, random and Bayesian search."""

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

from luthier import Float, Int
from luthier.integrations.sklearn import SearchCV

X, y = load_digits(return_X_y=True)
forest = RandomForestClassifier(n_estimators=20, random_state=0)

grid = {"max_features": ["sqrt", "log2", 0.25], "max_depth": [None, 10], "min_samples_leaf": [1, 5]}
ranges = {
    "max_features": Float(0.05, 0.5),
    "max_depth": Int(5, 30),
    "min_samples_leaf": Int(1, 20, log=True),
}
searches = {
    "grid": SearchCV(forest, grid, strategy="grid", n_trials=None),
    "random": SearchCV(forest, ranges, strategy="random", n_trials=12),
    "Bayesian": SearchCV(forest, strategy="gp", n_trials=12),  # in the catalog's space
}
for name, search in searches.items():
    search.set_params(cv=3, random_state=0).fit(X, y)
    print(f"{name:<9} best {search.best_score_:.4f} of {len(search.study_.trials)} with", end=" ")
    print(search.best_params_)
