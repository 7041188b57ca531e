"""Ax's worker. Spaces are flat: inactive parameters are searched in vain. Failed trials are told.

Its default generation strategy: the middle, Sobol points, then BoTorch.
"""

from __future__ import annotations

import logging

import ax
import evaluation
from problems import fitted


def parameter(item):
    """Categories go by their index."""
    name = item["name"]
    if item["type"] == "cat":
        return ax.ChoiceParameterConfig(
            name=name,
            values=[str(i) for i in range(len(item["choices"]))],
            parameter_type="str",
            is_ordered=False,
        )
    return ax.RangeParameterConfig(
        name=name,
        bounds=(item["low"], item["high"]),
        parameter_type=item["type"],
        scaling="log" if item.get("log") else "linear",
    )


def run(strategy, problem, budget, seed, evaluate):
    for name in ("ax", "ax.api.client", "ax.service.utils.with_db_settings_base"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    client = ax.Client(random_seed=seed)
    client.configure_experiment(parameters=[parameter(item) for item in problem.space])
    client.configure_optimization(objective="-loss")
    if strategy != "default":
        client.configure_generation_strategy(method=strategy)
    categories = {i["name"]: i["choices"] for i in problem.space if i["type"] == "cat"}
    while len(evaluate.values) < budget:
        for number, asked in client.get_next_trials(max_trials=1).items():
            config = {n: categories[n][int(v)] if n in categories else v for n, v in asked.items()}
            value = evaluate(fitted(problem.space, config))
            if value is None:
                client.mark_trial_failed(number)
            else:
                client.complete_trial(number, raw_data={"loss": value})


if __name__ == "__main__":
    evaluation.main(run, "ax-platform", "botorch", "torch")
