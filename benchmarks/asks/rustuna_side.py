"""Rustuna's worker, as ``luthier_side.py``; only whole studies, by its TPE."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version

import rustuna
import task


def whole(n, seed):
    def objective(trial):
        return task.value([trial.suggest_float(name, task.LOW, task.HIGH) for name in task.NAMES])

    study = rustuna.create_study(sampler=rustuna.samplers.TPESampler(seed=seed))
    start = time.process_time()
    study.optimize(objective, n_trials=n)
    return [1e3 * (time.process_time() - start)]


if __name__ == "__main__":
    kind, sampler, n, _, seed = sys.argv[1:]
    if (kind, sampler) != ("study", "tpe"):
        raise SystemExit(f"rustuna_side.py runs 'study tpe' only, got {kind!r} {sampler!r}")
    whole(task.WARM_UP, int(seed))
    print(json.dumps({"cpu": whole(int(n), int(seed)), "version": version("rustuna")}))
