from __future__ import annotations

import pytest

import luthier
from luthier.schedulers import Hyperband
from luthier.strategies import bohb, dehb


@pytest.mark.parametrize("name", ["tpe", "gp"])
def test_bohb_is_hyperband_with_a_model(name: str) -> None:
    sampler, scheduler = bohb(27, sampler=name, min_resource=3)
    assert sampler.spec["name"] == name
    assert scheduler.spec == Hyperband(27, min_resource=3).spec
    with pytest.raises(luthier.errors.ArgumentError, match="max_resource"):
        bohb(0)


@pytest.mark.parametrize("strategy", [bohb(9), bohb(9, sampler="gp"), dehb(9)])
def test_combinations_find_the_optimum_and_are_replayed_exactly(strategy) -> None:
    study = luthier.create_study(strategy=strategy, seed=0)
    study.optimize(lambda t: abs(t.suggest_float("x", 0, 1) - 0.3) + 1 / t.budget, n_trials=40)
    assert abs(study.best_params["x"] - 0.3) < 0.1
    assert study.replay().exact
