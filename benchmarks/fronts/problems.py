"""The problems: two to four objectives of numbers, integers, choices and conditions.

They were chosen before any sampler was measured on them: every eighth of the 55 functions of
bbob-biobj, two of its mixed-integer twin, textbook problems with two, three and four objectives,
one with constraints, and real models, whose error is weighed against their size.

References:
    Brockhoff, Auger, Hansen, Tušar, Using well-understood single-objective functions in
    multiobjective black-box optimization test suites, Evolutionary Computation 30 (2022). Deb,
    Pratap, Moitra, Mechanical component design for multiple objectives using elitist
    non-dominated sorting GA, PPSN VI (2000) (the welded beam).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from benchmarks.efficiency.problems import Parameter, active
from benchmarks.efficiency.problems.problem import Config, choice, number, whole
from benchmarks.evolution.nsga_problems import dtlz2, dtlz7, zdt3
from benchmarks.fronts import models

Found = tuple[tuple[float, ...], tuple[float, ...]]
"""Values, lower is better, and what constraints say: met if at most 0."""
INSTANCE: Final = 3
BIOBJ: Final = (1, 8, 16, 24, 32, 40, 48)
MIXINT: Final = (12, 36)
LOAD: Final = 6000.0  # pounds; inches and psi below
SLOW: Final = (
    "biobj_f01",
    "biobj_f16",
    "biobj_f32",
    "biobj_f40",
    "mixint_f12",
    "beam",
    "forest_breast",
)
"""What peers that take long to ask have run."""


@dataclass(frozen=True)
class Problem:
    """Several objectives to minimise.

    Args:
        name: Unique.
        space: Its parameters, in the format of ``benchmarks.efficiency.problems``.
        n_objectives: How many.
        n_constraints: How many.
        compute: Evaluates the active part of a configuration.
    """

    name: str
    space: tuple[Parameter, ...]
    n_objectives: int
    n_constraints: int
    compute: Callable[[Config], Found]

    def evaluate(self, config: Config) -> Found:
        """Return the values of a configuration, and what its constraints say.

        Raises:
            ValueError: A parameter is missing or out of range.
        """
        return self.compute(active(self.space, config))


def load(wanted: Sequence[str] | None = None) -> dict[str, Problem]:
    """Return problems by name; all if None.

    Raises:
        SystemExit: There is no such problem.
    """
    builders = _builders()
    if unknown := set(wanted or ()) - set(builders):
        raise SystemExit(f"There are no problems named {sorted(unknown)}.")
    return {name: builders[name]() for name in wanted or builders}


def names() -> tuple[str, ...]:
    """Return the names of all problems."""
    return tuple(_builders())


def _builders() -> Mapping[str, Callable[[], Problem]]:
    return {
        **{f"biobj_f{f:02}": partial(_coco, "bbob-biobj", f) for f in BIOBJ},
        **{f"mixint_f{f:02}": partial(_coco, "bbob-biobj-mixint", f) for f in MIXINT},
        "zdt3": partial(_textbook, "zdt3", 8, 2, zdt3),
        "dtlz7": partial(_textbook, "dtlz7", 6, 3, dtlz7),
        "dtlz2_m4": partial(_textbook, "dtlz2_m4", 7, 4, partial(dtlz2, m=4)),
        "beam": _beam,
        **{name: partial(_model, name) for name in models.MODELS},
    }


def _coco(suite: str, f: int) -> Problem:
    """A function of a suite in five dimensions; numbers from -5 to 5, integers as COCO has them."""
    import cocoex

    cocoex.log_level("warning")
    chosen = f"function_indices: {f} dimensions: 5 instance_indices: {INSTANCE}"
    functions = cocoex.Suite(suite, "", chosen)
    evaluate = functions[0]
    n_whole = evaluate.number_of_integer_variables
    bounds = zip(evaluate.lower_bounds, evaluate.upper_bounds, strict=True)
    space = tuple(
        whole(f"x{i}", int(low), int(high)) if i < n_whole else number(f"x{i}", -5, 5)
        for i, (low, high) in enumerate(bounds)
    )

    def compute(config: Config, _keep: Any = functions) -> Found:
        x = np.array([config[item["name"]] for item in space], float)
        return tuple(map(float, evaluate(x))), ()

    prefix = "biobj" if suite == "bbob-biobj" else "mixint"
    return Problem(f"{prefix}_f{f:02}", space, 2, 0, compute)


def _textbook(name: str, d: int, m: int, function: Callable[[np.ndarray], list[float]]) -> Problem:
    space = tuple(number(f"x{i}", 0, 1) for i in range(d))

    def compute(config: Config) -> Found:
        return tuple(function(np.array([config[item["name"]] for item in space]))), ()

    return Problem(name, space, m, 0, compute)


def _beam() -> Problem:
    """The welded beam, cost against deflection; the plates come in sixteenths of an inch.

    Another metal costs and bends otherwise, which is ours.
    """
    space = (
        choice("metal", list(METALS)),
        whole("weld", 2, 80),
        whole("width", 2, 80),
        number("length", 0.1, 10.0),
        number("height", 0.1, 10.0),
    )
    return Problem("beam", space, 2, 4, _welded)


METALS: Final = {  # cost, stiffness and strength in units of the textbook's steel
    "steel": (1.0, 1.0, 1.0),
    "cast iron": (0.7, 0.47, 0.4),
    "bronze": (2.8, 0.55, 0.7),
    "titanium": (9.0, 0.53, 2.0),
}


def _welded(config: Config) -> Found:
    price, stiff, strong = METALS[config["metal"]]
    h, b = config["weld"] / 16, config["width"] / 16
    l, t = config["length"], config["height"]  # noqa: E741
    cost = price * (1.10471 * h * h * l + 0.04811 * t * b * (14 + l))
    deflection = 2.1952 / (stiff * t**3 * b)
    arm = math.sqrt(0.25 * (l * l + (h + t) ** 2))
    direct = LOAD / (math.sqrt(2) * h * l)
    bending = LOAD * (14 + 0.5 * l) * arm / (2 * 0.707 * h * l * (l * l / 12 + 0.25 * (h + t) ** 2))
    shear = math.sqrt(direct**2 + bending**2 + l * direct * bending / arm)
    stress = 504_000 / (t * t * b)
    buckling = 64_746.022 * stiff * (1 - 0.0282346 * t) * t * b**3
    excess = (
        shear / (13_600 * strong) - 1,
        stress / (30_000 * strong) - 1,
        h - b,
        1 - buckling / LOAD,
    )
    return (cost, deflection), excess


def _model(name: str) -> Problem:
    space, evaluate = models.MODELS[name]
    return Problem(name, space, 2, 0, lambda config: (evaluate(dict(config)), ()))
