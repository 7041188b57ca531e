"""The problems: each says what it shows; all values are minimised, and a crash gives None.

A problem's space is a list of dicts, as in ``../shared/bench/tasks.py``. This file runs in every
peer's environment: it needs nothing but the standard library, and NumPy for the public tasks.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from benchmarks.spaces.conditions import is_active

Config = dict[str, Any]
PUBLIC = ("yahpo_xgb_188", "yahpo_xgb_40966", "mf_xgb_1468", "mixint_f15_d05")


@dataclass(frozen=True)
class Problem:
    """A function to be minimised.

    Attributes:
        name: Its name.
        space: Its parameters, those that others depend on first.
        function: Gets a configuration, gives a value, or None for a crash.
        best: The least value there is, or the least one known.
    """

    name: str
    space: Sequence[Config]
    function: Callable[[Config], float | None]
    best: float = 0.0

    def random(self, rng: random.Random) -> Config:
        """Draw a configuration."""
        config: Config = {}
        for item in self.space:
            if is_active(item, config):
                config[item["name"]] = _drawn(item, rng)
        return config

    def typical(self) -> float:
        """The median gap of 1,001 random configurations: what counts as a regret of 1."""
        return _typical(self.name)


@cache
def _typical(name: str) -> float:
    problem, rng = load(name), random.Random(0)
    values = (problem.function(problem.random(rng)) for _ in range(1001))
    return statistics.median(v - problem.best for v in values if v is not None)


@cache
def random_search(name: str, budget: int) -> float:
    """Return the median gap that random search is left with, of 51 runs.

    Args:
        name: A problem without crashes.
        budget: How many trials a run has.
    """
    problem, rng = load(name), random.Random(1)
    runs = ([problem.function(problem.random(rng)) for _ in range(budget)] for _ in range(51))
    return statistics.median(min(v for v in run if v is not None) - problem.best for run in runs)


def _drawn(item: Config, rng: random.Random) -> Any:
    if item["type"] == "cat":
        return rng.choice(item["choices"])
    low, high = item["low"], item["high"]
    if item["type"] == "int":
        if item.get("log"):
            return min(high, int(math.exp(rng.uniform(math.log(low), math.log(high + 1)))))
        return rng.randint(low, high)
    if item.get("log"):
        return math.exp(rng.uniform(math.log(low), math.log(high)))
    return rng.uniform(low, high)


@cache
def load(name: str) -> Problem:
    """Return a problem by name.

    Raises:
        KeyError: There is none of that name.
    """
    return _public(name) if name in PUBLIC else PROBLEMS[name]


def _public(name: str) -> Problem:
    from benchmarks.efficiency.problems import public

    task = public.tasks().load_public([name])[name]

    def function(config: Config) -> float | None:
        result = task.evaluate(config, seed=0)
        return None if result["failed"] else float(result["value"])

    return Problem(name, task.space, function, task.best_known)


def _float(name: str, low: float = 0.0, high: float = 1.0, **more: Any) -> Config:
    return {"name": name, "type": "float", "low": low, "high": high, **more}


def _given(parent: str, *values: str) -> Config:
    return {"condition": {"parent": parent, "values": list(values)}}


# Crashes: two parameters; 32% of the square crash, and the best point, (0.4, 0.4), is on the edge.


def _edge(c: Config) -> float | None:
    """Return x + y + (x - 0.4)^2 / 10; where x + y < 0.8 it crashes."""
    total = c["x"] + c["y"]
    return None if total < 0.8 else total + 0.1 * (c["x"] - 0.4) ** 2


def _mirror(c: Config) -> float:
    """The same with a mirror where the other crashes: |x + y - 0.8| for x + y - 0.8."""
    return float(0.8 + abs(c["x"] + c["y"] - 0.8) + 0.1 * (c["x"] - 0.4) ** 2)


# A tiny space: 4 x 4 x 3 configurations.


def _tiny(c: Config) -> float:
    offset = {"low": 2.0, "middle": 0.0, "high": 1.0}[c["level"]]
    return float((c["a"] - 4) ** 2 + 0.5 * (c["b"] - 2) ** 2 + offset + 0.1 * c["a"] * c["b"])


# Conditional spaces.


def _cash_space() -> list[Config]:
    """Four algorithms, each with four parameters of its own."""
    names = [f"a{a}" for a in range(4)]
    own = [_float(f"p{a}{i}", **_given("algorithm", f"a{a}")) for a in range(4) for i in range(4)]
    return [{"name": "algorithm", "type": "cat", "choices": names}, *own]


def _cash(c: Config) -> float:
    a = int(c["algorithm"][1])
    gaps = [(c[f"p{a}{i}"] - t) ** 2 for i, t in enumerate((0.3, 0.7, 0.55, 0.2))]
    weighted = (w * g for w, g in zip((4.0, 1.0, 1.0, 0.25), gaps, strict=True))
    return float((0.3, 0.1, 0.0, 0.2)[a] + sum(weighted))


def _tree_space() -> list[Config]:
    """Jenatton et al. 2017; choices in another order and ranges moved, lest the middle be best."""
    choice = {"type": "cat", "choices": ["right", "left"]}
    leaves = [("x2", "left"), ("x2", "right"), ("x3", "left"), ("x3", "right")]
    return [
        {"name": "x1", **choice},
        {"name": "x2", **choice, **_given("x1", "left")},
        {"name": "x3", **choice, **_given("x1", "right")},
        *(_float(f"x{4 + i}", -1.0, 2.0, **_given(*leaf)) for i, leaf in enumerate(leaves)),
        _float("r8", **_given("x1", "left")),
        _float("r9", **_given("x1", "right")),
    ]


def _tree(c: Config) -> float:
    if c["x1"] == "left":
        leaf = c["x4"] ** 2 + 0.1 if c["x2"] == "left" else c["x5"] ** 2 + 0.2
        return float(leaf + c["r8"])
    leaf = c["x6"] ** 2 + 0.3 if c["x3"] == "left" else c["x7"] ** 2 + 0.4
    return float(leaf + c["r9"])


# Functions of the literature, for parallel slots. Domains are chosen so that the best point isn't
# in the middle, where some samplers begin. Formulas: Surjanovic and Bingham, Virtual library of
# simulation experiments, Simon Fraser University.


def _of(function: Callable[[list[float]], float]) -> Callable[[Config], float]:
    return lambda config: function([config[f"x{i}"] for i in range(len(config))])


def _box(d: int, low: float, high: float) -> list[Config]:
    return [_float(f"x{i}", low, high) for i in range(d)]


def _branin(x: list[float]) -> float:
    a, b = x
    bend = b - 5.1 / (4 * math.pi**2) * a * a + 5 / math.pi * a - 6
    return bend**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10


_A6 = (
    (10, 3, 17, 3.5, 1.7, 8),
    (0.05, 10, 17, 0.1, 8, 14),
    (3, 3.5, 1.7, 10, 17, 8),
    (17, 8, 0.05, 10, 0.1, 14),
)
_P6 = (
    (0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886),
    (0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991),
    (0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650),
    (0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381),
)


def _hartmann(x: list[float]) -> float:
    total = 0.0
    for weight, row, center in zip((1.0, 1.2, 3.0, 3.2), _A6, _P6, strict=True):
        inner = sum(a * (v - p) ** 2 for a, v, p in zip(row, x, center, strict=True))
        total -= weight * math.exp(-inner)
    return total


def _rosenbrock(x: list[float]) -> float:
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))


def _ackley(x: list[float]) -> float:
    square = sum(v * v for v in x) / len(x)
    wave = sum(math.cos(2 * math.pi * v) for v in x) / len(x)
    return -20 * math.exp(-0.2 * math.sqrt(square)) - math.exp(wave) + 20 + math.e


def _rastrigin(x: list[float]) -> float:
    return 10 * len(x) + sum(v * v - 10 * math.cos(2 * math.pi * v) for v in x)


def _levy(x: list[float]) -> float:
    w = [1 + (v - 1) / 4 for v in x]
    first = math.sin(math.pi * w[0]) ** 2
    last = (w[-1] - 1) ** 2 * (1 + math.sin(2 * math.pi * w[-1]) ** 2)
    inner = ((v - 1) ** 2 * (1 + 10 * math.sin(math.pi * v + 1) ** 2) for v in w[:-1])
    return first + sum(inner) + last


def _styblinski(x: list[float]) -> float:
    return sum(v**4 - 16 * v * v + 5 * v for v in x) / 2


_SQUARE = [_float("x"), _float("y")]
_TINY: list[Config] = [
    {"name": "a", "type": "int", "low": 1, "high": 4},
    {"name": "b", "type": "int", "low": 1, "high": 4},
    {"name": "level", "type": "cat", "choices": ["low", "middle", "high"]},
]
_BRANIN = [_float("x0", -5.0, 10.0), _float("x1", 0.0, 15.0)]

PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem("edge", _SQUARE, _edge, 0.8),
        Problem("mirror", _SQUARE, _mirror, 0.8),
        Problem("tiny", _TINY, _tiny, 0.8),
        Problem("cash", _cash_space(), _cash),
        Problem("tree", _tree_space(), _tree, 0.1),
        Problem("branin", _BRANIN, _of(_branin), 0.397887),
        Problem("hartmann6", _box(6, 0.0, 1.0), _of(_hartmann), -3.32237),
        Problem("rosenbrock5", _box(5, -5.0, 10.0), _of(_rosenbrock)),
        Problem("ackley5", _box(5, -5.0, 10.0), _of(_ackley)),
        Problem("rastrigin5", _box(5, -3.0, 4.0), _of(_rastrigin)),
        Problem("levy5", _box(5, -5.0, 10.0), _of(_levy)),
        Problem("styblinski5", _box(5, -5.0, 5.0), _of(_styblinski), -39.1661657 * 5),
    )
}
