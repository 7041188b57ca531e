"""Hyperopt's worker: conditions are nested choices, and failed trials are told as failed."""

from __future__ import annotations

import contextlib
from math import log

import evaluation
import hyperopt
import numpy as np
from hyperopt import hp
from problems import fitted


def node(item, space, path=""):
    label = f"{path}{item['name']}"
    if item["type"] == "cat":
        return hp.choice(label, [branch(item, value, space, label) for value in item["choices"]])
    low, high, logs = item["low"], item["high"], item.get("log", False)
    if item["type"] == "float":
        return hp.loguniform(label, log(low), log(high)) if logs else hp.uniform(label, low, high)
    if logs:
        return hp.qloguniform(label, log(low), log(high), 1)
    return hp.quniform(label, low, high, item.get("step", 1))


def branch(item, value, space, label):
    """A choice, and the parameters that it makes active."""
    children = [c for c in space if c.get("condition", {}).get("parent") == item["name"]]
    some = [c for c in children if value in c["condition"]["values"]]
    path = f"{label}={value}/"
    return {"is": value, "children": {c["name"]: node(c, space, path) for c in some}}


def flat(drawn):
    config = {}
    for name, value in drawn.items():
        if isinstance(value, dict):
            config[name] = value["is"]
            config |= flat(value["children"])
        else:
            config[name] = value
    return config


def run(strategy, problem, budget, seed, evaluate):
    def objective(drawn):
        value = evaluate(fitted(problem.space, flat(drawn)))
        if value is None:
            return {"status": hyperopt.STATUS_FAIL}
        return {"status": hyperopt.STATUS_OK, "loss": value}

    roots = [item for item in problem.space if "condition" not in item]
    with contextlib.suppress(hyperopt.exceptions.AllTrialsFailed):
        hyperopt.fmin(
            objective,
            {item["name"]: node(item, problem.space) for item in roots},
            algo={"tpe": hyperopt.tpe.suggest}[strategy],
            max_evals=budget,
            rstate=np.random.default_rng(seed),
            show_progressbar=False,
            verbose=False,
        )


if __name__ == "__main__":
    evaluation.main(run, "hyperopt", "numpy")
