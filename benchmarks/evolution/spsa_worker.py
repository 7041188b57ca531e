"""One optimiser on noisy functions; run by ``spsa.py`` in that library's environment.

    python spsa_worker.py LIBRARY OPTIMISER DIMENSION TRIALS SEEDS PROBLEM...

prints a JSON line {"problem", "seed", "error", "seconds"} for each run: the true value of what is
recommended in the end, and the CPU time of the run. All begin in the centre.
"""

from __future__ import annotations

import json
import sys
import time
import warnings

import numpy as np
from spsa_problems import HIGH, LOW, Noisy


def luthier_side(name, f, d, n, seed):
    """Recommend by the sampler's own word if it has one, else the best trial."""
    import luthier
    from luthier.space import Float, Space
    from luthier.strategies import make_sampler

    sampler = make_sampler(name)
    space = Space({f"x{i}": Float(LOW, HIGH) for i in range(d)})
    study = luthier.create_study(space=space, sampler=sampler, seed=seed)
    study.optimize(lambda trial: f(list(trial.params.values())), n_trials=n)
    recommend = getattr(sampler, "recommend", None)
    best = recommend(study.space, study.history) if recommend else study.best_params
    return list(best.values())


def nevergrad_side(name, f, d, n, seed):
    """Recommend what the optimizer does."""
    import nevergrad as ng

    space = ng.p.Array(init=np.zeros(d), lower=LOW, upper=HIGH)
    space.random_state = np.random.RandomState(seed)
    optimizer = ng.optimizers.registry[name](space, budget=n, num_workers=1)
    for _ in range(n):
        asked = optimizer.ask()
        optimizer.tell(asked, f(asked.value))
    return optimizer.provide_recommendation().value


SIDES = {"luthier": luthier_side, "nevergrad": nevergrad_side}


def main(library, name, d, n, seeds, *problems):
    warnings.simplefilter("ignore")
    for problem in problems:
        for seed in range(int(seeds)):
            f = Noisy(problem, int(d), seed)
            start = time.process_time()
            found = SIDES[library](name, f, int(d), int(n), seed)
            seconds = time.process_time() - start
            line = {"problem": problem, "seed": seed, "error": f.true(found), "seconds": seconds}
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
