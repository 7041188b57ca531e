"""The trials that both libraries are asked about: spaces, objectives, and who chose the trials.

An objective's parameters matter by degrees, so that there is an order to agree on. Numbers are on
linear scales: Optuna's fANOVA averages over the values of a parameter, Luthier's over its scale, so
that of logarithmic parameters they don't mean the same.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.spaces.conditions import is_active

Parameters = list[dict[str, Any]]
N_TRIALS = 1000
_DRAWS = 100_000


@dataclass(frozen=True)
class Task:
    """A study that is analysed; ``is_even`` if its trials are spread over the whole space."""

    name: str
    sampler: str
    parameters: Parameters
    objective: Callable[[Mapping[str, Any]], float]

    @property
    def is_even(self) -> bool:
        return self.sampler == "random"

    def true_effects(self) -> dict[str, float]:
        """The variance along each unconditional parameter, all else averaged, from many draws."""
        rng = random.Random(0)
        configs = [_drawn(self.parameters, rng) for _ in range(_DRAWS)]
        values = [self.objective(config) for config in configs]
        mean = sum(values) / _DRAWS
        effects = {}
        for item in self.parameters:
            if "condition" in item:
                continue
            groups: dict[Any, list[float]] = {}
            for config, value in zip(configs, values, strict=True):
                groups.setdefault(_group(item, config[item["name"]]), []).append(value - mean)
            parts = [len(group) * (sum(group) / len(group)) ** 2 for group in groups.values()]
            effects[item["name"]] = sum(parts) / _DRAWS
        return effects


def _drawn(parameters: Parameters, rng: random.Random) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for item in parameters:
        if is_active(item, config):
            draw = {"cat": lambda p: rng.choice(p["choices"])}
            draw["int"] = lambda p: rng.randint(p["low"], p["high"])
            draw["float"] = lambda p: rng.uniform(p["low"], p["high"])
            config[item["name"]] = draw[item["type"]](item)
    return config


def _group(item: Mapping[str, Any], value: Any) -> Any:
    """A value, or the twentieth of its range that a number lies in."""
    if item["type"] != "float":
        return value
    return int(20 * (value - item["low"]) / (item["high"] - item["low"]))


def _bowl(config: Mapping[str, Any]) -> float:
    """Ten numbers, each with .56 of the variance of the one before; two of them interact."""
    x = [config[f"x{i}"] for i in range(10)]
    bowl = sum(0.75**i * (u - 0.3) ** 2 for i, u in enumerate(x))
    return bowl + 0.2 * math.sin(5 * x[0]) * x[2]


def _mixed(config: Mapping[str, Any]) -> float:
    """A model chosen of three, two of which have settings of their own, and seven settings more."""
    model = config["model"]
    loss = {"boosting": 0.0, "svm": 0.5, "linear": 1.5}[model]
    if model == "svm":
        loss += 0.8 * (config["margin"] - 2) ** 2 / 4
    if model == "boosting":
        loss += 0.06 * abs(config["depth"] - 7)
    loss += (config["rate"] - 0.7) ** 2
    loss += {"none": 0.45, "l1": 0.2, "l2": 0.0}[config["penalty"]]
    loss += 0.03 * abs(config["width"] - 11) + 0.2 * config["dropout"]
    loss += 0.1 * config["momentum"] ** 2 + (0.13 if config["shuffle"] == "no" else 0.0)
    return loss + 0.01 * config["batch"] + 0.02 * config["warmup"]


_NUMBERS: Parameters = [
    {"name": f"x{i}", "type": "float", "low": 0.0, "high": 1.0} for i in range(10)
]
_ON = {"svm": {"parent": "model", "values": ["svm"]}}
_ON["boosting"] = {"parent": "model", "values": ["boosting"]}
_MIXED: Parameters = [
    {"name": "model", "type": "cat", "choices": ["boosting", "svm", "linear"]},
    {"name": "margin", "type": "float", "low": 0.0, "high": 4.0, "condition": _ON["svm"]},
    {"name": "depth", "type": "int", "low": 1, "high": 16, "condition": _ON["boosting"]},
    {"name": "rate", "type": "float", "low": 0.0, "high": 1.0},
    {"name": "penalty", "type": "cat", "choices": ["none", "l1", "l2"]},
    {"name": "width", "type": "int", "low": 1, "high": 16},
    {"name": "dropout", "type": "float", "low": 0.0, "high": 0.8},
    {"name": "momentum", "type": "float", "low": 0.0, "high": 1.0},
    {"name": "shuffle", "type": "cat", "choices": ["yes", "no"]},
    {"name": "batch", "type": "int", "low": 1, "high": 8},
    {"name": "warmup", "type": "float", "low": 0.0, "high": 1.0},
]

TASKS = {
    task.name: task
    for task in (
        Task("ten numbers, random", "random", _NUMBERS, _bowl),
        Task("ten numbers, TPE", "tpe", _NUMBERS, _bowl),
        Task("mixed and conditional, random", "random", _MIXED, _mixed),
    )
}
