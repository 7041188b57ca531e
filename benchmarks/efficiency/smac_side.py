"""SMAC3's worker: its facades for hyperparameters ("hpo") and for black boxes ("blackbox").

Conditions are its own; failed trials are told as crashed, at the worst cost so far (its default,
infinity, ends in NaN). Studies are deterministic in its sense: no configuration is run again with
another seed, also where the problem is noisy.
"""

from __future__ import annotations

import logging
import tempfile

import evaluation
import smac
from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    Float,
    InCondition,
    Integer,
    OrdinalHyperparameter,
)
from problems import fitted
from smac.runhistory import StatusType, TrialValue

FACADES = {"hpo": smac.HyperparameterOptimizationFacade, "blackbox": smac.BlackBoxFacade}


def hyperparameter(item):
    """Categories go by their index, as text."""
    name, bounds = item["name"], (item.get("low"), item.get("high"))
    if item["type"] == "cat":
        return CategoricalHyperparameter(name, [str(i) for i in range(len(item["choices"]))])
    if item["type"] == "float":
        return Float(name, bounds, log=item.get("log", False))
    if item.get("step", 1) != 1:
        values = list(range(item["low"], item["high"] + 1, item["step"]))
        return OrdinalHyperparameter(name, values)
    return Integer(name, bounds, log=item.get("log", False))


def space_of(problem, seed):
    space = ConfigurationSpace(seed=seed)
    made = {item["name"]: hyperparameter(item) for item in problem.space}
    space.add(list(made.values()))
    choices = {i["name"]: i["choices"] for i in problem.space if i["type"] == "cat"}
    for item in problem.space:
        if condition := item.get("condition"):
            parent = condition["parent"]
            codes = [str(choices[parent].index(value)) for value in condition["values"]]
            space.add(InCondition(made[item["name"]], made[parent], codes))
    return space


def decoded(problem, config):
    categories = {i["name"]: i["choices"] for i in problem.space if i["type"] == "cat"}
    return {n: categories[n][int(v)] if n in categories else v for n, v in dict(config).items()}


def run(strategy, problem, budget, seed, evaluate):
    with tempfile.TemporaryDirectory() as folder:
        scenario = smac.Scenario(
            space_of(problem, seed),
            n_trials=budget,
            deterministic=True,
            seed=seed,
            output_directory=folder,
        )
        facade = FACADES[strategy](
            scenario, lambda config, seed: 0.0, overwrite=True, logging_level=logging.CRITICAL
        )
        for _ in range(budget):
            asked = facade.ask()
            value = evaluate(fitted(problem.space, decoded(problem, asked.config)))
            status = StatusType.CRASHED if value is None else StatusType.SUCCESS
            cost = evaluate.worst() if value is None else value
            facade.tell(asked, TrialValue(cost=cost, status=status), save=False)


if __name__ == "__main__":
    evaluation.main(run, "smac", "ConfigSpace", "numpy")
