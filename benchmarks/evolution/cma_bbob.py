"""CMA-ES on BBOB beside the packages ``cmaes`` and ``cma``.

    tools/peers.sh optuna nevergrad
    python -m benchmarks.evolution.cma_bbob [FUNCTION ...] [--dimension 10] [--seeds 15] \
        [--folder FOLDER]

Median errors after 200 evaluations a dimension on the 24 functions, and on how many of them ours is
no worse. Runs are kept in a folder, a file for each library, dimension and function; those that are
there aren't run again, so that a long comparison can be made in pieces.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import run

Array = NDArray[np.float64]
WORKER = Path(__file__).with_name("cma_worker.py")
LIBRARIES = {"luthier": "luthier", "cmaes": "optuna", "cma": "nevergrad"}  # and whose environment


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing, and print the table; return 0 if ours is no worse on 20 of 24."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evolution.cma_bbob")
    parser.add_argument("functions", nargs="*", type=int, default=list(range(1, 25)))
    parser.add_argument("--dimension", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=15)
    parser.add_argument("--folder", type=Path, default=Path("build/cma"))
    given = parser.parse_args(arguments)
    given.folder.mkdir(parents=True, exist_ok=True)
    table = {
        name: [errors(given.folder, name, given.dimension, f, given.seeds) for f in given.functions]
        for name in LIBRARIES
    }
    ok = True
    for f, *runs in zip(given.functions, *table.values(), strict=True):
        print(f"f{f:<3}", *(f"{np.median(values):10.2e}" for values in runs))
    for peer in ("cmaes", "cma"):
        pairs = list(zip(table["luthier"], table[peer], strict=True))
        no_worse = sum(bool(np.median(a) <= np.median(b)) for a, b in pairs)
        clear = [significant(a, b) for a, b in pairs]
        ok &= no_worse * 24 >= 20 * len(pairs)
        print(
            f"beside {peer}: the median is no worse on {no_worse} of {len(pairs)}; "
            f"clearly better on {clear.count(1)}, clearly worse on {clear.count(-1)}"
        )
    return 0 if ok else 1


def errors(folder: Path, library: str, dimension: int, function: int, seeds: int) -> Array:
    """The errors of a library on a function, run if they aren't there."""
    path = folder / f"{library}_d{dimension}_f{function}_{seeds}.json"
    if not path.exists():
        lines = run(LIBRARIES[library], WORKER, library, dimension, function, seeds)
        path.write_text(json.dumps([line["error"] for line in lines]))
    return np.array(json.loads(path.read_text()))


def significant(ours: Array, theirs: Array) -> int:
    """1 if ours are lower, -1 if they are higher, 0 if that may be chance (rank sums, 5%)."""
    from scipy.stats import mannwhitneyu

    if np.array_equal(np.unique(ours), np.unique(theirs)) and len(np.unique(ours)) == 1:
        return 0
    if mannwhitneyu(ours, theirs).pvalue >= 0.05:
        return 0
    return 1 if mannwhitneyu(ours, theirs, alternative="less").pvalue < 0.05 else -1


if __name__ == "__main__":
    raise SystemExit(main())
