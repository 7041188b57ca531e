"""The public tasks of ``../shared/bench``, if that folder is beside the checkout.

They are real tables, surrogates of real runs and published functions; its README and MANIFEST say
where each comes from. The environment variable LUTHIER_BENCH names another folder.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from .memo import ROOT
from .problem import Config, Problem

BENCH = Path(os.environ.get("LUTHIER_BENCH", ROOT.parent / "shared" / "bench"))
FAMILY: Final[Mapping[str, str]] = {
    "bbob_f03_d05": "continuous",
    "bbob_f08_d10": "continuous",
    "bbob_f11_d20": "continuous",
    "bbob_f15_d05": "continuous",
    "bbob_f21_d02": "continuous",
    "mixint_f08_d10": "mixed",
    "mixint_f15_d05": "mixed",
    "fcnet_protein": "tabular",
    "hpobench_blood": "tabular",
    "hpobench_credit_noisy": "noisy",
    "nb201_cifar10": "tabular",
    "gpu_convolution_A100": "crashing",
    "yahpo_xgb_188": "conditional",
    "yahpo_xgb_40966": "conditional",
    "yahpo_rpart_40499": "mixed",
    "yahpo_glmnet_40981": "continuous",
    "yahpo_lcbench_167168": "mixed",
    "mf_lcbench_189906": "mixed",
    "mf_xgb_1468": "conditional",
    "mf_taskset_lstm128": "tabular",
    "mf_taskset_irnn64_avg": "crashing",
    "sk_dt_diabetes": "mixed",
}


def builders() -> Mapping[str, Callable[[], Problem]]:
    """Return what makes each single-objective task, by name; nothing without the folder."""
    return {name: partial(task, name) for name in FAMILY} if there() else {}


def there() -> bool:
    """Return whether there is such a folder."""
    return (BENCH / "tasks.py").exists()


def task(name: str) -> Problem:
    """Return one task as a problem; multi-fidelity ones at the full fidelity."""
    source = tasks().load_public([name])[name]

    def compute(config: Config, seed: int) -> float | tuple[float, float]:
        result: dict[str, Any] = source.evaluate(dict(config), seed=seed)
        value = float(result["value"])
        return value, float(result.get("true_value", value))

    known = float(source.best_known)
    return Problem(name, FAMILY[name], tuple(source.space), compute, known)


def tasks() -> ModuleType:
    """Return the folder's module ``tasks``.

    Raises:
        SystemExit: The folder isn't there.
    """
    if not there():
        raise SystemExit(f"There are no public tasks: {BENCH} is missing. Set LUTHIER_BENCH.")
    if str(BENCH) not in sys.path:
        sys.path.append(str(BENCH))  # it imports its neighbour
    return importlib.import_module("tasks")
