"""BOHB beside random search and Optuna, all under Hyperband: regret against steps spent.

    python -m benchmarks.fidelity.tables --seeds 15

Prints the tables of docs/multi-fidelity.md, and keeps what was measured in
benchmarks/results/fidelity.json. What is there isn't run again: more seeds or methods add to it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fidelity.curves import MARKS, TABLES
from benchmarks.peers import ROOT, run

RESULTS = ROOT / "benchmarks" / "results" / "fidelity.json"
METHODS: Mapping[str, tuple[str, str]] = {
    "bohb, tpe": ("luthier", "tpe"),
    "bohb, gp": ("luthier", "gp"),
    "mfes": ("luthier", "mfes"),
    "dehb": ("luthier", "dehb"),
    "random search + Hyperband": ("luthier", "random"),
    "Optuna, TPE + HyperbandPruner": ("optuna", "tpe"),
}
"""The library that runs a method, and the name there: of a sampler, or of a pair of both."""
Key = tuple[str, str, int]


def measured() -> dict[Key, dict[str, Any]]:
    """What was measured so far, by method, table and seed."""
    lines = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    return {(line["method"], line["table"], line["seed"]): line for line in lines}


def measure(method: str, table: str, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Run a method's searches in a process of its own."""
    library, sampler = METHODS[method]
    script = Path(__file__).with_name(f"{library}_side.py")
    return [{"method": method, **line} for line in run(library, script, sampler, table, *seeds)]


def complete(methods: Iterable[str], tables: Iterable[str], seeds: int) -> None:
    """Measure what is missing."""
    known = measured()
    for table in tables:
        for method in methods:
            missing = [seed for seed in range(seeds) if (method, table, seed) not in known]
            if missing:
                lines = measure(method, table, missing)
                known |= {(method, table, line["seed"]): line for line in lines}
                rows = [json.dumps(known[key]) for key in sorted(known)]
                RESULTS.write_text("[\n" + ",\n".join(rows) + "\n]\n")


def means(known: Mapping[Key, Mapping[str, Any]], methods: Sequence[str]) -> None:
    """Print the mean regrets of the seeds that all methods have run."""
    shared = set.intersection(*({(t, s) for m, t, s in known if m == name} for name in methods))
    tables = [table for table in TABLES if any(t == table for t, _ in shared)]
    print(f"{len(tables)} tables, {len(shared)} searches a method\n")
    header = [f"{mark} trials" for mark in MARKS]
    show(["mean of all tables", *header, "typical trial", "CPU s"], head=True)
    for method in methods:
        lines = [known[method, *pair] for pair in sorted(shared)]
        regrets = np.mean([line["regrets"] for line in lines], axis=0)
        typical = np.median([line["typical"] for line in lines])
        seconds = np.mean([line["seconds"] for line in lines])
        show([method, *(f"{r:.3f}" for r in regrets), f"{typical:.2f}", f"{seconds:.2f}"])
    print()
    show([f"after {MARKS[-1]} trials", *methods], head=True)
    for table in tables:
        seeds = [seed for t, seed in shared if t == table]
        ends = [np.mean([known[m, table, s]["regrets"][-1] for s in seeds]) for m in methods]
        show([table, *(f"{end:.3f}" for end in ends)])


def show(cells: Sequence[str], *, head: bool = False) -> None:
    """Print a row of a Markdown table."""
    print("| " + " | ".join(cells) + " |")
    if head:
        print("|" + "---|" * len(cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("methods", nargs="*", default=list(METHODS), help="as in METHODS")
    parser.add_argument("--tables", nargs="*", default=list(TABLES))
    parser.add_argument("--seeds", type=int, default=15)
    options = parser.parse_args()
    complete(options.methods, options.tables, options.seeds)
    means(measured(), options.methods)


if __name__ == "__main__":
    main()
