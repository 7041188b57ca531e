"""bayesian-optimization's worker: ``maximize`` as it comes, five random points and then its model.

It knows no log scales (logarithms are searched instead), no conditions (inactive parameters are
searched in vain), no failed trials (told as the worst value so far).
"""

from __future__ import annotations

from math import exp, log

import evaluation
from bayes_opt import BayesianOptimization
from problems import fitted

STARTS = 5


def bounds(item):
    """Categories go by their index."""
    if item["type"] == "cat":
        return tuple(str(i) for i in range(len(item["choices"])))
    if item.get("log"):
        return (log(item["low"]), log(item["high"]))
    return (item["low"], item["high"], int if item["type"] == "int" else float)


def decoded(item, value):
    if item["type"] == "cat":
        return item["choices"][int(value)]
    return exp(value) if item.get("log") else value


def run(strategy, problem, budget, seed, evaluate):
    def objective(**asked):
        config = {item["name"]: decoded(item, asked[item["name"]]) for item in problem.space}
        value = evaluate(fitted(problem.space, config))
        return -(evaluate.worst() if value is None else value)

    optimizer = BayesianOptimization(
        objective,
        {item["name"]: bounds(item) for item in problem.space},
        random_state=seed,
        verbose=0,
        allow_duplicate_points=True,
    )
    optimizer.maximize(init_points=STARTS, n_iter=budget - STARTS)


if __name__ == "__main__":
    evaluation.main(run, "bayesian-optimization", "scikit-learn", "numpy")
