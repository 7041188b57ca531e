"""Nevergrad's worker. It has no conditions: inactive parameters are searched in vain.

It has no failed trials either: one is told as the worst value so far.
"""

from __future__ import annotations

import evaluation
import nevergrad as ng
import numpy as np
from problems import fitted


def parameter(item):
    if item["type"] == "cat":
        return ng.p.Choice(item["choices"])
    kind = ng.p.Log if item.get("log") else ng.p.Scalar
    made = kind(lower=item["low"], upper=item["high"])
    return made.set_integer_casting() if item["type"] == "int" else made


def run(strategy, problem, budget, seed, evaluate):
    space = ng.p.Dict(**{item["name"]: parameter(item) for item in problem.space})
    space.random_state = np.random.RandomState(seed)
    optimizer = ng.optimizers.registry[strategy](space, budget=budget, num_workers=1)
    for _ in range(budget):
        asked = optimizer.ask()
        value = evaluate(fitted(problem.space, asked.value))
        optimizer.tell(asked, evaluate.worst() if value is None else value)


if __name__ == "__main__":
    evaluation.main(run, "nevergrad", "numpy")
