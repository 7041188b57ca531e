from __future__ import annotations

import luthier
from luthier.core.filling import filled_params
from luthier.core.trial import FrozenTrial
from luthier.space import Categorical, Float, Space


def test_what_a_running_trial_was_given_can_be_worked_out() -> None:
    study = luthier.create_study(seed=3, strategy="random")
    trial = study.ask()
    asked = {"x": trial.suggest_float("x", 0, 1), "c": trial.suggest_categorical("c", ["a", "b"])}
    space = Space(x=Float(0.0, 1.0), c=Categorical(["a", "b"]))
    assert filled_params(FrozenTrial(number=0), study.history.seed, space) == asked


def test_only_active_parameters_are_filled() -> None:
    space = Space(c=Categorical(["a", "b"]), x=Float(0, 1, when={"c": "a"}))
    trial = FrozenTrial(number=0, param_names=("c",), param_values=("b",))
    assert filled_params(trial, 0, space) == {"c": "b"}
