from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import luthier
from luthier.core.objective import Objective
from luthier.core.trial import TrialState
from luthier.errors import ArgumentError
from luthier.samplers import DE
from luthier.samplers.evolution import differential_evolution as de
from luthier.space import Categorical, Float, Int, Permutation, Space
from luthier.testing.rehearsal import Rehearsal

CUBE = Space({f"x{i}": Float(0, 1) for i in range(4)})


def square(p: Mapping[str, Any]) -> float:
    return float(sum((x - 0.3) ** 2 for x in p.values()))


def slots(stage: Rehearsal, sampler: DE) -> de._Slots:
    found = sampler._slots(stage.history.space, stage.history)
    assert found is not None
    return found


def test_it_closes_in_on_the_minimum() -> None:
    found = [
        min(Rehearsal(CUBE, seed=s).optimise(DE(population=12), square, 500)) for s in range(3)
    ]
    assert np.median(found) < 1e-4  # random search: about 0.01


def test_mixed_and_conditional_spaces() -> None:
    space = Space(
        model=Categorical(["a", "b", "c"]),
        x=Float(0, 1, when={"model": "b"}),
        order=Permutation(list("uvwx")),
        n=Int(1, 50, log=True),
    )

    def objective(p: Mapping[str, Any]) -> float:
        branch = p["x"] if p["model"] == "b" else 0.9
        return float(branch + p["order"].index("x") / 3 + np.log(p["n"]) / 4)

    found = [min(Rehearsal(space, seed=s).optimise(DE(), objective, 400)) for s in range(3)]
    assert np.median(found) < 0.1


def test_a_better_child_takes_its_slot_and_teaches_its_rates() -> None:
    sampler = DE(population=4)
    stage = Rehearsal(CUBE)
    stage.optimise(sampler, square, 4)
    before = slots(stage, sampler)
    children = [stage.start(sampler)[0] for _ in range(4)]
    for k, child in enumerate(children):
        stage.end(child, value=-1.0 if k == 2 else 1e9)
    after = slots(stage, sampler)
    expected = before.members.numbers.tolist()
    expected[2] = children[2].number
    assert after.members.numbers.tolist() == expected
    assert after.memory[-1].tolist() == pytest.approx(
        [children[2].origin.data["F"], children[2].origin.data["CR"]]
    )
    assert after.archive.tolist() == before.members.X[[2]].tolist()


def test_the_memory_is_a_weighted_lehmer_mean() -> None:
    memory = de._learnt(np.full((6, 2), 0.5), np.array([[0.2, 0.0, 1.0], [0.8, 1.0, 3.0]]))
    assert memory.shape == (6, 2)
    assert memory[-1].tolist() == pytest.approx([(0.04 + 3 * 0.64) / (0.2 + 3 * 0.8), 1.0])
    assert de._learnt(memory, np.empty((0, 3))) is memory


def test_trials_of_others_replace_the_worst() -> None:
    sampler = DE(population=4)
    stage = Rehearsal(CUBE)
    for k in range(4):
        stage.end(stage.add({f"x{i}": k / 4 for i in range(4)}), value=float(k))
    for value in (0.5, 9.0, 0.6, 9.0):
        stage.end(stage.add({f"x{i}": 0.9 for i in range(4)}), value=value)
    assert sorted(slots(stage, sampler).members.Y[:, 0].tolist()) == [0.0, 0.5, 0.6, 1.0]


def test_a_slow_child_blocks_nobody_and_takes_its_slot_late() -> None:
    sampler = DE(population=4)
    stage = Rehearsal(CUBE)
    stage.optimise(sampler, square, 4)
    [slow] = stage.start(sampler)
    stage.optimise(sampler, square, 21)
    assert slots(stage, sampler).generation > 4
    stage.end(slow, value=-1.0)
    stage.optimise(sampler, square, 4)
    found = slots(stage, sampler)
    assert found.members.numbers[slow.origin.data["slot"]] == slow.number


def test_the_population_shrinks_as_planned() -> None:
    def study(sampler: DE) -> luthier.Study:
        study = luthier.create_study(space=CUBE, sampler=sampler, seed=0)
        study.optimize(lambda trial: square(trial.params), n_trials=200)
        assert study.replay().exact
        return study

    def last_slots(sampler: DE) -> set[int]:
        return {t.origin.data["slot"] for t in study(sampler).trials[-20:]}

    assert len(last_slots(DE(population=20))) < 8
    assert len(last_slots(DE(population=20, shrink=False))) == 20


def test_a_brood_is_recomputed_anywhere() -> None:
    stage = Rehearsal(CUBE)
    stage.optimise(DE(population=6), square, 50)
    before = stage.propose(DE(population=6), 8)
    de._GENERATIONS.forget()
    de._brood.cache_clear()
    assert stage.propose(DE(population=6), 8) == before


def test_failures_constraints_and_several_objectives() -> None:
    objective = Objective.of(metrics={"a": "minimize", "b": "maximize"}, constraints=["a >= 0.2"])
    stage = Rehearsal(CUBE, objective=objective)
    for _ in range(300):
        [trial] = stage.start(DE(population=10))
        p = trial.params
        if p["x2"] < 0.3:
            stage.end(trial, TrialState.FAILED)
        elif p["x3"] < 0.2:
            stage.end(trial, TrialState.PRUNED)
        else:
            stage.end(trial, metrics={"a": p["x0"] + p["x1"], "b": p["x0"] - p["x1"]})
    failed = [t for t in stage.history.failed if t.number >= 100]
    assert len(failed) < 45  # drawn at random: 60
    late = [t.params for t in stage.history.completed][-30:]
    assert np.median([p["x1"] for p in late]) < 0.15


def test_all_trials_failing_is_survived() -> None:
    stage = Rehearsal(CUBE)
    stage.optimise(DE(population=5), lambda _: float("nan"), 30)
    [proposal] = stage.propose(DE(population=5))
    assert CUBE.check(proposal.params) == proposal.params
    assert proposal.data["generation"] == 6


@pytest.mark.parametrize("n", [3, 5, 20])
def test_a_third_place_is_neither_of_two(n: int) -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(n, size=300)
    b = (a + rng.integers(1, n, size=300)) % n
    c = de._neither(a, b, n, rng)
    assert ((c != a) & (c != b) & (c >= 0) & (c < n)).all()
    assert set(c.tolist()) == set(range(n))


@pytest.mark.parametrize("setting", [{"population": 3}, {"best_share": 0}, {"shrink": 1}])
def test_bad_settings_are_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(setting))):
        DE(**setting)
