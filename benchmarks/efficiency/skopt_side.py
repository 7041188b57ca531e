"""scikit-optimize's worker: its ``Optimizer`` as it comes.

It has neither conditions nor failed trials: inactive parameters are searched in vain, and a failed
trial is told as the worst value so far.
"""

from __future__ import annotations

import evaluation
from problems import fitted
from skopt import Optimizer
from skopt.space import Categorical, Integer, Real


def dimension(item):
    """Categories go by their index."""
    name = item["name"]
    if item["type"] == "cat":
        return Categorical(list(range(len(item["choices"]))), name=name)
    kind = Integer if item["type"] == "int" else Real
    prior = "log-uniform" if item.get("log") else "uniform"
    return kind(item["low"], item["high"], prior=prior, name=name)


def run(strategy, problem, budget, seed, evaluate):
    dimensions = [dimension(item) for item in problem.space]
    optimizer = Optimizer(dimensions, base_estimator=strategy, random_state=seed)
    for _ in range(budget):
        asked = optimizer.ask()
        config = {
            item["name"]: item["choices"][int(v)] if item["type"] == "cat" else v
            for item, v in zip(problem.space, asked, strict=True)
        }
        value = evaluate(fitted(problem.space, config))
        optimizer.tell(asked, evaluate.worst() if value is None else value)


if __name__ == "__main__":
    evaluation.main(run, "scikit-optimize", "scikit-learn", "numpy")
