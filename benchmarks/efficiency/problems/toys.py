"""The two problems we wrote ourselves: the mission names both, and no collection has the like."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from .problem import Config, Problem, choice, number, under


def builders() -> Mapping[str, Callable[[], Problem]]:
    """Return what makes each problem, by name."""
    return {"crash_region": crash_region, "cash_toy": cash_toy}


def crash_region() -> Problem:
    """Two parameters; a third of the square crashes, and the optimum lies on its edge."""

    def compute(config: Config, seed: int) -> float:
        total = config["x"] + config["y"]
        return math.nan if total < 0.8 else float(total + 0.1 * (config["x"] - 0.4) ** 2)

    space = (number("x", 0, 1), number("y", 0, 1))
    return Problem("crash_region", "crashing", space, compute, 0.8)


ALGORITHMS: Final = 4
BEST: Final = (0.3, 0.1, 0.0, 0.2)  # what each algorithm can reach
TARGET: Final = (0.3, 0.7, 0.55, 0.2)
WEIGHTS: Final = (4.0, 1.0, 1.0, 0.25)


def cash_toy() -> Problem:
    """Four algorithms with four parameters each, one of which matters most."""
    space = [choice("algorithm", [f"a{a}" for a in range(ALGORITHMS)])]
    for a in range(ALGORITHMS):
        space += under("algorithm", [f"a{a}"], [number(f"p{a}{i}", 0, 1) for i in range(4)])

    def compute(config: Config, seed: int) -> float:
        a = int(config["algorithm"][1])
        rows = zip(WEIGHTS, (config[f"p{a}{i}"] for i in range(4)), TARGET, strict=True)
        return BEST[a] + float(sum(w * (value - target) ** 2 for w, value, target in rows))

    return Problem("cash_toy", "conditional", tuple(space), compute, min(BEST))
