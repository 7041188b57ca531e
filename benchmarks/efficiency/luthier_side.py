"""Luthier's worker.

A strategy is a name ("gp"), a name with settings ("gp,trust_region=false"; values are JSON, or
else text), or the JSON of a sampler's spec.
"""

from __future__ import annotations

import json
from typing import Any

import evaluation
from problems import Problem

import luthier
from luthier import Categorical, Float, Int, Space


def space_of(problem: Problem) -> Space:
    """The problem's space in Luthier's terms."""
    return Space({item["name"]: _param(item) for item in problem.space})


def _param(item: dict[str, Any]) -> Any:
    condition = item.get("condition")
    when = {condition["parent"]: list(condition["values"])} if condition else None
    if item["type"] == "cat":
        return Categorical(item["choices"], when=when)
    if item["type"] == "int":
        step, log = item.get("step", 1), item.get("log", False)
        return Int(item["low"], item["high"], log=log, step=step, when=when)
    return Float(item["low"], item["high"], log=item.get("log", False), when=when)


def chosen(strategy: str) -> dict[str, Any]:
    """The arguments of ``create_study`` that a strategy's text stands for."""
    if strategy.startswith("{"):
        return {"sampler": json.loads(strategy)}
    name, *settings = strategy.split(",")
    if not settings:
        return {"strategy": name}
    pairs = (setting.partition("=") for setting in settings)
    return {"sampler": {"name": name, **{key: _value(text) for key, _, text in pairs}}}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def run(
    strategy: str, problem: Problem, budget: int, seed: int, evaluate: evaluation.Evaluations
) -> None:
    """Run one study."""

    def objective(trial: luthier.Trial) -> float:
        value = evaluate(dict(trial.params))
        if value is None:
            raise RuntimeError("this configuration crashes")
        return value

    luthier.set_verbosity("critical")
    study = luthier.create_study(space=space_of(problem), seed=seed, **chosen(strategy))
    study.optimize(objective, n_trials=budget, fail_fast=None)


if __name__ == "__main__":
    evaluation.main(run, "luthier", "numpy")
