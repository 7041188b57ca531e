from __future__ import annotations

import numpy as np
import pytest

from luthier.core.objective import Objective
from luthier.core.trial import TrialState
from luthier.samplers import TPE
from luthier.samplers.tpe.blocks import blocks_of, fading
from luthier.space import Categorical, Float, Int, Normal, Permutation, Space
from luthier.testing.rehearsal import Rehearsal

SQUARE = Space(x=Float(0, 1), y=Float(0, 1))


@pytest.mark.parametrize("multivariate", [True, False])
def test_it_closes_in_on_the_minimum(multivariate: bool) -> None:
    def objective(p):  # type: ignore[no-untyped-def]
        return (p["x"] - 0.3) ** 2 + (p["y"] - 0.8) ** 2

    for seed in range(3):
        values = Rehearsal(SQUARE, seed=seed).optimise(
            TPE(multivariate=multivariate), objective, 60
        )
        assert np.median(values[-20:]) < np.median(values[:10]) / 5
        assert min(values) < 0.01


def test_maximising_is_minimising_the_opposite() -> None:
    def run(direction: str, sign: float) -> list[dict[str, object]]:
        play = Rehearsal(SQUARE, objective=Objective.of(directions=[direction]))
        play.optimise(TPE(), lambda p: sign * p["x"], 20)
        return [trial.params for trial in play.history.completed]

    assert run("minimize", 1.0) == run("maximize", -1.0)


def test_the_default_comes_first_then_an_even_spread() -> None:
    space = Space(x=Float(0, 1, default=0.3))
    play = Rehearsal(space)
    first, second = play.start(TPE(), 2)
    assert first.params == {"x": 0.3}
    assert first.origin.reason == "the user's defaults"
    assert second.origin.reason == "start: sobol point 1"


def test_reasons_say_what_was_done() -> None:
    play = Rehearsal(SQUARE)
    play.optimise(TPE(), lambda p: p["x"], 20)
    [trial] = play.start(TPE())
    assert trial.origin.reason == "TPE: 64 draws near the best 3 of 20 trials"
    play.end(trial, TrialState.FAILED)
    [trial] = play.start(TPE())
    assert trial.origin.reason.endswith(", away from 1 failures")


def test_failures_teach() -> None:
    def crashes(p):  # type: ignore[no-untyped-def]
        return p["x"] + p["y"] < 0.8

    counts = []
    for seed in range(5):
        play = Rehearsal(SQUARE, seed=seed)
        for _ in range(100):
            [trial] = play.start(TPE())
            p = trial.params
            if crashes(p):
                play.end(trial, TrialState.FAILED)
            else:
                play.end(trial, value=p["x"] + p["y"])
        counts.append(len(play.history.failed))
    assert np.median(counts) <= 35


def test_a_study_in_which_all_failed_looks_elsewhere() -> None:
    play = Rehearsal(Space(x=Float(0, 1)))
    for x in (0.1, 0.12, 0.15, 0.2):
        play.end(play.add({"x": x}), TrialState.FAILED)
    drawn = [p.params["x"] for p in play.propose(TPE(n_startup=0), 20)]
    assert np.mean(np.array(drawn) > 0.3) > 0.9


def test_pending_trials_repel() -> None:
    play = Rehearsal(Space(x=Float(0, 1)))
    play.optimise(TPE(), lambda p: p["x"], 12)
    drawn = sorted(p.params["x"] for p in play.propose(TPE(), 8))
    assert min(np.diff(drawn)) > 0


def test_infeasible_trials_count_as_failures() -> None:
    objective = Objective.of(metrics={"loss": "minimize"}, constraints=["loss >= 0.5"])
    play = Rehearsal(Space(x=Float(0, 1)), objective=objective)
    values = play.optimise(TPE(), lambda p: p["x"], 60)
    late = np.array(values[30:])
    assert (late >= 0.5).mean() > 0.6
    assert late[late >= 0.5].min() < 0.52


def test_pruned_trials_rank_behind_completed_ones() -> None:
    play = Rehearsal(Space(x=Float(0, 1)))
    for k in range(20):
        trial = play.add({"x": (k + 0.5) / 20})
        if k < 10:
            play.report(trial, k, {"value": 1.0})
            play.end(trial, TrialState.PRUNED)
        else:
            play.end(trial, value=float(k))
    drawn = [p.params["x"] for p in play.propose(TPE(), 10)]
    assert np.mean(np.array(drawn) > 0.45) >= 0.7


def test_beliefs_draw_the_first_trials_and_fade() -> None:
    space = Space(x=Float(0, 1, prior=Normal(0.2, 0.05)))
    play = Rehearsal(space)
    values = play.optimise(TPE(), lambda p: abs(p["x"] - 0.6), 60)
    assert max(values[:5]) > 0.25
    assert min(values[-20:]) < 0.05


def test_a_belief_counts_less_the_more_trials_there_are() -> None:
    space = Space(x=Float(0, 1, prior=Normal(0.2, 0.02)), c=Categorical(["a", "b"], prior=[9, 1]))
    shares = []
    for halvings in (0, 2, 8):
        [block] = blocks_of(space, True, halvings)
        x, c = (axis.prior for axis in block.believed)
        assert x is not None
        assert c is not None
        shares.append((x.max(), c[0]))
        assert [axis.prior for axis in block.plain] == [None, None]
    assert shares[0] > shares[1] > shares[2]
    assert shares[0][1] == pytest.approx(0.9)
    assert shares[1][1] == pytest.approx(9**0.25 / (9**0.25 + 1))
    assert [fading(n) for n in (0, 19, 20, 79, 80, 100_000)] == [0, 0, 1, 2, 3, 13]


def test_many_workers_spread_out() -> None:
    play = Rehearsal(SQUARE)
    play.optimise(TPE(), lambda p: (p["x"] - 0.3) ** 2 + p["y"], 40)
    together = play.start(TPE(), 32)
    points = np.array([[t.params["x"], t.params["y"]] for t in together])
    apart = np.linalg.norm(points[:, None] - points, axis=2) + np.eye(32)
    assert apart.min() > 1e-4
    assert points.std(axis=0).min() > 0.05


def test_the_reason_says_that_fronts_decide() -> None:
    play = Rehearsal(SQUARE, objective=Objective.of(directions=["minimize", "minimize"]))
    play.optimise(TPE(), lambda p: p["x"] + p["y"], 15)
    [proposal] = play.propose(TPE())
    assert proposal.reason.endswith("near the best 3 of 15 trials by fronts")


def test_a_finite_space_is_searched_without_repeats() -> None:
    space = Space(a=Int(0, 5), b=Categorical(["u", "v"]), c=Int(0, 3))
    play = Rehearsal(space)
    play.optimise(TPE(), lambda p: p["a"] * p["c"], 48)
    assert len({space.key(t.params) for t in play.history.completed}) == 48
    assert play.propose(TPE()) == []


def test_orders_are_learnt() -> None:
    space = Space(o=Permutation(list("abcdefg")))

    def displacement(p):  # type: ignore[no-untyped-def]
        return sum(abs(p["o"].index(item) - k) for k, item in enumerate("cadgbfe"))

    late = [Rehearsal(space, seed=s).optimise(TPE(), displacement, 80)[50:] for s in range(3)]
    assert np.mean(late) < 10  # 16 at random


def test_a_branch_is_judged_by_its_own_trials() -> None:
    space = Space(
        model=Categorical(["a", "b"]),
        x=Float(0, 1, when={"model": "a"}),
        y=Float(0, 1, when={"model": "b"}),
    )

    def objective(p):  # type: ignore[no-untyped-def]
        return 0.5 + p["x"] if p["model"] == "a" else 3 * abs(p["y"] - 0.9)

    for seed in range(3):
        play = Rehearsal(space, seed=seed)
        assert min(play.optimise(TPE(), objective, 80)) < 0.1
        reasons = [t.origin.reason for t in play.history.completed]
        assert any(r.startswith("TPE in a random branch: 64 draws") for r in reasons)


def test_cost_does_not_depend_on_how_many_trials_there_are() -> None:
    from luthier.samplers.tpe.split import split

    play = Rehearsal(Space(x=Float(0, 1)))
    for k in range(600):
        play.end(play.add({"x": k / 600}), value=float(k))
    groups = split(
        play.history, np.empty((0, 1)), np.random.default_rng(0), gamma=0.1, most_good=25
    )
    assert (len(groups.good), len(groups.others), groups.n_others) == (25, 192, 575)
    assert groups.others.min() > groups.good.max()


def test_the_others_stay_the_same_for_a_few_trials_so_that_their_density_is_kept() -> None:
    from luthier.samplers.tpe.split import split

    play = Rehearsal(Space(x=Float(0, 1)))
    seen = set()
    for k in range(320):
        play.end(play.add({"x": k / 320}), value=float(k))
        if k >= 271:
            rng = np.random.default_rng(k)
            none = np.empty((0, 1))
            seen.add(split(play.history, none, rng, gamma=0.1, most_good=5).others.tobytes())
    assert len(seen) == 7  # at 272, 280, ... 320 trials


def test_pending_trials_are_among_the_others_at_once() -> None:
    from luthier.samplers.tpe.split import split

    play = Rehearsal(Space(x=Float(0, 1)))
    for k in range(200):
        play.end(play.add({"x": k / 200}), value=float(k))
    pending = np.array([[0.123], [0.456]])
    groups = split(play.history, pending, np.random.default_rng(0), gamma=0.1, most_good=25)
    assert groups.others[-2:].tolist() == pending.tolist()
    assert (groups.n_pending, groups.n_others) == (2, 200 - 20 + 2)


def test_several_objectives_fill_the_front_between_their_ends() -> None:
    objective = Objective.of(metrics={"a": "minimize", "b": "minimize"})
    spreads = []
    for seed in range(3):
        play = Rehearsal(SQUARE, seed=seed, objective=objective)
        for _ in range(80):
            [trial] = play.start(TPE())
            x, y = trial.params["x"], trial.params["y"]
            play.end(trial, metrics={"a": x + 5 * (y - 0.7) ** 2, "b": 1 - x + 5 * (y - 0.7) ** 2})
        late = play.history.completed[-40:]
        assert np.median([abs(t.params["y"] - 0.7) for t in late]) < 0.1
        spreads.append(np.ptp([t.params["x"] for t in late]))
    assert np.median(spreads) > 0.7


def test_several_objectives_stay_where_constraints_are_met() -> None:
    names = ["a", "b", "c", "d"]
    objective = Objective.of(metrics=dict.fromkeys(names, "minimize"), constraints=["size <= 0.4"])
    play = Rehearsal(SQUARE, objective=objective)
    for _ in range(60):
        [trial] = play.start(TPE())
        x, y = trial.params["x"], trial.params["y"]
        values = [1 - x, y, (y - 0.2) ** 2, abs(y - 0.1) - x]
        play.end(trial, metrics={**dict(zip(names, values, strict=True)), "size": x})
    late = [t.params["x"] for t in play.history.completed[-20:]]
    assert np.mean(np.array(late) <= 0.4) > 0.7
    assert "near the best" in play.history.completed[-1].origin.reason
    assert "weighting" not in play.history.completed[-1].origin.reason
