"""What goes wrong in practice, over published problems: noise, crashes, forks, lost scales."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from . import coco, models
from .problem import Config, Problem, choice, draw, under


def builders() -> Mapping[str, Callable[[], Problem]]:
    """Return what makes each problem, by name."""
    function = partial(coco.function, "bbob")

    def model(name: str) -> Problem:
        return models.builders()[name]()

    return {
        "noisy_coco_f01_d05": lambda: noisy("noisy_coco_f01_d05", function(1, 5), 0.1),
        "noisy_coco_f10_d02": lambda: noisy("noisy_coco_f10_d02", function(10, 2), 0.1),
        "noisy_coco_f17_d10": lambda: noisy("noisy_coco_f17_d10", function(17, 10), 0.3),
        "noisy_lasso": lambda: noisy("noisy_lasso", model("model_lasso_diabetes"), 0.3),
        "crash_coco_f02_d05": lambda: crashing("crash_coco_f02_d05", function(2, 5)),
        "crash_coco_f20_d10": lambda: crashing("crash_coco_f20_d10", function(20, 10)),
        "crash_svm": lambda: crashing("crash_svm", model("model_svm_diabetes")),
        "fork_coco": lambda: fork(
            "fork_coco", [function(1, 2), function(8, 5), function(15, 2), function(20, 5)]
        ),
        "linear_svm": lambda: forgotten_log("linear_svm", model("model_svm_diabetes")),
        "linear_lasso": lambda: forgotten_log("linear_lasso", model("model_lasso_diabetes")),
        "linear_logistic": lambda: forgotten_log("linear_logistic", model("model_logistic_breast")),
    }


def noisy(name: str, inner: Problem, share: float) -> Problem:
    """Return a problem whose values are observed with normal noise.

    Args:
        name: Its name.
        inner: The problem without noise.
        share: The noise's standard deviation as a share of the spread of random values (half
            the distance between their 16% and 84% quantiles).
    """
    values = _pool(inner)
    spread = share * float(np.subtract(*np.nanquantile(values, [0.84, 0.16]))) / 2

    def compute(config: Config, seed: int) -> tuple[float, float]:
        true = inner.evaluate(config, seed)["value"]
        return true + spread * float(np.random.default_rng(seed).standard_normal()), true

    return Problem(name, "noisy", inner.space, compute, inner.optimum)


def crashing(name: str, inner: Problem, share: float = 0.35) -> Problem:
    """Return a problem of which a half-space crashes, its edge next to good values.

    The half-space is cut off the unit cube across the line from the best to the worst tenth of
    256 random configurations, at the ``share`` of the way, so that what lies on the far side of
    the edge crashes; good values remain, and some of them lie on the edge. Which side crashes:
    the one that holds the worse half.
    """
    rng = np.random.default_rng(0)
    configs = [draw(inner.space, rng) for _ in range(256)]
    values = np.array([inner.evaluate(config, 0)["value"] for config in configs])
    U = np.array([_unit(inner, config) for config in configs])
    order = np.argsort(values)
    best, worst = U[order[:25]].mean(axis=0), U[order[-25:]].mean(axis=0)
    direction = worst - best
    along = U @ direction
    edge = float(np.quantile(along, 1.0 - share))

    def compute(config: Config, seed: int) -> float:
        if float(_unit(inner, config) @ direction) > edge:
            return math.nan
        return float(inner.evaluate(config, seed)["value"])

    return Problem(name, "crashing", inner.space, compute)


def fork(name: str, branches: Sequence[Problem]) -> Problem:
    """Return the choice between several problems, each with parameters of its own.

    Values of a branch are its regret, with 1 at the median of random configurations, plus a tenth
    for every branch before it: the first can reach the least.
    """
    space = [choice("branch", [f"b{k}" for k in range(len(branches))])]
    for k, branch in enumerate(branches):
        own = [{**parameter, "name": f"b{k}_{parameter['name']}"} for parameter in branch.space]
        space += under("branch", [f"b{k}"], own)
    medians = [float(np.median(_pool(branch))) for branch in branches]

    def compute(config: Config, seed: int) -> float:
        k = int(config["branch"][1:])
        own = {n.removeprefix(f"b{k}_"): v for n, v in config.items() if n != "branch"}
        least = branches[k].optimum or 0.0
        gap = branches[k].evaluate(own, seed)["value"] - least
        return float(gap / (medians[k] - least) + 0.1 * k)

    return Problem(name, "conditional", tuple(space), compute, 0.0)


def forgotten_log(name: str, inner: Problem) -> Problem:
    """Return a problem whose parameters are all declared on a linear scale."""
    space = tuple({**parameter, "log": False} for parameter in inner.space)
    return Problem(name, inner.family, space, inner.compute)


def _pool(problem: Problem) -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    return np.array([problem.evaluate(draw(problem.space, rng), 0)["value"] for _ in range(256)])


def _unit(problem: Problem, config: Config) -> NDArray[np.float64]:
    """Numbers in the unit cube, logarithms where the scale is; without conditions."""
    row = []
    for parameter in problem.space:
        if parameter["type"] == "cat":
            continue
        scale: Callable[[float], float] = math.log if parameter.get("log") else float
        low, high = scale(parameter["low"]), scale(parameter["high"])
        row.append((scale(config[parameter["name"]]) - low) / (high - low))
    return np.array(row)
