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
from benchmarks.source import PROPOSING, source_hash
from benchmarks.spaces.in_luthier import space_of


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
    study = luthier.create_study(space=space_of(problem.space), seed=seed, **chosen(strategy))
    study.optimize(objective, n_trials=budget, fail_fast=None)


if __name__ == "__main__":
    evaluation.main(run, "luthier", "numpy", source=source_hash(*PROPOSING))
