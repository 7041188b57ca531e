from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from luthier.core.objective import Objective
from luthier.core.trial import TrialState
from luthier.numerics.acquisition import ACQUISITIONS as NAMES
from luthier.samplers import Forest
from luthier.space import Categorical, Float, Int, Normal, Permutation, Space
from luthier.testing.rehearsal import Rehearsal

SQUARE = Space(x=Float(0, 1), y=Float(0, 1))


def test_it_closes_in_on_the_minimum() -> None:
    def objective(p: dict[str, Any]) -> float:
        return (p["x"] - 0.3) ** 2 + (p["y"] - 0.8) ** 2  # type: ignore[no-any-return]

    for seed in range(3):
        assert min(Rehearsal(SQUARE, seed=seed).optimise(Forest(), objective, 40)) < 0.01


@pytest.mark.parametrize("acquisition", ["logei", "ei", "ucb", "pi"])
def test_each_acquisition_closes_in_on_the_minimum(acquisition: Any) -> None:
    sampler = Forest(acquisition=acquisition, explore=0.0)
    play = Rehearsal(SQUARE, seed=1)
    values = play.optimise(sampler, lambda p: (p["x"] - 0.3) ** 2 + (p["y"] - 0.8) ** 2, 40)
    assert min(values) < 0.02
    assert (
        play.history.completed[39].origin.reason == f"{NAMES[acquisition]} on 16 trees, 39 points"
    )


def test_both_names_of_expected_improvement_are_the_same_and_others_are_not() -> None:
    play = Rehearsal(SQUARE)
    play.optimise(Forest(), lambda p: p["x"] + abs(p["y"] - 0.6), 20)

    def first(**settings: Any) -> dict[str, float]:
        return dict(play.propose(Forest(explore=0.0, **settings))[0].params)

    assert first() == first(acquisition="ei")
    found = [first(acquisition=name, kappa=3.0) for name in ("logei", "ucb", "pi")]
    assert len({tuple(params.values()) for params in found}) == 3


def test_a_larger_kappa_looks_further_from_the_best() -> None:
    def distance(kappa: float) -> float:
        found = []
        for seed in range(6):
            play = Rehearsal(SQUARE, seed=seed)
            play.optimise(Forest(), lambda p: (p["x"] - 0.3) ** 2 + (p["y"] - 0.8) ** 2, 30)
            best = play.history.completed[play.history.best(1)[0]].params
            sampler = Forest(acquisition="ucb", kappa=kappa, explore=0.0)
            near = play.propose(sampler)[0].params
            found.append(abs(near["x"] - best["x"]) + abs(near["y"] - best["y"]))
        return float(np.median(found))

    assert distance(0.0) < distance(10.0)


@pytest.mark.parametrize("acquisition", ["logei", "ei", "ucb", "pi"])
def test_acquisitions_of_several_objectives(acquisition: Any) -> None:
    two = Objective.of(metrics={"a": "minimize", "b": "minimize"})
    play = Rehearsal(SQUARE, objective=two)
    for _ in range(16):
        [trial] = play.start(Forest(acquisition=acquisition, explore=0.0))
        x, y = trial.params["x"], trial.params["y"]
        play.end(trial, metrics={"a": x + y * y, "b": (1 - x) ** 2 + y})
    reason = play.history.completed[15].origin.reason
    expected = {"ucb": "optimistic improvement of the front on 2", "pi": "PI on 16 trees of "}
    assert reason.startswith(expected.get(acquisition, "improvement of the front on 2"))
    assert play.history.Y[8:, 1].min() < 0.5


def test_conditions_categories_and_orders_together() -> None:
    space = Space(
        model=Categorical(["a", "b", "c"]),
        x=Float(0, 1, when={"model": "b"}),
        order=Permutation(list("uvw")),
        n=Int(1, 9),
    )

    def objective(p: dict[str, Any]) -> float:
        branch = p["x"] if p["model"] == "b" else 0.7
        return float(branch + p["order"].index("w") + 0.1 * p["n"])

    for seed in range(3):
        assert min(Rehearsal(space, seed=seed).optimise(Forest(), objective, 50)) < 0.4


def test_failures_teach() -> None:
    counts = []
    for seed in range(3):
        play = Rehearsal(SQUARE, seed=seed)
        for _ in range(60):
            [trial] = play.start(Forest())
            total = trial.params["x"] + trial.params["y"]
            if total < 0.8:
                play.end(trial, TrialState.FAILED)
            else:
                play.end(trial, value=total)
        counts.append(len(play.history.failed))
    assert np.median(counts) <= 30
    assert "failures" in play.start(Forest(explore=0))[0].origin.reason


def test_reasons_and_pending_trials() -> None:
    play = Rehearsal(SQUARE)
    play.optimise(Forest(), lambda p: p["x"], 10)
    proposals = play.propose(Forest(n_trees=5, explore=0), 3)
    assert proposals[0].reason == "LogEI on 5 trees, 10 points"
    assert proposals[1].reason == "LogEI on 5 trees, 10 points, 1 running"
    assert proposals[2].reason == "LogEI on 5 trees, 10 points, 2 running"
    assert len({p.params["x"] for p in proposals}) == 3


def test_the_default_comes_first() -> None:
    [trial] = Rehearsal(Space(x=Float(0, 1, default=0.3))).start(Forest())
    assert trial.params == {"x": 0.3}
    assert trial.origin.reason == "the user's defaults"


def test_beliefs_guide_the_search_and_fade() -> None:
    def late(prior: Normal | None) -> list[float]:
        found = []
        for seed in range(3):
            play = Rehearsal(Space(x=Float(0, 1, prior=prior), y=Float(0, 1)), seed=seed)
            play.optimise(Forest(), lambda p: 0.0 if p["y"] < 2 else 1.0, 24)
            found += [t.params["x"] for t in play.history.completed][12:]
        return found

    narrow = Normal(0.2, 0.05)
    assert np.median(np.abs(np.array(late(narrow)) - 0.2)) < 0.1
    assert np.median(np.abs(np.array(late(None)) - 0.2)) > 0.15
    wrong = Rehearsal(Space(x=Float(0, 1, prior=narrow), y=Float(0, 1)))
    values = wrong.optimise(Forest(), lambda p: abs(p["x"] - 0.6) + p["y"] / 10, 60)
    assert min(values[-20:]) < 0.1


def test_infeasible_trials_are_left_for_feasible_ones() -> None:
    objective = Objective.of(metrics={"loss": "minimize"}, constraints=["loss >= 0.5"])
    for seed in range(2):
        play = Rehearsal(Space(x=Float(0, 1), y=Float(0, 1)), seed=seed, objective=objective)
        late = np.array(play.optimise(Forest(), lambda p: p["x"], 50)[25:])
        assert (late >= 0.5).mean() > 0.6
        assert late[late >= 0.5].min() < 0.52
    assert "infeasible" in play.propose(Forest(explore=0))[0].reason


def test_a_forest_sees_a_bounded_number_of_trials() -> None:
    from luthier.core.evidence import evidence_of
    from luthier.samplers.forest import _kept

    play = Rehearsal(Space(x=Float(0, 1)))
    for k in range(700):
        play.end(play.add({"x": k / 700}), value=float(k))
    none = np.zeros(700, dtype=bool)
    kept = _kept(evidence_of(play.history, none, np.random.default_rng(0)), 700)
    assert len(kept) == len(set(kept)) == 400
    assert set(range(160)) < set(kept)
    assert max(np.diff(np.sort(kept))) <= 3


def test_a_forest_is_grown_anew_only_now_and_then() -> None:
    from luthier.samplers.forest import _grown

    play = Rehearsal(Space(x=Float(0, 1)))
    for k in range(1100):
        play.end(play.add({"x": k / 1100}), value=float(k % 7))
    _grown.cache_clear()
    play.optimise(Forest(n_trees=2, explore=0.0), lambda p: p["x"], 20)
    assert _grown.cache_info().misses <= 6


def test_integers_are_judged_where_they_will_be_tried() -> None:
    from luthier.samplers.forest import _active

    space = Space(n=Int(1, 4), k=Int(1, 100, log=True), x=Float(0, 1))
    rows = _active(space, np.random.default_rng(0).random((50, 3)))
    decoded = space.encoding.decode(rows)
    assert space.encoding.decode(space.encoding.encode(decoded)) == decoded
    assert set(rows[:, 0]) == {0.125, 0.375, 0.625, 0.875}
    assert len(set(rows[:, 2])) == 50


def test_several_objectives_constraints_and_pruned_trials() -> None:
    objective = Objective.of(metrics={"a": "minimize", "b": "maximize"}, constraints=["a <= 0.5"])
    play = Rehearsal(SQUARE, objective=objective)
    for k in range(30):
        [trial] = play.start(Forest())
        state = TrialState.PRUNED if k % 5 == 4 else TrialState.COMPLETE
        play.end(trial, state, value=trial.params["x"])
    late = [t.params["x"] for t in play.history.completed][-12:]
    assert np.mean(np.array(late) <= 0.5) > 0.5


def test_a_finite_space_is_searched_without_repeats() -> None:
    space = Space(a=Int(0, 5), b=Categorical(["u", "v"]), c=Int(0, 3))
    play = Rehearsal(space)
    play.optimise(Forest(n_trees=4), lambda p: p["a"] * p["c"], 48)
    assert len({space.key(t.params) for t in play.history.completed}) == 48
    assert play.propose(Forest()) == []


@pytest.mark.parametrize(("m", "spread"), [(2, 0.4), (4, 0.1)])
def test_several_objectives_have_a_forest_each(m: int, spread: float) -> None:
    names = ["a", "b", "c", "d"][:m]
    objective = Objective.of(metrics=dict.fromkeys(names, "minimize"), constraints=["size <= 0.8"])
    space = Space(x=Float(0, 1), y=Float(0, 1))
    play = Rehearsal(space, objective=objective)
    for _ in range(50):
        [trial] = play.start(Forest(explore=0))
        x, y = trial.params["x"], trial.params["y"]
        off = 5 * (y - 0.7) ** 2
        values = [x + off, 1 - x + off, off, abs(x - 0.5) + off][:m]
        play.end(trial, metrics={**dict(zip(names, values, strict=True)), "size": x})
    late = play.history.completed[-25:]
    assert np.median([abs(t.params["y"] - 0.7) for t in late]) < 0.12
    assert np.mean([t.params["x"] <= 0.8 for t in late]) > 0.7
    assert np.ptp([t.params["x"] for t in late]) > spread
    assert f"improvement of the front on {m} times 16 trees" in late[-1].origin.reason
