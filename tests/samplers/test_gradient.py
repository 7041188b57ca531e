from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import luthier
from luthier import Categorical, Float, Int, Space
from luthier.core.suggest import Suggest
from luthier.errors import ArgumentError
from luthier.space.numeric import codec_of, unit_slope

SPACE = Space(
    kind=Categorical(["net", "tree"]),
    lr=Float(1e-5, 1.0, log=True, when={"kind": "net"}),
    momentum=Float(0.5, 0.999, scale="reverse_log", when={"kind": "net"}),
    layers=Int(1, 3, when={"kind": "net"}),
    share=Float(0.0, 1.0, when={"kind": "tree"}),
)


def bowl(trial: Any) -> float:
    """Least at lr 1e-3, momentum 0.9 in nets of any depth; a tree is never as good."""
    p = trial.params
    if p["kind"] == "tree":
        trial.set_gradient({"share": 2 * (p["share"] - 0.5)})
        return 5 + (p["share"] - 0.5) ** 2
    a, b = math.log(p["lr"] / 1e-3), math.log((1 - p["momentum"]) / 0.1)
    trial.set_gradient({"lr": 2 * a / p["lr"], "momentum": -6 * b / (1 - p["momentum"])})
    return a**2 + 3 * b**2


@pytest.mark.parametrize("scale", ["linear", "log", "reverse_log", "logit"])
def test_slopes_are_those_of_the_encoding(scale: Any) -> None:
    param = Float(0.01, 0.9, scale=scale)
    to_value, u, h = codec_of(param).to_value, 0.3, 1e-5
    by_differences = (to_value(u + h) - to_value(u - h)) / (2 * h)
    assert unit_slope(param, to_value(u)) == pytest.approx(by_differences, rel=1e-5)


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_it_descends_through_scales_conditions_and_signs(direction: str) -> None:
    sign = 1 if direction == "minimize" else -1

    class Signed:
        def __init__(self, trial: luthier.Trial) -> None:
            self.params = trial.params
            self.tell = trial.set_gradient

        def set_gradient(self, g: dict[str, float]) -> None:
            self.tell({name: sign * slope for name, slope in g.items()})

    study = luthier.create_study(space=SPACE, strategy="gradient", seed=1, direction=direction)
    study.optimize(lambda trial: sign * bowl(Signed(trial)), 30)
    assert abs(study.best_value) < 1e-8
    assert study.best_params["lr"] == pytest.approx(1e-3, rel=1e-3)
    assert study.best_params["momentum"] == pytest.approx(0.9, rel=1e-3)
    assert study.replay().exact


def test_a_stopped_study_goes_on_as_if_it_had_not_stopped(tmp_path: Any) -> None:
    def make(name: str) -> luthier.Study:
        storage = f"sqlite:///{tmp_path}/{name}.db"
        return luthier.create_study(
            storage=storage,
            study_name=name,
            space=SPACE,
            strategy="gradient",
            seed=3,
            load_if_exists=True,
        )

    make("whole").optimize(bowl, 16)
    make("parts").optimize(bowl, 7)
    make("parts").optimize(bowl, 9)
    whole, parts = ([t.params for t in make(name).trials] for name in ("whole", "parts"))
    assert whole == parts


def test_workers_follow_descents_of_their_own() -> None:
    study = luthier.create_study(space=SPACE, strategy="gradient", seed=0)
    for trial in [study.ask() for _ in range(3)]:
        study.tell(trial, bowl(trial))
    asked = [study.ask() for _ in range(3)]
    assert sorted(trial.origin.data["descent"] for trial in asked) == [0, 1, 2]
    assert "descent" not in study.ask().origin.data


def test_a_failed_step_is_made_shorter() -> None:
    study = luthier.create_study(space=Space(x=Float(0, 1)), sampler="gradient:starts=1", seed=0)

    def objective(trial: luthier.Trial) -> float:
        x = trial.params["x"]
        trial.set_gradient({"x": -1.0})
        if x > 0.9:
            raise ValueError("too far")
        return 1.0 - float(x)

    study.enqueue_trial({"x": 0.5})
    study.optimize(objective, 12, catch=(ValueError,))
    steps = [t.params["x"] for t in study.trials if t.origin.data.get("descent") == 0]
    assert 0.85 < study.best_params["x"] <= 0.9
    assert any(later < before for before, later in pairwise(steps))


def test_without_gradients_it_says_so_and_perturbs() -> None:
    study = luthier.create_study(space=Space(x=Float(0, 1)), strategy="gradient", seed=0)
    study.optimize(lambda trial: trial.params["x"] ** 2, 8)
    assert study.trials[-1].origin.reason.startswith("no trial has given a gradient, so by SPSA: ")
    fronts = luthier.create_study(
        space=Space(x=Float(0, 1)), strategy="gradient", seed=0, directions=["minimize"] * 2
    )
    assert fronts.ask().origin.reason.startswith("several objectives, so by SPSA: ")


def test_gradients_are_recorded_and_survive_a_replay_of_the_objective() -> None:
    study = luthier.create_study(seed=0)

    def objective(trial: Suggest) -> float:
        x = trial.suggest_float("x", -1, 1)
        trial.set_gradient({"x": np.float32(0.5), "y": math.nan})
        return x

    study.optimize(objective, 1)  # type: ignore[arg-type]
    assert study.trials[0].user_attrs == {"gradient": {"x": 0.5}}
    assert json.dumps(study.trials[0].user_attrs)
    assert objective(study.best_trial) == study.best_value
    with pytest.raises(ArgumentError, match="give derivatives by parameter, got 3"):
        study.ask().set_gradient(3)  # type: ignore[arg-type]
