"""What a problem is, and what its space says.

A space is a list of dicts, the format of ``../shared/bench/tasks.py``, so that every library's
worker builds its own kind of space from it: name, type ("float", "int", "cat"), low, high, log,
step, choices, and a condition ``{"parent": name, "values": [...]}``. Parents come before their
children. This package runs in every peer's environment: NumPy and what the problems need.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.spaces.conditions import is_active

FAMILIES = ("continuous", "mixed", "conditional", "noisy", "crashing", "tabular")

Config = Mapping[str, Any]
Parameter = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """One objective to minimise.

    Args:
        name: Unique in the suite.
        family: The one of ``FAMILIES`` that it counts to.
        space: Its parameters.
        compute: From the active part of a configuration and a seed to its value; NaN or infinity
            if it fails. Noisy problems return the observed and the true value.
        optimum: The least true value, if it is known.
    """

    name: str
    family: str
    space: tuple[Parameter, ...]
    compute: Callable[[dict[str, Any], int], float | tuple[float, float]]
    optimum: float | None = None

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ValueError(f"{self.name}: the family must be one of {FAMILIES}")

    def evaluate(self, config: Config, seed: int) -> dict[str, Any]:
        """Evaluate a configuration.

        Args:
            config: Values by name; inactive parameters are left out of account.
            seed: Of the noise, if there is any.

        Returns:
            ``value`` (NaN if failed), ``failed``, and ``true_value``, which is free of noise.

        Raises:
            ValueError: A parameter is missing or out of range.
        """
        given = self.compute(active(self.space, config), seed)
        value, true = given if isinstance(given, tuple) else (given, given)
        if not math.isfinite(value):
            return {"value": math.nan, "failed": True, "true_value": math.nan}
        return {"value": float(value), "failed": False, "true_value": float(true)}


def active(space: Sequence[Parameter], config: Config) -> dict[str, Any]:
    """Return the part of a configuration that counts.

    Raises:
        ValueError: A parameter is missing or out of range.
    """
    chosen: dict[str, Any] = {}
    for parameter in space:
        if not is_active(parameter, chosen):
            continue
        name = parameter["name"]
        if name not in config:
            raise ValueError(f"{name} is active, but missing from {dict(config)}")
        value = config[name]
        if parameter["type"] == "cat":
            allowed = value in parameter["choices"]
        else:
            allowed = parameter["low"] <= value <= parameter["high"]
        if not allowed:
            raise ValueError(f"{name}={value!r} isn't in {parameter}")
        chosen[name] = value
    return chosen


def fitted(space: Sequence[Parameter], config: Config) -> dict[str, Any]:
    """Return a configuration as plain numbers in their ranges, inactive parameters left out.

    For libraries whose own types or roundings may leave a range by a hair.
    """
    fit: dict[str, Any] = {}
    for item in space:
        if not is_active(item, fit):
            continue
        value = config[item["name"]]
        if item["type"] != "cat":
            value = min(max(value, item["low"]), item["high"])
            value = round(value) if item["type"] == "int" else float(value)
        fit[item["name"]] = value
    return fit


def draw(space: Sequence[Parameter], rng: np.random.Generator) -> dict[str, Any]:
    """Return a random configuration: uniform, or log-uniform where the scale is."""
    config: dict[str, Any] = {}
    for parameter in space:
        if is_active(parameter, config):
            config[parameter["name"]] = _draw(parameter, rng)
    return config


def _draw(parameter: Parameter, rng: np.random.Generator) -> Any:
    if parameter["type"] == "cat":
        return parameter["choices"][int(rng.integers(len(parameter["choices"])))]
    low, high = parameter["low"], parameter["high"]
    whole = parameter["type"] == "int"
    if parameter.get("log"):
        half = 0.5 if whole else 0.0
        value = math.exp(rng.uniform(math.log(low - half), math.log(high + half)))
        return min(max(round(value) if whole else value, low), high)
    if whole:
        step = parameter.get("step", 1)
        return low + step * int(rng.integers((high - low) // step + 1))
    return float(rng.uniform(low, high))


def size(space: Sequence[Parameter]) -> float:
    """Return how many configurations there are at most; infinity if some parameter is a float."""
    total = 1.0
    for parameter in space:
        if parameter["type"] == "float":
            return math.inf
        if parameter["type"] == "cat":
            total *= len(parameter["choices"])
        else:
            total *= (parameter["high"] - parameter["low"]) // parameter.get("step", 1) + 1
    return total


def number(name: str, low: float, high: float, *, log: bool = False) -> Parameter:
    """Return a float parameter."""
    return {"name": name, "type": "float", "low": float(low), "high": float(high), "log": log}


def whole(name: str, low: int, high: int, *, log: bool = False) -> Parameter:
    """Return an integer parameter."""
    return {"name": name, "type": "int", "low": low, "high": high, "log": log}


def choice(name: str, choices: Sequence[Any]) -> Parameter:
    """Return a categorical parameter."""
    return {"name": name, "type": "cat", "choices": list(choices)}


def under(parent: str, values: Sequence[Any], parameters: Sequence[Parameter]) -> list[Parameter]:
    """Return parameters that are active only where a categorical one has one of the values."""
    condition = {"parent": parent, "values": list(values)}
    return [{**parameter, "condition": condition} for parameter in parameters]
