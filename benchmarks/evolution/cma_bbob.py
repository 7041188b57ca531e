"""CMA-ES on BBOB beside the packages ``cmaes`` and ``cma``.

    tools/peers.sh optuna nevergrad      (``cmaes`` and ``cma`` come with them)
    python -m benchmarks.evolution.cma_bbob [FUNCTION ...] [--dimension 10] [--seeds 15]

Median errors after 200 evaluations a dimension on the 24 functions of package ``cocoex``, and on
how many of them ours is no worse; medians that differ by at most 1e-8 are the same. Runs are kept
in the folder ``build/cma``, a file for each library, dimension and function; those that are there
aren't run again, so that a long comparison can be made in pieces: delete ours when the code has
changed. The table of all functions goes to ``benchmarks/results/cmaes.json``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import ROOT, run

Array = NDArray[np.float64]
WORKER = Path(__file__).with_name("cma_worker.py")
RESULTS = ROOT / "benchmarks" / "results" / "cmaes.json"
PRECISION = 1e-8
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
    table = {name: errors(name, given) for name in LIBRARIES}
    medians = {name: [float(np.median(e)) for e in runs] for name, runs in table.items()}
    for f, *values in zip(given.functions, *medians.values(), strict=True):
        print(f"f{f:<3}", *(f"{value:10.2e}" for value in values))
    row: dict[str, Any] = {"seeds": given.seeds, "medians": medians, "no worse": {}}
    for peer in ("cmaes", "cma"):
        ours, theirs = (np.array(medians[name]) for name in ("luthier", peer))
        no_worse = int((ours <= theirs + PRECISION).sum())
        row["no worse"][peer] = no_worse
        clear = [significant(a, b) for a, b in zip(table["luthier"], table[peer], strict=True)]
        print(
            f"beside {peer}: the median is no worse on {no_worse} of {len(ours)}; "
            f"clearly better on {clear.count(1)}, clearly worse on {clear.count(-1)}"
        )
    if given.functions == list(range(1, 25)):
        record(f"bbob {given.dimension}-d", row)
    return 0 if 24 * min(row["no worse"].values()) >= 20 * len(given.functions) else 1


def record(name: str, row: dict[str, Any]) -> None:
    """Write a row of the results; the others stay as they were."""
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**rows, name: row}, indent=1, sort_keys=True) + "\n")


def errors(library: str, given: argparse.Namespace) -> list[Array]:
    """The errors of a library on each function, a run a seed; what isn't there is run."""
    paths = {f: given.folder / f"{library}_d{given.dimension}_f{f}.json" for f in given.functions}
    found = {f: json.loads(p.read_text()) if p.exists() else [] for f, p in paths.items()}
    for first in sorted({len(known) for known in found.values() if len(known) < given.seeds}):
        missing = [f for f, known in found.items() if len(known) == first]
        span = (first, given.seeds)
        wanted = ",".join(map(str, missing))
        for line in run(LIBRARIES[library], WORKER, library, given.dimension, wanted, *span):
            found[line["function"]].append(line["error"])
        for f in missing:
            paths[f].write_text(json.dumps(found[f]))
    return [np.array(known[: given.seeds]) for known in found.values()]


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
