"""Optuna's names, answered by Luthier: ``import luthier.optuna as optuna`` runs the script.

A name that can't be honoured raises an error that says so, when it is looked up.
"""

from __future__ import annotations

import importlib
from typing import Any

from luthier.optuna import (
    distributions,
    exceptions,
    importance,
    logging,
    pruners,
    samplers,
    storages,
    study,
    trial,
)
from luthier.optuna.exceptions import TrialPruned
from luthier.optuna.missing import missing
from luthier.optuna.study import (
    Study,
    copy_study,
    create_study,
    delete_study,
    get_all_study_names,
    get_all_study_summaries,
    load_study,
)
from luthier.optuna.trial import Trial, create_trial

__all__ = [
    "Study",
    "Trial",
    "TrialPruned",
    "__version__",
    "copy_study",
    "create_study",
    "create_trial",
    "delete_study",
    "distributions",
    "exceptions",
    "get_all_study_names",
    "get_all_study_summaries",
    "importance",
    "load_study",
    "logging",
    "pruners",
    "samplers",
    "storages",
    "study",
    "trial",
    "visualization",
]

__version__ = "5.0.0"  # the Optuna whose names these are

_ABSENT = {
    "artifacts": "Keep files where you like, and their paths in user attributes.",
    "cli": "Use the command line 'luthier'.",
    "integration": "Report from the framework's own callback with trial.report(value, step).",
    "progress_bar": "Use optimize(..., show_progress_bar=True).",
    "search_space": "Use study.space.",
    "terminator": "Use stop rules on Luthier's own face: optimize(..., stop=Saturation(20)).",
    "testing": "See luthier.testing.",
    "version": "See luthier.__version__.",
}


def __getattr__(name: str) -> Any:
    if name == "visualization":  # only then are figures loaded
        return importlib.import_module("luthier.optuna.visualization")
    raise missing(__name__, name, _ABSENT)
