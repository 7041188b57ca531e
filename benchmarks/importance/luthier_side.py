"""Luthier's answers.

    python luthier_side.py FILE METHOD REPEATS

prints the importances of parameters in the trials of a file, and the seconds of CPU that each
repetition took. "ped_anova_face" is the evaluator of ``luthier.optuna``, which blurs choices as
Optuna does.
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import luthier
from benchmarks.spaces.in_luthier import space_of
from luthier.optuna.importance import get_param_importances
from luthier.optuna.study import Study

SETTINGS: dict[str, dict[str, Any]] = {
    "fanova": {"method": "fanova", "scale": "raw"},
    "ped_anova": {"method": "ped_anova"},
}


def main(file: str, method: str, repeats: int) -> None:
    given = json.loads(Path(file).read_text())
    luthier.set_verbosity("error")
    study = luthier.create_study(space=space_of(given["parameters"]), seed=0)
    for params, value in given["trials"]:
        study.add_trial(luthier.create_trial(params=params, value=value))
    asked = partial(shares_of, Study(study), method)
    shares, seconds = asked(), []  # trials are encoded, and what is loaded late is loaded
    for _ in range(repeats):
        start = time.process_time()
        shares = asked()
        seconds.append(time.process_time() - start)
    print(json.dumps({"shares": shares, "seconds": seconds}))


def shares_of(study: Study, method: str) -> dict[str, float]:
    if method == "ped_anova_face":
        return get_param_importances(study)
    found = study._native.importance(**SETTINGS[method])
    return dict(zip(found.parameters, found.shares.tolist(), strict=True))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
