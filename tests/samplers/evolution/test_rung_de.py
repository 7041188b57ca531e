"""A population on every rung: who holds its slots, and whose children are made for it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import luthier
from luthier.core.objective import Objective
from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import ArgumentError
from luthier.samplers import RungDE
from luthier.space import Categorical, Float, Int, Permutation, Space
from luthier.testing import Training, simulate
from luthier.testing.rehearsal import Rehearsal

LINE = Space(x=Float(0, 1))
PAIR = RungDE([(4, 1), (4, 3)])


def reached(stage: Rehearsal, curve: list[float], sampler: RungDE = PAIR) -> FrozenTrial:
    """A trial of the sampler's that has paused after some steps with these values."""
    return paused(stage, stage.start(sampler)[0], curve)


def paused(stage: Rehearsal, trial: FrozenTrial, curve: list[float]) -> FrozenTrial:
    for step, value in enumerate(curve, start=1):
        trial = stage.report(trial, step, {"value": value})
    return stage.end(trial, TrialState.PAUSED, params=trial.params, cost=1.0)


def occupants(stage: Rehearsal, rung: int, sampler: RungDE = PAIR) -> list[int] | None:
    found = sampler._occupants(stage.history, rung)
    return None if found is None else found.numbers.tolist()


def test_trials_are_dealt_to_rungs_by_number() -> None:
    sampler = RungDE([(9, 1), (5, 3), (3, 9)])
    assert [sampler._place(n) for n in (0, 8, 9, 13, 14, 16, 17, 17 + 9)] == [
        (1, 0),
        (1, 8),
        (3, 0),
        (3, 4),
        (9, 0),
        (9, 2),
        (1, 9),
        (3, 5),
    ]


def test_a_rung_is_spread_over_the_space_until_its_slots_are_filled() -> None:
    stage = Rehearsal(LINE)
    first = [reached(stage, [float(k)]) for k in range(4)]
    assert all("DEHB" not in trial.origin.reason for trial in first)
    assert (occupants(stage, 1), occupants(stage, 3)) == ([0, 1, 2, 3], None)
    # 4 .. 7 are made for step 3, where nobody has been; 8 is the first child, for slot 0 of step 1
    rest = [reached(stage, [9.0, 9.0, float(k)]) for k in range(4)]
    assert all("DEHB" not in trial.origin.reason for trial in rest)
    child = reached(stage, [-1.0])
    assert child.origin.data["rung"] == 1
    assert child.origin.data["slot"] == 0
    assert child.origin.data["parents"][0] == 0
    assert child.origin.reason.startswith("DEHB at step 1: trial 0 crossed with a mutant of trials")


def test_a_child_takes_its_slot_if_it_is_no_worse() -> None:
    stage = Rehearsal(LINE)
    for k in range(8):
        reached(stage, [float(k)] if k < 4 else [9.0, 9.0, float(k)])
    better, equal, worse = (reached(stage, [value]) for value in (-1.0, 1.0, 2.5))
    assert [t.origin.data["slot"] for t in (better, equal, worse)] == [0, 1, 2]
    assert occupants(stage, 1) == [8, 9, 2, 3]


def test_who_is_promoted_competes_with_the_worst() -> None:
    stage = Rehearsal(LINE)
    for k in range(8):
        reached(stage, [float(k)] if k < 4 else [9.0, 9.0, float(k)])
    assert occupants(stage, 3) == [4, 5, 6, 7]
    reached(stage, [-1.0, -1.0, -1.0])  # a child of step 1, promoted: its slot 0 there says nothing
    assert occupants(stage, 3) == [4, 5, 6, 8]
    reached(stage, [-1.0, -1.0, 6.5])
    assert occupants(stage, 3) == [4, 5, 6, 8]


def test_settled_competitions_are_those_of_all_trials_anew() -> None:
    stage, values = Rehearsal(LINE), np.random.default_rng(0).random((90, 3)).tolist()
    for curve in values:
        reached(stage, curve)
        anew = stage.history.where(lambda _: True)
        for sampler, rung in itertools.product((PAIR, RungDE([(6, 1), (6, 3)])), (1, 3)):
            there, again = (sampler._occupants(h, rung) for h in (stage.history, anew))
            if there is not None and again is not None:
                assert there.numbers.tolist() == again.numbers.tolist()
    assert occupants(stage, 1) != [0, 1, 2, 3]


def test_parents_are_the_best_of_the_rung_below() -> None:
    sampler = RungDE([(8, 1), (4, 3)])
    stage = Rehearsal(LINE)
    for k in range(12):
        reached(stage, [float(k)] if k < 8 else [9.0, 9.0, float(k)], sampler)
    for _ in range(8):
        reached(stage, [100.0], sampler)
    children = [reached(stage, [100.0, 100.0, 100.0], sampler) for _ in range(4)]
    assert [t.origin.data["parents"][0] for t in children] == [8, 9, 10, 11]
    assert {n for t in children for n in t.origin.data["parents"][1:]} == {0, 1, 2, 3}


def test_failed_trials_hold_no_slot_and_others_go_on() -> None:
    stage = Rehearsal(LINE)
    for k in range(16):
        [trial] = stage.start(PAIR)
        if k % 4 == 1:
            stage.end(trial, TrialState.FAILED)
        else:
            paused(stage, trial, [float(k)] * 3)
    found = occupants(stage, 1)
    assert found is not None
    assert not {1, 5, 9, 13} & set(found)
    assert "DEHB" in stage.propose(PAIR)[0].reason


def test_constraints_and_several_objectives() -> None:
    bounded = Objective.of(metrics={"value": "minimize"}, constraints=["size <= 1"])
    stage = Rehearsal(LINE, objective=bounded)
    for size in (3.0, 2.0, 1.0, 0.5, 4.0, 4.0, 4.0, 4.0):
        trial = stage.report(stage.start(PAIR)[0], 1, {"value": -size, "size": size})
        stage.end(trial, TrialState.PAUSED, cost=1.0)
    assert occupants(stage, 1) == [0, 1, 2, 3]
    both = Objective.of(metrics={"a": "minimize", "b": "minimize"})
    stage = Rehearsal(LINE, objective=both)
    for a in (3.0, 2.0, 1.0, 0.0, 9.0, 0.5, 0.5, 0.5):
        trial = stage.report(stage.start(PAIR)[0], 1, {"a": a, "b": a})
        stage.end(trial, TrialState.PAUSED, cost=1.0)
    found = occupants(stage, 1)
    assert found is not None
    assert 3 in found
    assert 4 not in found


@pytest.mark.parametrize("slots", [1, 4])
def test_mixed_conditional_spaces_in_parallel_are_searched_and_replayed(slots: int) -> None:
    space = Space(
        model=Categorical(["a", "b", "c"]),
        x=Float(0, 1, when={"model": "b"}),
        order=Permutation(list("uvw")),
        n=Int(1, 50, log=True),
    )
    study = luthier.create_study(space=space, strategy=luthier.dehb(9), seed=1)

    def curve(params: Mapping[str, Any]) -> Training:
        branch = params["x"] if params["model"] == "b" else 0.9
        end = branch + params["order"].index("w") / 3 + np.log(params["n"]) / 4
        return Training([end + 1 / step for step in range(1, 10)])

    simulate(study, curve, workers=slots, n_trials=60)
    made = [trial for trial in study.trials if "DEHB" in trial.origin.reason]
    assert len(made) > 20
    assert {trial.origin.data["rung"] for trial in made} == {1, 3, 9}
    assert study.best_value < 1.0
    assert study.replay().exact


def test_finite_spaces_get_no_duplicates() -> None:
    space = Space(a=Int(1, 5), b=Categorical(["x", "y", "z"]))
    study = luthier.create_study(space=space, strategy=luthier.dehb(4, eta=2), seed=0)
    study.optimize(lambda trial: trial.params["a"] + 1 / trial.budget, n_trials=40)
    assert len({tuple(trial.params.items()) for trial in study.trials}) == len(study.trials) == 15


def test_it_closes_in_on_the_minimum() -> None:
    space = Space({f"x{i}": Float(0, 1) for i in range(4)})

    def best(pair: Any, seed: int) -> float:
        study = luthier.create_study(space=space, strategy=pair, seed=seed)
        study.optimize(
            lambda t: sum((x - 0.3) ** 2 for x in t.params.values()) + 1 / t.budget, n_trials=140
        )
        return study.best_value - 1 / 9

    found = [best(luthier.dehb(9), seed) for seed in range(3)]
    random = [best(luthier.bohb(9, sampler="random"), seed) for seed in range(3)]
    assert np.median(found) < np.median(random) / 2


@pytest.mark.parametrize("starts", [[], [(4, 1), (4, 1)], [(0, 1)], [(4, 0.5)], [3], "no", 7])
def test_what_makes_no_sense(starts: Any) -> None:
    with pytest.raises(ArgumentError, match="RungDE: starts must be pairs"):
        RungDE(starts)
