from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import luthier
from luthier.core.objective import Objective
from luthier.core.trial import TrialState
from luthier.errors import ArgumentError
from luthier.samplers import ES, SPSA
from luthier.samplers.evolution import descent
from luthier.space import Categorical, Float, Int, Normal, Ordinal, Permutation, Space
from luthier.testing.rehearsal import Rehearsal

CUBE = Space({f"x{i}": Float(0, 1) for i in range(10)})
BOTH = pytest.mark.parametrize("sampler", [SPSA(), ES()], ids=["spsa", "es"])
Sampler = SPSA | ES


def square(p: Mapping[str, Any]) -> float:
    return float(sum((x - 0.8) ** 2 for x in p.values()))


def state(stage: Rehearsal, sampler: Sampler) -> descent.Descent:
    return descent.descended(stage.history.space, stage.history, sampler._method)


@BOTH
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_it_finds_the_minimum_behind_noise_of_any_scale(sampler: Sampler, scale: float) -> None:
    found = []
    for seed in range(3):
        stage, noise = Rehearsal(CUBE, seed=seed), np.random.default_rng(seed)
        stage.optimise(sampler, lambda p, rng=noise: scale * (square(p) + 0.1 * rng.normal()), 600)
        found.append(square(sampler.recommend(CUBE, stage.history)))
    assert np.median(found) < 0.1  # 0.9 in the centre; random search's best trial: about 0.6


@BOTH
def test_a_pair_lies_on_both_sides_of_the_point(sampler: Sampler) -> None:
    stage = Rehearsal(CUBE)
    a, b = stage.propose(sampler, 2)
    middle = [(a.params[name] + b.params[name]) / 2 for name in CUBE]
    assert middle == pytest.approx([0.5] * 10)
    assert a.data[sampler._method.fact] == b.data[sampler._method.fact] == 0
    distance = [abs(a.params[name] - 0.5) for name in CUBE]
    if isinstance(sampler, SPSA):
        assert distance == pytest.approx([sampler.spread] * 10)
    else:
        assert 0.3 * sampler.spread < np.mean(distance) < 3 * sampler.spread


@pytest.mark.parametrize(("one", "other"), [(SPSA(), ES()), (ES(), SPSA())])
def test_the_pairs_of_another_method_do_not_count(one: Sampler, other: Sampler) -> None:
    stage = Rehearsal(CUBE)
    stage.optimise(one, square, 41)
    begun = state(stage, other)
    assert (begun.until, begun.step, len(begun.waiting)) == (41, 0, 0)
    first, second = stage.propose(other, 2)
    assert "one way from the point" in first.reason  # trial 40 waits for a partner of its own kind
    assert second.reason.endswith("opposite to trial 41")
    stage.optimise(other, square, 40)
    assert state(stage, other).step > 0
    assert state(stage, one).waiting.numbers.tolist() == [40]


@BOTH
def test_a_step_leads_away_from_the_worse_half(sampler: Sampler) -> None:
    pairs = sampler.pairs
    stage = Rehearsal(CUBE)
    trials = stage.start(sampler, 2 * pairs)
    for trial in trials:
        stage.end(trial, value=-1.0 if trial.number % 2 else 1.0)  # the second half is better
    x = np.array([list(trial.params.values()) for trial in trials])
    way = (x[1::2] - x[::2]).sum(axis=0)
    moved = state(stage, sampler).point - 0.5
    assert (np.sign(moved) == np.sign(way)).all()
    assert np.linalg.norm(moved) == pytest.approx(sampler.step * np.sqrt(pairs))


@BOTH
@pytest.mark.parametrize("state_of_worse", [TrialState.FAILED, TrialState.PRUNED])
def test_it_flees_from_crashes_and_pruned_trials(
    sampler: Sampler, state_of_worse: TrialState
) -> None:
    stage = Rehearsal(CUBE)
    for _ in range(300):
        [trial] = stage.start(sampler)
        if trial.params["x0"] > 0.3:
            stage.end(trial, state_of_worse)
        else:
            stage.end(trial, value=1.0)
    assert state(stage, sampler).point[0] < 0.3


@BOTH
def test_a_crash_counts_no_more_than_usual_differences(sampler: Sampler) -> None:
    stage = Rehearsal(CUBE)
    values = stage.optimise(sampler, lambda p: np.nan if p["x1"] < 0.45 else 1e-3 * square(p), 800)
    assert np.isnan(values).any()
    assert square(sampler.recommend(CUBE, stage.history)) < 0.05


@BOTH
def test_feasible_comes_first(sampler: Sampler) -> None:
    objective = Objective.of(metrics={"loss": "minimize"}, constraints=["mb <= 4"])
    stage = Rehearsal(CUBE, objective=objective)
    for _ in range(600):
        [trial] = stage.start(sampler)
        metrics = {"loss": square(trial.params), "mb": 10 * trial.params["x0"]}
        stage.end(trial, metrics=metrics)
    found = sampler.recommend(CUBE, stage.history)
    assert found["x0"] < 0.45
    assert found["x1"] > 0.65


@BOTH
def test_several_objectives_are_weighted_at_random(sampler: Sampler) -> None:
    stage = Rehearsal(CUBE, objective=Objective.of(directions=["minimize", "maximize"]))
    for _ in range(600):
        [trial] = stage.start(sampler)
        x = np.array(list(trial.params.values()))
        stage.end(trial, metrics={"value_0": ((x - 0.7) ** 2).sum(), "value_1": -x[0]})
    found = np.array(list(sampler.recommend(CUBE, stage.history).values()))
    assert abs(found[1:].mean() - 0.7) < 0.1
    assert found[0] < 0.65


@BOTH
def test_integers_orders_and_choices(sampler: Sampler) -> None:
    space = Space(
        x=Float(1e-4, 1, log=True),
        n=Int(1, 20),
        flag=Int(0, 1),
        size=Ordinal(["s", "m", "l"]),
        order=Permutation(list("abcd")),
        model=Categorical(["p", "q", "r"]),
        y=Float(0, 1, when={"model": "q"}),
    )

    def objective(p: Mapping[str, Any]) -> float:
        branch = abs(p["y"] - 0.3) if p["model"] == "q" else 1.0
        return float(
            branch
            + abs(np.log10(p["x"]) + 3) / 2
            + abs(p["n"] - 15) / 10
            + p["flag"]
            + ["l", "m", "s"].index(p["size"]) / 2
            + p["order"].index("d") / 3
        )

    found = []
    for seed in range(3):
        stage = Rehearsal(space, seed=seed)
        stage.optimise(sampler, objective, 1000)
        found.append(objective(sampler.recommend(space, stage.history)))
    assert np.median(found) < 0.5  # about 3 at random


@BOTH
def test_choices_alone_have_probabilities_that_learn(sampler: Sampler) -> None:
    space = Space({f"c{i}": Categorical(list("abc")) for i in range(12)})
    sampler = type(sampler)(allow_duplicates=True)
    stage, rng = Rehearsal(space), np.random.default_rng(0)
    stage.optimise(sampler, lambda p: sum(v != "b" for v in p.values()) + rng.normal(), 800)
    found = sampler.recommend(space, stage.history)
    assert sum(value == "b" for value in found.values()) >= 11


@BOTH
def test_it_begins_at_the_default_or_at_the_best_of_others(sampler: Sampler) -> None:
    space = Space(x=Float(0, 1, default=0.9), y=Float(0, 1, default=0.2))
    stage = Rehearsal(space)
    [first, *_] = stage.propose(sampler, 3)
    assert dict(first.params) == {"x": 0.9, "y": 0.2}
    assert state(stage, sampler).point.tolist() == pytest.approx([0.9, 0.2])
    for x in (0.3, 0.6, 0.4):
        stage.end(stage.add({"x": x, "y": 0.5}), value=x)
    stage.end(stage.add({"x": 0.1, "y": 0.5}), TrialState.FAILED)
    assert state(stage, sampler).point.tolist() == pytest.approx([0.3, 0.5])
    stage.optimise(sampler, lambda p: p["x"], 30)
    stage.end(stage.add({"x": 0.99, "y": 0.5}), value=-100.0)  # too late to begin there
    assert state(stage, sampler).point[0] < 0.5


def test_it_begins_where_the_prior_has_its_median() -> None:
    stage = Rehearsal(Space(x=Float(0, 10, prior=Normal(2, 0.5))))
    assert state(stage, SPSA()).point.tolist() == pytest.approx([0.2], abs=1e-5)


@BOTH
def test_a_slow_half_blocks_nobody_and_counts_when_it_ends(sampler: Sampler) -> None:
    stage = Rehearsal(CUBE)
    [slow] = stage.start(sampler)
    stage.optimise(sampler, square, 6 * sampler.pairs - 1)
    before = state(stage, sampler)
    assert before.step >= 1
    assert 1 in before.waiting.numbers  # its partner
    stage.end(slow, value=100.0)
    after = state(stage, sampler)
    assert after.step == before.step + 1
    assert 1 not in after.waiting.numbers


@BOTH
def test_many_workers_descend_too(sampler: Sampler) -> None:
    stage, rng = Rehearsal(CUBE), np.random.default_rng(0)
    running = stage.start(sampler, 8)
    for _ in range(500):
        trial = running.pop(int(rng.integers(len(running))))
        stage.end(trial, value=square(trial.params) + 0.1 * rng.normal())
        running += stage.start(sampler)
    assert square(sampler.recommend(CUBE, stage.history)) < 0.15
    assert len(state(stage, sampler).waiting) < 20


@BOTH
def test_it_is_recomputed_anywhere(sampler: Sampler) -> None:
    stage = Rehearsal(CUBE)
    stage.optimise(sampler, square, 61)
    before = stage.propose(sampler, 5), sampler.recommend(CUBE, stage.history)
    descent._GENERATIONS.forget()
    assert (stage.propose(sampler, 5), sampler.recommend(CUBE, stage.history)) == before


@BOTH
def test_a_study_ends_with_what_it_recommends_and_replays(sampler: Sampler) -> None:
    study = luthier.create_study(space=CUBE, sampler=sampler, seed=1)
    for n in (60, 61):
        study.optimize(lambda trial: square(trial.params), n_trials=n)
    last = study.trials[-1]
    assert last.origin.reason.endswith("the mean of the last points")
    assert square(last.params) < 0.5
    assert study.replay().exact


@BOTH
def test_define_by_run_begins_in_the_middle(sampler: Sampler) -> None:
    def objective(trial: luthier.Trial) -> float:
        return sum((trial.suggest_float(f"x{i}", 0, 1) - 0.8) ** 2 for i in range(10))

    study = luthier.create_study(sampler=sampler, seed=1)
    study.optimize(objective, n_trials=4)
    second, third = (np.array(list(t.params.values())) for t in study.trials[1:3])
    assert ((second + third) / 2).tolist() == pytest.approx([0.5] * 10)
    study.optimize(objective, n_trials=400)
    assert square(sampler.recommend(study.space, study.history)) < 0.1
    assert study.replay().exact


@BOTH
def test_relations_are_kept_close_to_an_edge(sampler: Sampler) -> None:
    space = CUBE.require("x0 + x1 + x2 <= 1.6")
    stage = Rehearsal(space)
    stage.optimise(sampler, square, 600)
    paired = [t for t in stage.history.completed if sampler._method.fact in t.origin.data]
    assert len(paired) > 450
    found = sampler.recommend(space, stage.history)
    assert sum(found[f"x{i}"] for i in range(3)) > 1.3


@BOTH
def test_where_all_is_tried_around_it_draws_elsewhere(sampler: Sampler) -> None:
    stage = Rehearsal(Space(n=Int(1, 40)))
    values = stage.optimise(sampler, lambda p: abs(p["n"] - 30.0), 40)
    assert sorted(t.params["n"] for t in stage.history.completed) == list(range(1, 41))
    assert len(values) == 40
    drawn = [t for t in stage.history.completed if t.origin.data == {sampler._method.fact: -1}]
    assert drawn
    assert all(t.origin.reason.startswith("drawn at random") for t in drawn)
    assert state(stage, sampler).point[0] > 0.5


@pytest.mark.parametrize(
    "setting", [{"pairs": 0}, {"pairs": 1.5}, {"step": 0}, {"spread": 0}, {"spread": 0.6}]
)
@pytest.mark.parametrize("kind", [SPSA, ES])
def test_settings_are_checked(kind: type[SPSA | ES], setting: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(setting))):
        kind(**setting)
