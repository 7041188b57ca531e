"""Luthier's worker for memory: what an ask allocates beside a long history.

Usage: python memory_worker.py STRATEGY TRIALS SEED

Prints bytes as JSON: ``first`` and ``later`` are the peak of the first ask and the largest of the
later ones, above what was allocated before it; ``kept`` is what all asks together have left behind.
"""

from __future__ import annotations

import gc
import json
import random
import sys
import tracemalloc

import luthier

D, ASKS = 10, 4


def fill(study: luthier.Study, n: int, seed: int) -> None:
    """Add n random trials."""
    rng = random.Random(seed)
    points = ([rng.random() for _ in range(D)] for _ in range(n))
    study.add_trials(
        luthier.create_trial(
            params={f"x{i}": v for i, v in enumerate(x)}, value=sum((v - 0.3) ** 2 for v in x)
        )
        for x in points
    )


def measured(strategy: str, n: int, seed: int) -> dict[str, int]:
    """Ask and tell some trials after n, and watch the memory."""
    space = {f"x{i}": luthier.Float(0, 1) for i in range(D)}
    study = luthier.create_study(space=space, strategy=strategy, seed=seed)
    fill(study, n, seed)
    gc.collect()
    tracemalloc.start()
    peaks = []
    for _ in range(ASKS):
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        trial = study.ask()
        study.tell(trial, sum(trial.params.values()))
        peaks.append(tracemalloc.get_traced_memory()[1] - before)
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return {"first": peaks[0], "later": max(peaks[1:]), "kept": kept}


if __name__ == "__main__":
    strategy, n, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    luthier.set_verbosity("critical")
    measured(strategy, 20, seed)  # what is imported and made once isn't counted
    print(json.dumps(measured(strategy, n, seed)))
