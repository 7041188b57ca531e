"""SPSA and ES beside nevergrad on noisy functions: the true value of what they recommend.

    python -m benchmarks.evolution.spsa --seeds 15

needs nevergrad (``tools/peers.sh nevergrad``). Everyone gets the same functions, noise and number
of trials, and begins in the centre. Random search recommends its best trial.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.peers import run

OURS = ("luthier:spsa", "luthier:es")
OTHERS = ("luthier:random", "nevergrad:SPSA", "nevergrad:OnePlusOne", "nevergrad:CMA")
SIZES = ("20x500", "50x1000", "200x500", "20x2000", "200x2000")


def errors_of(who: str, size: str, seeds: int) -> tuple[dict[str, list[float]], float]:
    """Return the errors by problem, in order of seeds, and the seconds of CPU a run."""
    library, name = who.split(":")
    script = Path(__file__).with_name("spsa_worker.py")
    lines = run(library, script, library, name, *size.split("x"), seeds)
    errors: dict[str, list[float]] = defaultdict(list)
    for line in lines:
        errors[line["problem"]].append(line["error"])
    return errors, float(np.mean([line["seconds"] for line in lines]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=SIZES, help="dimension x trials")
    parser.add_argument("--seeds", type=int, default=15)
    parser.add_argument("--only", nargs="*", default=OURS + OTHERS)
    options = parser.parse_args()
    for size in options.sizes:
        found = {who: errors_of(who, size, options.seeds) for who in options.only}
        first = next(iter(found.values()))[0]
        print(f"{size:20}", *(f"{who:>20}" for who in found))
        for problem in first:
            medians = (float(np.median(errors[problem])) for errors, _ in found.values())
            print(f"{problem:20}", *(f"{median:20.3g}" for median in medians))
        print(f"{'seconds':20}", *(f"{seconds:20.2f}" for _, seconds in found.values()), flush=True)


if __name__ == "__main__":
    main()
