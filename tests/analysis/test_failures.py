"""Regions that fail are found, those that don't aren't."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import luthier
from luthier import Categorical, Float, Int, Space
from luthier.analysis import failures
from luthier.core.objective import Objective
from luthier.core.trial import TrialState
from luthier.errors import ArgumentError
from luthier.testing.rehearsal import Rehearsal

SPACE = Space(
    x=Float(-5, 5), lr=Float(1e-5, 1, scale="log"), kind=Categorical(["a", "b", "c"]), n=Int(1, 9)
)


def crashed(fails: Callable[[Any], bool], n: int = 120, seed: int = 0) -> Any:
    play, rng = Rehearsal(SPACE), np.random.default_rng(seed)
    for params in SPACE.encoding.from_unit(rng.random((n, 4))):
        trial = play.add(params)
        if fails(params):
            play.end(trial, TrialState.FAILED)
        else:
            play.end(trial, value=params["x"])
    return play.history


def test_a_box_of_two_conditions_is_found() -> None:
    found = failures(crashed(lambda p: p["lr"] > 0.01 and p["kind"] == "b"), SPACE)
    assert found.region is not None
    lr, kind = found.region.conditions
    assert lr.startswith("lr >= 0.0")
    assert kind == "kind == 'b'"
    assert found.region.precision == found.region.recall == 1
    assert found.predictability > 0.9
    assert f"Where {found.region}, " in str(found)


@pytest.mark.parametrize(
    ("fails", "said"),
    [
        (lambda p: p["n"] >= 7, "n >= 7"),
        (lambda p: p["kind"] != "a", "kind != 'a'"),
        (lambda p: p["kind"] == "c", "kind == 'c'"),
    ],
)
def test_one_condition_is_enough_where_it_is(fails: Any, said: str) -> None:
    region = failures(crashed(fails), SPACE).region
    assert region is not None
    assert str(region) == said


def test_both_ends_of_a_number_make_a_box() -> None:
    region = failures(crashed(lambda p: -1 < p["x"] < 1, 300), SPACE).region
    assert region is not None
    assert {text.split()[1] for text in region.conditions} == {">=", "<="}
    assert region.precision == region.recall == 1


def test_luck_is_no_region() -> None:
    found = []
    for seed in range(60):
        luck = np.random.default_rng(seed)
        history = crashed(lambda p, luck=luck: luck.random() < 0.15, 80, seed)
        found.append(failures(history, SPACE))
    assert sum(f.region is not None for f in found) <= 2
    assert np.nanmean([f.predictability for f in found]) == pytest.approx(0.5, abs=0.1)
    assert sum("look for a cause outside of the space" in str(f) for f in found) > 40


def test_a_large_study_is_looked_at_in_parts_and_counted_in_full() -> None:
    region = failures(crashed(lambda p: p["x"] > 4, 7000), SPACE).region
    assert region is not None
    assert region.of > 600
    assert min(region.precision, region.recall) > 0.97


def test_a_machine_may_be_the_cause() -> None:
    play, rng = Rehearsal(SPACE), np.random.default_rng(0)
    for k, params in enumerate(SPACE.encoding.from_unit(rng.random((90, 4)))):
        trial = play.add(params)
        play._apply(replace(trial, worker=f"node{k % 3}/12:boot:1:2"))
        broken = k % 3 == 2 and k % 4 > 0
        play.end(trial, TrialState.FAILED if broken else TrialState.COMPLETE, value=1.0)
    region = failures(play.history, SPACE).region
    assert region is not None
    assert region.conditions == ("it ran on node2",)


def test_kinds_and_repeats() -> None:
    study = luthier.create_study(space=SPACE, seed=0)
    same = {"x": 0.0, "lr": 0.1, "kind": "a", "n": 3}
    for k in range(4):
        study.enqueue_trial(same if k < 2 else {**same, "n": 4})

    def objective(trial: Any) -> float:
        if trial.number in (0, 2, 3):
            raise ValueError(f"loss is {trial.number / 7} at 0x7f00{trial.number}")
        return float("inf") if trial.number == 4 else 1.0

    study.optimize(objective, n_trials=5)
    found = failures(study.history, SPACE)
    assert found.numbers == (0, 2, 3, 4)
    assert [(kind.text, kind.numbers) for kind in found.kinds] == [
        ("ValueError: loss is … at …", (0, 2, 3)),
        ("a value that isn't finite", (4,)),
    ]
    assert (found.flaky, found.settled) == (((0, 1),), 1)
    assert "failed one time and not another" in str(found)


def test_broken_constraints_have_regions_too() -> None:
    play = Rehearsal(
        SPACE, objective=Objective.of(metrics={"a": "minimize"}, constraints=["mb <= 4"])
    )
    rng = np.random.default_rng(0)
    for params in SPACE.encoding.from_unit(rng.random((60, 4))):
        play.end(play.add(params), metrics={"a": params["x"], "mb": float(params["n"])})
    found = failures(play.history, SPACE, what="infeasible")
    assert str(found.region) == "n >= 5"
    assert "broke the constraints" in str(found)
    assert not failures(play.history, SPACE).numbers


def test_all_or_none() -> None:
    assert "All did" in str(failures(crashed(lambda p: True), SPACE))
    assert str(failures(crashed(lambda p: False), SPACE)) == "None of 120 trials failed."
    with pytest.raises(ArgumentError, match="what must be 'failed' or 'infeasible'"):
        failures(crashed(lambda p: True), SPACE, what="slow")  # type: ignore[arg-type]
