"""What hypervolume and non-dominated sorting cost, beside pymoo: milliseconds of CPU.

    python -m benchmarks.evolution.pareto

needs pymoo beside Luthier. Points are even in a cube, or on a sphere: then all are one front.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from luthier.numerics.pareto import hypervolume, non_dominated_ranks


def milliseconds(call: Callable[[], object], times: int = 5) -> float:
    taken = []
    for _ in range(times):
        start = time.process_time()
        call()
        taken.append(1e3 * (time.process_time() - start))
    return float(np.median(taken))


def main() -> None:
    from pymoo.indicators.hv import HV
    from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

    rng = np.random.default_rng(0)
    for n, m in ((10_000, 2), (10_000, 3), (2_000, 5)):
        Y = rng.random((n, m))
        ours = milliseconds(lambda Y=Y: non_dominated_ranks(Y))  # type: ignore[misc]
        theirs = milliseconds(lambda Y=Y: NonDominatedSorting().do(Y))  # type: ignore[misc]
        ranks = non_dominated_ranks(Y)
        fronts = NonDominatedSorting().do(Y)
        assert all((ranks[front] == k).all() for k, front in enumerate(fronts))
        print(f"sort {n} x {m}: luthier {ours:.1f} ms, pymoo {theirs:.1f} ms", flush=True)
    for n, m in ((1_000, 2), (1_000, 3), (300, 4), (100, 5)):
        S = np.abs(rng.normal(size=(n, m)))
        Y = 1 - S / np.linalg.norm(S, axis=1, keepdims=True)
        reference = np.full(m, 1.1)
        ours = milliseconds(lambda Y=Y, r=reference: hypervolume(Y, r))  # type: ignore[misc]
        theirs = milliseconds(lambda Y=Y, r=reference: HV(r)(Y))  # type: ignore[misc]
        assert np.isclose(hypervolume(Y, reference), HV(reference)(Y))
        print(f"hypervolume {n} x {m}: luthier {ours:.1f} ms, pymoo {theirs:.1f} ms", flush=True)


if __name__ == "__main__":
    main()
