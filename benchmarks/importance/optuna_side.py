"""Optuna's answers: see ``luthier_side.py``. Its fANOVA needs scikit-learn."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import optuna
from optuna.importance import (
    FanovaImportanceEvaluator,
    PedAnovaImportanceEvaluator,
    get_param_importances,
)

from benchmarks.spaces.in_optuna import suggested

EVALUATORS = {
    "fanova": lambda: FanovaImportanceEvaluator(seed=0),
    "ped_anova": PedAnovaImportanceEvaluator,
    "ped_anova_face": PedAnovaImportanceEvaluator,
}


def main(file, method, repeats):
    given = json.loads(Path(file).read_text())
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for params, _ in given["trials"]:
        study.enqueue_trial(params)

    def objective(trial):
        suggested(trial, given["parameters"])
        return given["trials"][trial.number][1]

    study.optimize(objective, n_trials=len(given["trials"]))
    seconds = []
    get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    for _ in range(repeats):
        start = time.process_time()
        shares = get_param_importances(study, evaluator=EVALUATORS[method]())
        seconds.append(time.process_time() - start)
    print(json.dumps({"shares": shares, "seconds": seconds}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
