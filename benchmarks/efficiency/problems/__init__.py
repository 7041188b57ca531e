"""The problems: names, suites, and ``load``, which makes them.

Problems are published functions, tables, surrogates and trainings, a kind a file; only ``toys.py``
is our own. Values are minimised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

from . import coco, decorators, models, public, tables, toys
from .problem import FAMILIES, Parameter, Problem, active, draw, fitted, is_active, size

__all__ = [
    "FAMILIES",
    "SLOW",
    "SUITES",
    "Parameter",
    "Problem",
    "active",
    "draw",
    "fitted",
    "is_active",
    "load",
    "names",
    "size",
    "suite",
]

# A fast look at every family.
QUICK: Final = (
    "coco_f02_d05",
    "coco_f08_d20",
    "coco_f15_d10",
    "coco_f21_d02",
    "model_svm_diabetes",
    "cocomix_f10_d10",
    "model_forest_wine",
    "yahpo_lcbench_167168",
    "cash_diabetes",
    "yahpo_xgb_188",
    "noisy_coco_f10_d02",
    "noisy_mlp_segment",
    "crash_coco_f02_d05",
    "gpu_convolution_A100",
    "table_mlp_vehicle",
    "table_nb201_imagenet",
    "linear_svm",
)
# What peers that take long to ask have run: all families, no dimension above 14.
SLOW: Final = (
    "coco_f02_d05",
    "coco_f07_d10",
    "coco_f15_d10",
    "coco_f21_d02",
    "model_svm_diabetes",
    "cocomix_f03_d05",
    "model_forest_wine",
    "yahpo_lcbench_167168",
    "cash_diabetes",
    "yahpo_xgb_188",
    "noisy_coco_f01_d05",
    "crash_coco_f02_d05",
    "gpu_convolution_A100",
    "table_mlp_vehicle",
    "table_fcnet_slice",
)


def names() -> tuple[str, ...]:
    """Return the names of all problems that this checkout can run."""
    return tuple(_builders())


def load(wanted: Sequence[str] | None = None) -> dict[str, Problem]:
    """Return problems by name, in the suite's order.

    Args:
        wanted: Which; all if None.

    Raises:
        SystemExit: There is no such problem.
    """
    builders = _builders()
    unknown = set(wanted or ()) - set(builders)
    if unknown:
        raise SystemExit(f"There are no problems named {sorted(unknown)}. {public.BENCH=!s}")
    return {n: builders[n]() for n in builders if wanted is None or n in wanted}


def suite(name: str) -> tuple[str, ...]:
    """Return the names of a suite's problems: "all", "quick" or "slow"."""
    if name == "all":
        return names()
    return tuple(n for n in names() if n in SUITES[name])


@cache
def _builders() -> Mapping[str, Callable[[], Problem]]:
    made: dict[str, Callable[[], Problem]] = {}
    for kind in (public, coco, models, tables, decorators, toys):
        made |= kind.builders()
    return made


SUITES: Final[Mapping[str, Sequence[str]]] = {"quick": QUICK, "slow": SLOW}
