"""The problems: public tasks, from ``../shared/bench`` where that folder is beside the checkout.

A problem's space is a list of dicts, the format of ``tasks.py`` there, so that every library's
worker builds its own kind of space from it. Values are minimised; a failed evaluation gives NaN.
This file runs in every peer's environment: it needs nothing but NumPy and what the tasks need.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BENCH = Path(os.environ.get("LUTHIER_BENCH", ROOT.parent / "shared" / "bench"))


def load(names: list[str] | None = None) -> dict[str, Any]:
    """Return single-objective problems by name.

    Args:
        names: Which; all if None.
    """
    problems = dict(_public().load_public())
    problems |= {problem.name: problem for problem in (CrashRegion(), Cash())}
    single = {n: p for n, p in problems.items() if not n.startswith("mo_")}
    return {n: p for n, p in single.items() if names is None or n in names}


def family(name: str) -> str:
    """The family that a problem counts to."""
    prefixes = {
        "bbob": "continuous",
        "mixint": "mixed",
        "yahpo_xgb": "conditional",
        "mf_xgb": "conditional",
        "cash": "conditional",
        "gpu": "crashing",
        "crash": "crashing",
        "fcnet": "tabular",
        "hpobench": "tabular",
        "nb201": "tabular",
    }
    return next((f for p, f in prefixes.items() if name.startswith(p)), "surrogate")


def _public() -> ModuleType:
    path = BENCH / "tasks.py"
    if not path.exists():
        raise SystemExit(f"The public tasks aren't at {BENCH}. Set LUTHIER_BENCH to their folder.")
    sys.path.insert(0, str(BENCH))
    spec = importlib.util.spec_from_file_location("tasks", path)
    assert spec is not None and spec.loader is not None  # noqa: PT018
    module = importlib.util.module_from_spec(spec)
    sys.modules["tasks"] = module
    spec.loader.exec_module(module)
    return module


class CrashRegion:
    """Two parameters; a third of the square crashes, and the optimum lies on its edge."""

    name = "crash_region"
    space = (
        {"name": "x", "type": "float", "low": 0.0, "high": 1.0},
        {"name": "y", "type": "float", "low": 0.0, "high": 1.0},
    )

    def evaluate(self, config: dict[str, Any], seed: int | None = None) -> dict[str, Any]:
        total = config["x"] + config["y"]
        value = total + 0.1 * (config["x"] - 0.4) ** 2
        return {"value": value, "failed": total < 0.8}

    def regret(self, value: float) -> float:
        return (value - 0.8) / 0.25


class Cash:
    """Four algorithms with four parameters each, one of which matters most."""

    name = "cash_toy"
    best = (0.3, 0.1, 0.0, 0.2)
    target = (0.3, 0.7, 0.55, 0.2)

    @property
    def space(self) -> list[dict[str, Any]]:
        def parameter(a: int, i: int) -> dict[str, Any]:
            condition = {"parent": "algorithm", "values": [f"a{a}"]}
            return {
                "name": f"p{a}{i}",
                "type": "float",
                "low": 0.0,
                "high": 1.0,
                "condition": condition,
            }

        choices = [f"a{a}" for a in range(4)]
        parameters = [parameter(a, i) for a in range(4) for i in range(4)]
        return [{"name": "algorithm", "type": "cat", "choices": choices}, *parameters]

    def evaluate(self, config: dict[str, Any], seed: int | None = None) -> dict[str, Any]:
        a = int(config["algorithm"][1])
        values = [config[f"p{a}{i}"] for i in range(4)]
        gaps = ((v - t) ** 2 for v, t in zip(values, self.target, strict=True))
        weights = (4.0, 1.0, 1.0, 0.25)
        total = sum(w * g for w, g in zip(weights, gaps, strict=True))
        return {"value": self.best[a] + total, "failed": False}

    def regret(self, value: float) -> float:
        return value / 0.6
