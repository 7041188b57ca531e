from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from luthier.core.objective import Objective
from luthier.core.trial import TrialState
from luthier.errors import ArgumentError
from luthier.samplers import GA
from luthier.space import Categorical, Float, Int, Ordinal, Permutation, Space
from luthier.testing.rehearsal import Rehearsal

SQUARE = Space(x=Float(0, 1), y=Float(0, 1))
KINDS = ["plus", "generational", "steady", "ageing"]


def members(stage: Rehearsal, sampler: GA) -> list[int]:
    parents = sampler._parents(stage.history.space, stage.history)
    assert parents is not None
    return sorted(parents.members.numbers.tolist())


@pytest.mark.parametrize("replacement", KINDS)
@pytest.mark.parametrize("selection", ["tournament", "truncation"])
def test_it_closes_in_on_the_minimum(replacement: str, selection: str) -> None:
    def objective(p: Mapping[str, Any]) -> float:
        return float((p["x"] - 0.3) ** 2 + (p["y"] - 0.8) ** 2)

    sampler = GA(population=10, replacement=replacement, selection=selection)
    found = [min(Rehearsal(SQUARE, seed=s).optimise(sampler, objective, 150)) for s in range(3)]
    assert np.median(found) < 1e-3


@pytest.mark.parametrize("replacement", KINDS)
def test_conditions_categories_and_orders_together(replacement: str) -> None:
    space = Space(
        model=Categorical(["a", "b", "c"]),
        x=Float(0, 1, when={"model": "b"}),
        order=Permutation(list("uvwxyz")),
        n=Int(1, 50, log=True),
        size=Ordinal([1, 2, 4, 8]),
    )

    def objective(p: Mapping[str, Any]) -> float:
        branch = p["x"] if p["model"] == "b" else 0.9
        right = sum(item == "zyxwvu"[i] for i, item in enumerate(p["order"]))
        return float(branch + (6 - right) / 6 + np.log(p["n"]) / 4 + abs(p["size"] - 4) / 4)

    sampler = GA(population=15, replacement=replacement)
    found = [min(Rehearsal(space, seed=s).optimise(sampler, objective, 400)) for s in range(3)]
    assert np.median(found) < 0.65  # random search: about 1


def test_who_is_in_the_population() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0, 9.0, 8.0, 7.0, 0.0, 6.0]
    stage = Rehearsal(SQUARE)
    for value in values:
        stage.end(stage.add({"x": value / 10, "y": 0.5}), value=value)
    # "plus" knows two full generations: the last two trials don't count yet
    expected = {"plus": [1, 2, 3, 4], "steady": [1, 3, 4, 8], "ageing": [6, 7, 8, 9]}
    for replacement, numbers in expected.items():
        assert members(stage, GA(population=4, replacement=replacement)) == numbers
    assert members(stage, GA(population=4, replacement="generational", elite=1)) == [1, 4, 6, 7]
    assert members(stage, GA(population=4, replacement="generational", elite=0)) == [4, 5, 6, 7]
    assert members(stage, GA(population=4, replacement="generational", elite=9)) == [1, 2, 3, 4]


def test_failed_trials_are_worst_and_pruned_ones_little_better() -> None:
    stage = Rehearsal(SQUARE)
    ends = [TrialState.FAILED, TrialState.PRUNED, TrialState.COMPLETE, TrialState.FAILED]
    for k, end in enumerate(ends):
        stage.end(stage.add({"x": k / 10, "y": 0.5}), end, value=1e9)
    parents = GA(population=4)._parents(SQUARE, stage.history)
    assert parents is not None
    assert parents.members.numbers.tolist() == [2, 1, 0, 3]
    assert members(stage, GA(population=2)) == [1, 2]


def test_feasible_trials_come_first_then_the_least_violation() -> None:
    objective = Objective.of(metrics={"loss": "minimize"}, constraints=["loss >= 0.5"])
    stage = Rehearsal(SQUARE, objective=objective)
    stage.optimise(GA(population=10), lambda p: p["x"], 120)
    late = [t.params["x"] for t in stage.history.completed][-20:]
    assert np.median(late) == pytest.approx(0.5, abs=0.05)


def test_failures_teach() -> None:
    stage = Rehearsal(SQUARE)
    stage.optimise(
        GA(population=10), lambda p: float("nan") if p["x"] + p["y"] < 0.8 else p["x"] + p["y"], 150
    )
    last = [t.number for t in stage.history.failed if t.number >= 100]
    assert len(last) < 25


def test_a_slow_trial_blocks_nobody() -> None:
    for replacement in KINDS:
        sampler = GA(population=6, replacement=replacement)
        stage = Rehearsal(SQUARE)
        [slow] = stage.start(sampler)
        stage.optimise(sampler, lambda p: 1 + p["x"], 30)
        stage.end(slow, value=0.0)
        stage.optimise(sampler, lambda p: 1 + p["x"], 5)
        assert (slow.number in members(stage, sampler)) is True


def test_several_objectives_use_fronts() -> None:
    objective = Objective.of(directions=["minimize", "minimize"])
    for replacement in KINDS:
        sampler = GA(population=10, replacement=replacement)
        stage = Rehearsal(SQUARE, objective=objective)
        for _ in range(150):
            [trial] = stage.start(sampler)
            x, y = trial.params["x"], trial.params["y"]
            stage.end(trial, metrics={"value_0": x + y, "value_1": 1 - x + y})
        assert np.median([t.params["y"] for t in list(stage.history.completed)[-30:]]) < 0.1


def test_a_finite_space_is_searched_without_repeats() -> None:
    space = Space(a=Int(0, 5), b=Categorical(["u", "v"]), c=Int(0, 3))
    stage = Rehearsal(space)
    stage.optimise(GA(population=5), lambda p: p["a"] * p["c"], 48)
    assert len({space.key(t.params) for t in stage.history.completed}) == 48
    assert stage.propose(GA(population=5)) == []


@pytest.mark.parametrize(
    "setting",
    [
        {"replacement": "none"},
        {"elite": -1},
        {"selection": "best"},
        {"share": 0},
        {"population": 1},
    ],
)
def test_bad_settings_are_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(setting))):
        GA(**setting)
