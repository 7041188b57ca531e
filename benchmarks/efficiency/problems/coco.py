"""The BBOB functions, continuous and mixed-integer, evaluated by ``coco-experiment``.

Each of the 24 functions once, its dimension cycling through 2, 5, 10, 20, of instance 2: none is
one of the public tasks, which are of instance 1.

References:
    Hansen, Auger, Ros, Mersmann, Tušar, Brockhoff, COCO: a platform for comparing continuous
    optimizers in a black-box setting, arXiv:1603.08785; the mixed-integer suite:
    Tušar, Brockhoff, Hansen, Mixed-integer benchmark problems for single- and bi-objective
    optimization, GECCO 2019.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from .problem import Config, Problem, number, whole

INSTANCE: Final = 2
DIMENSIONS: Final = (2, 5, 10, 20)
MIXED: Final = ((3, 5), (10, 10), (17, 5), (22, 10))  # function, dimension
CARDINALITIES: Final = (2, 4, 8, 16, None)  # of each fifth of a mixed problem; None: continuous


def builders() -> Mapping[str, Callable[[], Problem]]:
    """Return what makes each problem, by name."""
    plain = ((f, DIMENSIONS[(f - 1) % len(DIMENSIONS)]) for f in range(1, 25))
    made: dict[str, Callable[[], Problem]] = {
        f"coco_f{f:02}_d{d:02}": partial(function, "bbob", f, d) for f, d in plain
    }
    for f, d in MIXED:
        made[f"cocomix_f{f:02}_d{d:02}"] = partial(function, "bbob-mixint", f, d)
    return made


def function(suite: str, f: int, d: int) -> Problem:
    """Return one function of a suite."""
    import cocoex

    cocoex.log_level("warning")
    wanted = f"function_indices: {f} dimensions: {d}"
    functions = cocoex.Suite(suite, f"instances: {INSTANCE}", wanted)
    evaluate = functions[0]
    names = [f"x{i}" for i in range(d)]

    def compute(config: Config, seed: int, _keep: Any = functions) -> float:
        return float(evaluate(np.array([config[name] for name in names], float)))

    if suite == "bbob":
        space = [number(name, -5, 5) for name in names]
    else:
        kinds = np.repeat(np.array(CARDINALITIES, object), d // len(CARDINALITIES))
        pairs = zip(names, kinds, strict=True)
        space = [whole(n, 0, k - 1) if k else number(n, -5, 5) for n, k in pairs]
    prefix, family = ("coco", "continuous") if suite == "bbob" else ("cocomix", "mixed")
    best = _optimum(suite, wanted)
    return Problem(f"{prefix}_f{f:02}_d{d:02}", family, tuple(space), compute, best)


def _optimum(suite: str, wanted: str) -> float:
    """Return the least value; COCO writes where it is to a file in the working directory."""
    import cocoex

    functions = cocoex.Suite(suite, f"instances: {INSTANCE}", wanted)
    evaluate = functions[0]
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        evaluate._best_parameter("print")
        (written,) = Path(folder).iterdir()
        return float(evaluate(np.array(written.read_text().split(), float)))
