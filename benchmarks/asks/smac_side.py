"""SMAC3's worker, as ``luthier_side.py``: its facade for hyperparameters, a random forest.

``forest`` is the facade as it comes: the forest is grown anew every eighth ask. Eight asks, or a
multiple of eight, are therefore one whole round. ``forest-always`` grows it for each ask, as
Luthier's does. Nothing is saved to disk.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import warnings
from importlib.metadata import version

import task
from ConfigSpace import Configuration, ConfigurationSpace, Float
from smac import HyperparameterOptimizationFacade as Facade
from smac import Scenario
from smac.runhistory import TrialInfo, TrialValue

EVERY = {"forest": 8, "forest-always": 1}


def asks(sampler, n, count, seed, folder):
    space = ConfigurationSpace()
    space.add([Float(name, (task.LOW, task.HIGH)) for name in task.NAMES])
    scenario = Scenario(
        space, n_trials=10 * (n + count), deterministic=True, seed=seed, output_directory=folder
    )
    facade = Facade(
        scenario,
        lambda config, seed: 0.0,
        initial_design=Facade.get_initial_design(scenario, n_configs=1),
        config_selector=Facade.get_config_selector(scenario, retrain_after=EVERY[sampler]),
        overwrite=True,
        logging_level=logging.CRITICAL,
    )
    for params, y in task.history(n, seed):
        told = TrialInfo(Configuration(space, params), seed=0)
        facade.tell(told, TrialValue(cost=y), save=False)

    def ask():
        trial = facade.ask()
        return trial, [trial.config[name] for name in task.NAMES]

    def tell(trial, y):
        facade.tell(trial, TrialValue(cost=y), save=False)

    task.timed(ask, tell, 1)  # its initial design
    return task.timed(ask, tell, count)


if __name__ == "__main__":
    kind, sampler, *numbers = sys.argv[1:]
    n, count, seed = map(int, numbers)
    if kind != "asks":
        raise SystemExit(f"smac_side.py runs 'asks' only, got {kind!r}")
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        asks(sampler, task.WARM_UP, 2, seed, folder)
        cpu = asks(sampler, n, count, seed, folder)
    print(json.dumps({"cpu": cpu, "version": version("smac")}))
