"""What a trial of NSGA-II costs through the whole loop, beside Optuna's: microseconds of CPU.

    python -m benchmarks.evolution.nsga_throughput luthier 100000
    python -m benchmarks.evolution.nsga_throughput optuna 5000

Ten numbers, two objectives (ZDT1), ask and tell in memory. Optuna's cost per trial grows with the
number of trials; what it would be at 100,000 is a line through the parts of its run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from benchmarks.evolution.nsga_problems import zdt1

D = 10


def luthier_side() -> Callable[[], None]:
    import luthier
    from luthier import Float, Space

    space = Space({f"x{i}": Float(0, 1) for i in range(D)})
    study = luthier.create_study(directions=["minimize"] * 2, space=space, sampler="nsga2", seed=0)

    def step() -> None:
        trial = study.ask()
        study.tell(trial, zdt1(np.array(list(trial.params.values()))))

    return step


def optuna_side() -> Callable[[], None]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = {f"x{i}": optuna.distributions.FloatDistribution(0, 1) for i in range(D)}
    sampler = optuna.samplers.NSGAIISampler(seed=0)
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)

    def step() -> None:
        trial = study.ask(space)
        study.tell(trial, zdt1(np.array(list(trial.params.values()))))

    return step


def main() -> None:
    library, n = sys.argv[1], int(sys.argv[2])
    step = luthier_side() if library == "luthier" else optuna_side()
    parts, part = [], n // 10
    for k in range(10):
        start = time.process_time()
        for _ in range(part):
            step()
        parts.append((time.process_time() - start) / part * 1e6)
        print(f"{library} {(k + 1) * part} trials: {parts[-1]:.0f} us each", flush=True)
    slope, at_0 = np.polyfit((np.arange(10) + 0.5) * part, parts, 1)
    print(
        f"mean {np.mean(parts):.0f} us; {at_0:.0f} + {slope * 1000:.1f} us per 1,000 trials before"
    )


if __name__ == "__main__":
    main()
