from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import luthier
from luthier.core.objective import Objective
from luthier.core.trial import TrialState
from luthier.samplers import Auto
from luthier.samplers.auto.bandit import METHOD, drawn, records
from luthier.samplers.auto.price import CHEAPEST, allowance, prices, share
from luthier.samplers.auto.sampler import _cheap
from luthier.samplers.auto.situation import Situation, situation_of
from luthier.samplers.evolution.cmaes import _GENERATIONS
from luthier.space import Categorical, Float, Int, Space
from luthier.testing.rehearsal import Rehearsal

SQUARE = Space(x=Float(0, 1), y=Float(0, 1))
METHODS = ("gp", "tpe", "forest")


def played(space: Space, n: int, *, seed: int = 0) -> Rehearsal:
    """A study of Auto's on a parabola."""
    play = Rehearsal(space, seed=seed)
    for _ in range(n):
        [trial] = play.start(Auto())
        play.end(trial, value=sum((float(v) - 0.3) ** 2 for v in trial.params.values()))
    return play


def situation(**given: object) -> Situation:
    return replace(situation_of(SQUARE, Rehearsal(SQUARE).history), **given)


def test_it_starts_in_the_middle_and_goes_on_with_a_model() -> None:
    trials = list(played(SQUARE, 8).history.completed)
    assert dict(trials[0].params) == {"x": 0.5, "y": 0.5}
    assert trials[0].origin.reason == "auto: start: the middle of the space"
    assert "on GP" in trials[7].origin.reason
    assert {t.origin.data[METHOD] for t in trials} == {"gp"}


def test_it_closes_in_on_the_minimum() -> None:
    assert played(SQUARE, 25).history.Y.min() < 1e-4


def test_after_forty_trials_others_have_their_turn() -> None:
    play = played(Space(x=Float(0, 1), y=Float(0, 1), z=Float(0, 1)), 90)
    methods = Counter(t.origin.data[METHOD] for t in play.history.completed[40:])
    assert set(methods) == set(METHODS)


def test_few_configurations_are_all_tried_and_the_best_is_found() -> None:
    space = Space(a=Int(1, 6), b=Categorical(["p", "q"]), c=Float(0, 1, step=1 / 3))

    def objective(trial: luthier.Trial) -> float:
        return abs(trial.params["a"] - 5) + (trial.params["b"] == "p") + trial.params["c"]

    study = luthier.create_study(space=space, seed=1)
    study.optimize(objective, n_trials=48)
    assert len({space.key(t.params) for t in study.trials}) == len(study.trials) == 48
    assert study.best_params == {"a": 5, "b": "q", "c": 0.0}
    assert study.history.planned == 48
    assert "All 48 configurations will be tried" in study.explain_strategy()
    assert Auto().suggest(space, study.history, 1, np.random.default_rng(0)) == []


def test_time_is_a_budget_of_trials() -> None:
    space = Space(a=Int(1, 6), b=Int(1, 5))
    play = Rehearsal(space)
    play._ledger.put_state({"planned_cost": 90.0}, 1)
    assert situation_of(space, play.history).affordable is None  # nobody knows what a trial costs
    assert "likely" not in Auto().explain(space, play.history)
    for cost in (2.0, 3.0, 10.0):
        [trial] = play.start(Auto())
        play.end(trial, value=1.0, cost=cost)
    now = situation_of(space, play.history)
    assert now.affordable == now.budget == 3 + 25  # 90 - 15 seconds are left, for 3 seconds each
    text = Auto().explain(space, play.history)
    assert "about 28 likely in all in the time there is" in text
    assert "will be tried" not in text  # of 30
    assert replace(now, planned=20).budget == 20
    assert replace(now, affordable=None).budget is None
    play._ledger.put_state({"planned_cost": 96.0}, play.history.version + 1)
    assert "All 30 configurations will be tried" in Auto().explain(space, play.history)
    play._ledger.put_state({"planned_cost": 1.0}, play.history.version + 1)
    assert situation_of(space, play.history).affordable == 3


def test_what_time_allows_never_changes_a_proposal() -> None:
    play = played(SQUARE, 45)
    before = play.propose(Auto())
    play._ledger.put_state({"planned_cost": 1.0}, play.history.version)
    assert play.propose(Auto()) == before


def test_very_few_configurations_come_in_random_order() -> None:
    space = Space(a=Int(1, 5), b=Categorical(["p", "q"], when={"a": [1, 2]})).forbid(
        {"a": 1, "b": "q"}
    )
    play = Rehearsal(space)
    trials = play.start(Auto(), 10)
    assert len({space.key(t.params) for t in trials}) == len(trials) == 6
    assert trials[0].origin.reason.startswith("auto: grid cell ")
    assert "All 6 configurations are tried" in Auto().explain(space, play.history)


def test_a_crashed_configuration_of_very_few_comes_again() -> None:
    play = Rehearsal(Space(a=Int(1, 3)))
    for trial in play.start(Auto(), 3):
        play.end(trial, TrialState.FAILED if trial.number == 1 else TrialState.COMPLETE)
    assert [dict(p.params) for p in play.propose(Auto(), 3)] == [play.history.failed[0].params]


def test_it_goes_on_where_duplicates_are_allowed() -> None:
    play = Rehearsal(Space(a=Int(1, 20)))
    assert len(play.propose(Auto(), 25)) == 20
    assert len(play.propose(Auto(allow_duplicates=True), 25)) == 25


def test_an_unknown_space() -> None:
    play = Rehearsal(Space())
    assert [p.params for p in play.propose(Auto(), 2)] == [{}, {}]
    assert "isn't known yet" in Auto().explain(Space(), play.history)


def test_proposals_of_one_batch_differ() -> None:
    play = played(SQUARE, 10)
    points = [tuple(p.params.values()) for p in play.propose(Auto(), 8)]
    assert (
        min(np.abs(np.subtract(a, b)).max() for i, a in enumerate(points) for b in points[:i])
        > 1e-4
    )


@pytest.mark.parametrize(("seconds", "limit"), [(0.0, 5), (0.25, 5), (1, 20), (64, 1280)])
def test_a_proposal_may_cost_a_fiftieth_of_a_trial(seconds: float, limit: float) -> None:
    assert allowance(situation(seconds=seconds)) == limit


def test_cheap_trials_get_cheap_proposals() -> None:
    for n in (0, 50, 100, 200, 400, 1000, 10_000, 100_000):
        now = situation(n_points=n, width=10)
        part, price = share(now, "gp"), prices(now)["gp"]
        assert (n > 150) == (part < 1)
        if part < 1:
            assert part * price + (1 - part) * CHEAPEST <= allowance(now) * 1.001
        assert share(replace(now, seconds=16.0), "gp") == 1.0


def wide(n: int, *, d: int = 10, seed: int = 0, **options: object) -> Rehearsal:
    """Trials of another sampler, each of no time."""
    space = Space({f"x{i}": Float(-1, 1, **options) for i in range(d)})  # type: ignore[arg-type]
    play = Rehearsal(space, seed=seed)
    for x in np.random.default_rng(seed).uniform(-1, 1, (n, d)).round(1):
        trial = play.add({f"x{i}": float(v) for i, v in enumerate(x)})
        play.end(trial, value=float(np.square(x).sum()))
    return play


def methods_of(play: Rehearsal, n: int) -> Counter[str]:
    found = []
    for _ in range(n):
        [trial] = play.start(Auto())
        play.end(trial, value=sum(float(v) ** 2 for v in trial.params.values()))
        found.append(trial.origin.data[METHOD])
    return Counter(found)


def test_late_in_many_numbers_cma_es_makes_the_cheap_proposals() -> None:
    play = wide(292)
    early = methods_of(play, 8)
    assert early["tpe"] > 0 == early["cmaes"]
    assert "and TPE the others" in Auto().explain(play.history.space, wide(292).history)
    late = methods_of(play, 40)
    assert late["cmaes"] > 10
    assert late["gp"] + late["forest"] > 0
    drawn = [t for t in play.history.completed if t.origin.data.get(METHOD) == "cmaes"]
    assert drawn[0].origin.reason.startswith("auto: CMA-ES: generation 0 of 12 trials")
    assert {t.origin.data["generation"] for t in drawn} > {0}
    text = Auto().explain(play.history.space, play.history)
    assert "and CMA-ES the others" in text
    assert "gets further than TPE" in text
    assert f"CMA-ES: {late['cmaes']} of the latest trials" in text


def test_what_isn_t_many_plain_numbers_is_left_to_tpe() -> None:
    now = situation(n_points=500, width=10, n_completed=500)
    assert _cheap(now) == "cmaes"
    others: list[dict[str, object]] = [
        {"width": 9},
        {"n_points": 299},
        {"continuous": False},
        {"conditional": True},
        {"n_hurdles": 1},
        {"n_objectives": 2},
    ]
    for other in others:
        assert _cheap(replace(now, **other)) == "tpe"
    assert not situation_of(wide(0, step=0.1).history.space, wide(0).history).continuous
    assert not situation_of(Space(a=Int(1, 9)), Rehearsal(SQUARE).history).continuous


def test_a_resumed_study_goes_on_with_cma_es_as_if_it_had_never_stopped() -> None:
    play = wide(300)
    methods_of(play, 30)
    before = play.propose(Auto(), 4)
    _GENERATIONS.forget()
    assert play.propose(Auto(), 4) == before


def test_the_cost_of_a_trial_is_a_power_of_four_below_the_median() -> None:
    play = Rehearsal(SQUARE)
    for trial, cost in zip(play.start(Auto(), 3), (0.1, 5.0, 80.0), strict=True):
        play.end(trial, value=1.0, cost=cost)
    assert situation_of(SQUARE, play.history).seconds == 4.0


def test_methods_are_credited_with_what_they_improve() -> None:
    play = Rehearsal(SQUARE)
    values = [9.0, 8.0, 8.5, 4.0, 8.0, 3.999]
    methods = ["gp", "tpe", "tpe", "gp", "forest", "forest"]
    for value, method in zip(values, methods, strict=True):
        [proposal] = play.propose(Auto())
        trial = play.add(proposal.params, proposal=replace(proposal, data={METHOD: method}))
        play.end(trial, value=value)
    found = records(play.history, dict.fromkeys(METHODS))
    assert found["gp"] == (1.0, 1)  # the first trial improves on nothing
    assert found["tpe"] == (1.0, 2)
    hits, n = found["forest"]
    assert n == 2
    assert 0 < hits < 0.02


def test_improvements_count_among_feasible_trials_only() -> None:
    play = Rehearsal(SQUARE, objective=Objective.of(constraints=["size <= 1"]))
    for value, size in ((5.0, 2.0), (4.0, 2.0), (9.0, 0.5), (3.0, 2.0), (8.0, 0.5)):
        [trial] = play.start(Auto())
        play.end(trial, metrics={"value": value, "size": size})
    hits, n = records(play.history, {"gp": None})["gp"]
    assert (hits, n) == (2.0, 4)


def test_the_method_that_improves_gets_most_trials() -> None:
    rng = np.random.default_rng(0)
    found = {"gp": (1.0, 40), "tpe": (12.0, 20), "forest": (0.0, 4)}
    priors = {"gp": (3, 6), "tpe": (1, 8), "forest": (1, 12)}
    counts = Counter(drawn(found, priors, rng) for _ in range(200))
    assert counts["tpe"] > 150


def test_several_objectives_are_the_gaussian_process_s() -> None:
    play = Rehearsal(SQUARE, objective=Objective.of(metrics={"a": "minimize", "b": "minimize"}))
    for _ in range(48):
        [trial] = play.start(Auto())
        x, y = trial.params.values()
        play.end(trial, metrics={"a": x + y * y, "b": (1 - x) ** 2 + y}, cost=9.0)
    assert {t.origin.data[METHOD] for t in play.history.completed} == {"gp"}
    text = Auto().explain(SQUARE, play.history)
    assert "2 objectives" in text
    assert "With several objectives the Gaussian process is chosen" in text
    assert "of the latest trials" not in text


def test_it_explains_itself() -> None:
    text = Auto().explain(SQUARE, played(SQUARE, 45).history)
    assert "2 numbers and 0 choices, without conditions; 45 completed trials" in text
    assert "A proposal may cost 5 ms" in text
    assert "Gaussian process: " in text


def test_other_samplers_are_explained_by_their_latest_trial() -> None:
    study = luthier.create_study(space=SQUARE, strategy="sobol", seed=1)
    study.optimize(lambda trial: trial.params["x"], n_trials=3)
    assert 'The latest trial, 2, was made by "sobol point 2".' in study.explain_strategy()


@pytest.mark.parametrize("objectives", [1, 2])
def test_defaults_come_first_whatever_a_proposal_costs(objectives: int) -> None:
    wide = Space({f"x{i}": Float(0, 1, default=0.3) for i in range(100)})
    metrics = {f"m{k}": "minimize" for k in range(objectives)}
    for seed in range(8):
        play = Rehearsal(wide, seed=seed, objective=Objective.of(metrics=metrics))
        [first, second] = play.propose(Auto(), 2)
        assert set(first.params.values()) == {0.3}
        assert "sobol" in second.reason


def test_failures_constraints_and_objectives_make_a_proposal_dearer() -> None:
    plain = prices(situation(n_points=100))["gp"]
    assert prices(situation(n_points=100, n_hurdles=2))["gp"] > 2 * plain
    by_objectives = [prices(situation(n_points=100, n_objectives=k))["gp"] for k in (2, 3, 4)]
    assert 2 * plain < by_objectives[0] < by_objectives[1] < by_objectives[2]


def test_huge_spaces_with_relations_are_not_gone_through() -> None:
    space = Space({f"i{k}": Int(0, 9) for k in range(12)}).require("i0 * i11 >= 64")
    play = played(space, 6)
    assert all(space.allows(dict(t.params)) for t in play.history.completed)
    assert situation_of(space, play.history).size is None
