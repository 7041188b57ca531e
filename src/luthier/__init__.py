"""Luthier finds the best settings of a machine-learning model with the least compute.

    import luthier

    def objective(trial):
        x = trial.suggest_float("x", -10, 10)
        return (x - 2) ** 2

    study = luthier.create_study()
    study.optimize(objective, n_trials=100)
    study.best_params

Names are loaded when first used, so that ``import luthier`` costs little.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from luthier import catalog, errors, numerics, samplers, schedulers
    from luthier.core.trial import (
        FrozenTrial,
        TrialState,
    )
    from luthier.errors import (
        LuthierError,
        TrialPruned,
    )
    from luthier.service.client import (
        Client,
    )
    from luthier.space import (
        AtLeast,
        AtMost,
        Beta,
        Between,
        Categorical,
        Constant,
        Float,
        Int,
        LogNormal,
        Normal,
        Not,
        OneOf,
        Ordinal,
        Permutation,
        Space,
    )
    from luthier.storages import (
        open_storage,
    )
    from luthier.strategies import (
        bohb,
        dehb,
        known_strategies,
        mfes,
    )
    from luthier.study.create import (
        copy_study,
        create_study,
        delete_study,
        get_all_study_names,
        get_all_study_summaries,
        load_study,
        maximize,
        minimize,
    )
    from luthier.study.fidelity import (
        Levels,
        Subsets,
    )
    from luthier.study.fixed import (
        FixedTrial,
    )
    from luthier.study.handmade import (
        create_trial,
    )
    from luthier.study.narration import (
        set_verbosity,
    )
    from luthier.study.regret import RegretBelowError
    from luthier.study.stopping import (
        AllOf,
        MaxCost,
        MaxSeconds,
        MaxTrials,
        Saturation,
        TargetValue,
    )
    from luthier.study.study import (
        Study,
    )
    from luthier.study.trial import (
        Trial,
    )

__version__ = "0.1.0"
__all__ = [
    "AllOf",
    "AtLeast",
    "AtMost",
    "Beta",
    "Between",
    "Categorical",
    "Client",
    "Constant",
    "FixedTrial",
    "Float",
    "FrozenTrial",
    "Int",
    "Levels",
    "LogNormal",
    "LuthierError",
    "MaxCost",
    "MaxSeconds",
    "MaxTrials",
    "Normal",
    "Not",
    "OneOf",
    "Ordinal",
    "Permutation",
    "RegretBelowError",
    "Saturation",
    "Space",
    "Study",
    "Subsets",
    "TargetValue",
    "Trial",
    "TrialPruned",
    "TrialState",
    "bohb",
    "catalog",
    "copy_study",
    "create_study",
    "create_trial",
    "dehb",
    "delete_study",
    "errors",
    "get_all_study_names",
    "get_all_study_summaries",
    "known_strategies",
    "load_study",
    "maximize",
    "mfes",
    "minimize",
    "numerics",
    "open_storage",
    "samplers",
    "schedulers",
    "set_verbosity",
]

_HOMES = {
    "core.trial": "FrozenTrial TrialState",
    "errors": "LuthierError TrialPruned",
    "service.client": "Client",
    "space": (
        "AtLeast AtMost Beta Between Categorical Constant Float Int LogNormal Normal Not "
        "OneOf Ordinal Permutation Space"
    ),
    "storages": "open_storage",
    "strategies": "bohb dehb known_strategies mfes",
    "study.create": (
        "copy_study create_study delete_study get_all_study_names get_all_study_summaries "
        "load_study maximize minimize"
    ),
    "study.fidelity": "Levels Subsets",
    "study.fixed": "FixedTrial",
    "study.handmade": "create_trial",
    "study.narration": "set_verbosity",
    "study.regret": "RegretBelowError",
    "study.stopping": "AllOf MaxCost MaxSeconds MaxTrials Saturation TargetValue",
    "study.study": "Study",
    "study.trial": "Trial",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(importlib.import_module(f"luthier.{_HOME_OF[name]}"), name)
    elif name in __all__:
        value = importlib.import_module(f"luthier.{name}")
    else:
        raise AttributeError(f"module 'luthier' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
