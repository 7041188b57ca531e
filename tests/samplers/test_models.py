"""What all samplers that build a model of the objective have in common."""

from __future__ import annotations

from typing import Any

import pytest

import luthier
from luthier.core.protocols import Sampler
from luthier.samplers import GP, TPE, Auto, Forest
from luthier.space import Categorical, Float, Int, Space
from luthier.testing.rehearsal import Rehearsal


@pytest.mark.parametrize("sampler", [GP(), TPE(), Forest(), Auto()])
def test_a_space_that_grew_keeps_what_was_learnt(sampler: Sampler) -> None:
    play = Rehearsal(Space(x=Float(0, 1)))
    play.optimise(sampler, lambda p: abs(p["x"] - 0.3), 25)
    play.declare(Space(x=Float(0, 1), z=Categorical(["a", "b"]), n=Int(1, 5)))
    values = play.optimise(sampler, lambda p: abs(p["x"] - 0.3) + (p["z"] == "a"), 20)
    assert min(values) < 0.1


@pytest.mark.parametrize("strategy", ["tpe", "gp", "forest", "auto"])
def test_a_failure_that_was_retried_teaches_nothing(strategy: str) -> None:
    def params(unsteady: bool) -> list[dict[str, Any]]:
        failed = set()

        def objective(trial: Any) -> float:
            if unsteady and trial.number in (3, 9) and trial.number not in failed:
                failed.add(trial.number)
                raise OSError("not now")
            return float(trial.params["x"] ** 2)

        study = luthier.create_study(space=Space(x=Float(-1, 1)), strategy=strategy, seed=0)
        study.optimize(objective, n_trials=16, retries={OSError: 1})
        assert len(failed) == 2 * unsteady
        return [dict(trial.params) for trial in study.trials]

    assert params(unsteady=True) == params(unsteady=False)
