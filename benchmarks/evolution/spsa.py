"""SPSA and ES beside nevergrad on noisy functions: the true value of what they recommend.

    python -m benchmarks.evolution.spsa 20x500 --seeds 15

needs nevergrad (``tools/peers.sh nevergrad``). Everyone gets the same functions and number of
trials, noise of the same size, and begins in the centre. Random search recommends its best trial.
Printed are medians over seeds, with the seconds of CPU a run at the end of each line.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.evolution.spsa_problems import NOISE
from benchmarks.peers import run

OPTIMISERS = (
    "luthier:spsa",
    "nevergrad:SPSA",
    "luthier:es",
    "luthier:random",
    "nevergrad:OnePlusOne",
    "nevergrad:CMA",
)
SIZES = ("20x500", "20x2000", "50x1000", "200x500", "200x2000")
WORKER = Path(__file__).with_name("spsa_worker.py")


def row(who: str, size: str, seeds: int, problems: list[str]) -> str:
    """Return the median errors of an optimiser by problem, and its seconds of CPU a run."""
    library, name = who.split(":")
    lines = run(library, WORKER, library, name, *size.split("x"), seeds, *problems)
    errors = ([line["error"] for line in lines if line["problem"] == p] for p in problems)
    medians = " ".join(f"{np.median(found):20.3g}" for found in errors)
    return f"{who:20} {medians} {np.mean([line['seconds'] for line in lines]):8.2f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=SIZES, help="dimension x trials")
    parser.add_argument("--seeds", type=int, default=15)
    parser.add_argument("--problems", nargs="*", default=list(NOISE))
    parser.add_argument("--only", nargs="*", default=OPTIMISERS)
    options = parser.parse_args()
    for size in options.sizes:
        print(f"{size:20} {' '.join(f'{problem:>20}' for problem in options.problems)}", flush=True)
        for who in options.only:
            print(row(who, size, options.seeds, options.problems), flush=True)


if __name__ == "__main__":
    main()
