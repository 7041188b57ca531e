"""What type checkers see of the public face; checked by ``make types``, never run."""

from __future__ import annotations

from typing import Any, assert_type

import pandas as pd

import luthier
from luthier import Categorical, Float, FrozenTrial, Int, Space, Study, Trial, TrialState


def objective(trial: Trial) -> float:
    assert_type(trial.suggest_float("lr", 1e-5, 1e-1, log=True), float)
    assert_type(trial.suggest_int("layers", 1, 3), int)
    assert_type(trial.suggest_categorical("optimizer", ["sgd", "adam"]), Any)
    assert_type(trial.should_prune(), bool)
    trial.report(0.5, step=1)
    trial.report({"loss": 0.5}, step=2)
    return 0.5


def metrics(trial: Trial) -> dict[str, float]:
    return {"accuracy": trial.suggest_float("x", 0, 1)}


def callback(study: Study, trial: FrozenTrial) -> None:
    assert_type(trial.state, TrialState)
    assert_type(trial.params, dict[str, Any])
    study.stop()


study = luthier.create_study(direction="maximize", storage="sqlite:///runs.db", seed=0)
assert_type(study, Study)
study.optimize(objective, n_trials=10, callbacks=[callback], retries={OSError: 2})
study.optimize(metrics, total_trials=10, stop=luthier.Saturation(5))
assert_type(study.best_value, float)
assert_type(study.best_params, dict[str, Any])
assert_type(study.best_trials, list[FrozenTrial])
assert_type(study.knee(), FrozenTrial)
assert_type(study.best_under({"latency_ms": 5}, objective="accuracy"), FrozenTrial)
assert_type(study.trials_dataframe(), pd.DataFrame)
assert_type(study.tell(study.ask(), 1.0), FrozenTrial)

space = Space(lr=Float(1e-5, 1e-1, log=True), kind=Categorical(["a", "b"]), n=Int(1, 3))
assert_type(space.forbid({"n": 3}).require("lr <= n"), Space)
assert_type(luthier.minimize(lambda params: float(params["lr"]), space, "10 min"), Study)

luthier.create_study(derection="maximize")  # type: ignore[call-arg]
study.optimize("objective")  # type: ignore[arg-type]
Float("low", "high")  # type: ignore[arg-type]
