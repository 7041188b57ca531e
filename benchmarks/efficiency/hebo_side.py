"""HEBO's worker. It has neither conditions nor failed trials, as ``skopt_side.py``."""

from __future__ import annotations

import evaluation
import numpy as np
import torch
from hebo.design_space.design_space import DesignSpace
from hebo.optimizers.hebo import HEBO
from problems import fitted


def parameter(item):
    """Categories go by their index; integers on a log scale are rounded floats."""
    if item["type"] == "cat":
        codes = [str(i) for i in range(len(item["choices"]))]
        return {"name": item["name"], "type": "cat", "categories": codes}
    kind = "pow" if item.get("log") else {"int": "int", "float": "num"}[item["type"]]
    return {"name": item["name"], "type": kind, "lb": item["low"], "ub": item["high"]}


def run(strategy, problem, budget, seed, evaluate):
    np.random.seed(seed)  # noqa: NPY002  HEBO draws from the global state
    torch.manual_seed(seed)
    space = DesignSpace().parse([parameter(item) for item in problem.space])
    optimizer = HEBO(space, scramble_seed=seed)
    for _ in range(budget):
        asked = optimizer.suggest(n_suggestions=1)
        row = asked.iloc[0].to_dict()
        config = {
            item["name"]: item["choices"][int(row[item["name"]])]
            if item["type"] == "cat"
            else row[item["name"]]
            for item in problem.space
        }
        value = evaluate(fitted(problem.space, config))
        optimizer.observe(asked, np.array([[evaluate.worst() if value is None else value]]))


if __name__ == "__main__":
    evaluation.main(run, "hebo", "torch", "numpy")
