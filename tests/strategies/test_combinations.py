"""Pairs of a sampler and a scheduler that are known by one name."""

from __future__ import annotations

import pytest

import luthier
from luthier.errors import ArgumentError
from luthier.schedulers import Hyperband
from luthier.strategies import make_sampler


def test_parts() -> None:
    sampler, scheduler = luthier.bohb(81, min_resource=3, eta=3, metric="loss")
    assert sampler.spec["name"] == "tpe"
    assert scheduler == Hyperband(81, 3, 3, "loss")
    assert luthier.bohb(9, sampler="gp")[0].spec["name"] == "gp"
    sampler, scheduler = luthier.dehb(27, eta=2)
    assert (sampler.spec["name"], scheduler) == ("rung_de", Hyperband(27, eta=2))
    assert sampler.spec["starts"] == [[16, 1], [10, 3], [7, 6], [5, 13], [5, 27]]
    assert make_sampler(sampler.spec) == sampler
    sampler, scheduler = luthier.mfes(9, metric="loss")
    assert (sampler.spec["rungs"], scheduler) == ([1, 3, 9], Hyperband(9, metric="loss"))
    assert make_sampler(sampler.spec) == sampler
    with pytest.raises(ArgumentError, match="max_resource must be at least min_resource"):
        luthier.bohb(1, min_resource=3)


@pytest.mark.parametrize("pair", [luthier.bohb, luthier.dehb, luthier.mfes])
def test_they_search_and_are_replayed(pair: type) -> None:
    study = luthier.create_study(
        space=luthier.Space(x=luthier.Float(0, 1)), strategy=pair(4, eta=2), seed=0
    )
    study.optimize(lambda trial: trial.params["x"] + 1 / trial.budget, n_trials=24)
    assert study.best_params["x"] < 0.25
    assert study.replay().exact
    by = {"bohb": "highest_rung", "dehb": "rung_de", "mfes": "gp"}[pair.__name__]
    assert all(by in trial.origin.sampler for trial in study.trials)
