from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import luthier
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.ledger import Ledger
from luthier.core.objective import Constraint, Objective
from luthier.core.rng import generator
from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import ArgumentError
from luthier.samplers import CMAES, Random
from luthier.samplers.evolution import cmaes
from luthier.samplers.evolution.bipop import Run
from luthier.samplers.evolution.cmaes import _Search
from luthier.samplers.evolution.distribution import Distribution, believed
from luthier.samplers.evolution.population import individuals
from luthier.space import Categorical, Float, Int, Normal, Ordinal, Permutation, Space
from luthier.testing.rehearsal import Rehearsal

Config = Mapping[str, Any]
FIVE = Space({f"x{i}": Float(-5, 5) for i in range(5)})
MIXED = Space(
    x=Float(0, 1),
    n=Int(1, 30),
    size=Ordinal(["small", "medium", "large"]),
    kind=Categorical(["a", "b", "c"]),
    y=Float(1e-4, 1, log=True, when={"kind": ["a", "b"]}),
    order=Permutation([1, 2, 3]),
)


def ellipsoid(p: Config) -> float:
    return float(sum(10**i * (v - 1) ** 2 for i, v in enumerate(p.values())))


def mixed(p: Config) -> float:
    branch = abs(math.log10(p["y"]) + 2) if p["kind"] == "b" else 2 + (p["kind"] == "c")
    order = sum(a != b for a, b in zip(p["order"], [3, 1, 2], strict=True))
    size = ["medium", "large", "small"].index(p["size"])
    return float(abs(p["x"] - 0.3) + abs(p["n"] - 17) / 10 + branch + order / 3 + size / 3)


def search_in(play: Rehearsal, sampler: CMAES) -> _Search:
    """The search that a rehearsal's history tells of."""
    history = play.history
    return sampler._search(history.space, history)


def built_anew(play: Rehearsal) -> History:
    """The same history from its records alone, as another process would read it."""
    ledger = Ledger(play.history.objective, play.history.seed)
    ledger.declare(play.history.space, 1)
    records = play._ledger.trials
    ledger.apply(*records)
    return ledger.snapshot()


def forgotten(history: History, sampler: CMAES, n: int) -> list[Proposal]:
    """What is proposed by a process that knows nothing but the history."""
    cmaes._GENERATIONS.forget()
    return sampler.suggest(history.space, history, n, generator(history.seed, history.next_number))


def test_it_converges() -> None:
    for seed in range(2):
        play = Rehearsal(FIVE, seed=seed)
        assert min(play.optimise(CMAES(), ellipsoid, 1200)) < 1e-5


def test_every_kind_of_parameter_together() -> None:
    values = [min(Rehearsal(MIXED, seed=s).optimise(CMAES(), mixed, 400)) for s in range(3)]
    at_random = [min(Rehearsal(MIXED, seed=s).optimise(Random(), mixed, 400)) for s in range(3)]
    assert np.median(values) < 0.05
    assert np.median(values) < np.median(at_random) / 4


def test_integers_dont_get_stuck() -> None:
    space = Space(
        {f"n{i}": Int(-10, 10) for i in range(4)} | {"x": Float(-5, 5), "y": Float(-5, 5)}
    )

    def objective(p: Config) -> float:
        whole = sum(1000 * (p[f"n{i}"] - 6) ** 2 for i in range(4))
        return float(whole + (p["x"] - 1) ** 2 + (p["y"] + p["x"]) ** 2)

    values = [min(Rehearsal(space, seed=s).optimise(CMAES(), objective, 700)) for s in range(3)]
    assert max(values) < 1


def test_categories_are_learnt() -> None:
    space = Space({f"c{i}": Categorical(list("abcde")) for i in range(8)})

    def objective(p: Config) -> float:
        return float(sum(v != "d" for v in p.values()))

    values = [min(Rehearsal(space, seed=s).optimise(CMAES(), objective, 300)) for s in range(3)]
    assert max(values) <= 1


@pytest.mark.parametrize("sampler", [CMAES(), CMAES(adapt_rates=True), CMAES(population=5)])
@pytest.mark.parametrize("space", [FIVE, MIXED], ids=["numbers", "mixed"])
def test_a_history_is_all_that_is_needed(sampler: CMAES, space: Space) -> None:
    """Four slots, out of order, with crashes and pruning: any moment can be gone on from."""
    play, rng = Rehearsal(space, seed=3), np.random.default_rng(0)
    running: list[FrozenTrial] = []
    for step in range(150):
        while len(running) < 4:
            running += play.start(sampler, 1)
        trial = running.pop(int(rng.integers(4)))
        lot = rng.random()
        if lot < 0.1:
            play.end(trial, TrialState.FAILED)
        elif lot < 0.2:
            play.report(trial, int(rng.integers(5)), {"value": 1.0})
            play.end(trial, TrialState.PRUNED)
        else:
            play.end(trial, value=float(rng.random()))
        if step % 25 == 0:
            here = play.propose(sampler, 3)
            assert here == forgotten(built_anew(play), sampler, 3)


def test_nothing_is_told_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    honest = Distribution.told

    def counted(self: Distribution, X: Any, active: Any, ranks: Any) -> Distribution:
        told.append(len(X))
        return honest(self, X, active, ranks)

    monkeypatch.setattr(Distribution, "told", counted)
    play = Rehearsal(FIVE, seed=11)
    play.optimise(CMAES(population=8), ellipsoid, 161)
    assert told == [8] * 20
    cmaes._GENERATIONS.forget()
    told.clear()
    play.propose(CMAES(population=8))
    assert told == [8] * 20


def test_many_workers_waste_nothing() -> None:
    sampler, play, rng = CMAES(population=8), Rehearsal(FIVE, seed=0), np.random.default_rng(0)
    running = play.start(sampler, 24)
    values = []
    for _ in range(1600):
        trial = running.pop(int(rng.integers(len(running))))
        values.append(ellipsoid(trial.params))
        play.end(trial, value=values[-1])
        running += play.start(sampler, 1)
    found = search_in(play, sampler)
    assert found.run.index == 0
    assert found.generation == 200
    assert min(values) < 1.0


def test_draws_of_a_generation_differ_and_go_on() -> None:
    sampler, play = CMAES(population=6), Rehearsal(FIVE)
    first = play.start(sampler, 4)
    play.end(first[1], value=1.0)
    trials = first + play.start(sampler, 9)
    assert {trial.origin.data["generation"] for trial in trials} == {0}
    assert {trial.origin.data["began"] for trial in trials} == {0}
    assert len({tuple(trial.params.values()) for trial in trials}) == 13


def test_failures_come_last_and_pruned_ones_before_them() -> None:
    sampler = CMAES(population=6)
    play = Rehearsal(FIVE, objective=Objective(constraints=[Constraint("size", "<=", 1)]))
    trials = play.start(sampler, 6)
    play.end(trials[0], TrialState.FAILED)
    play.end(trials[1], metrics={"value": 5.0, "size": 0.0})
    play.end(trials[2], metrics={"value": -9.0, "size": 3.0})
    play.end(play.report(trials[3], 7, {"value": 1.0}), TrialState.PRUNED)
    play.end(play.report(trials[4], 2, {"value": 1.0}), TrialState.PRUNED)
    play.end(trials[5], metrics={"value": 4.0, "size": 1.0})
    members = individuals(play.history, 0, 6)
    assert members.numbers.tolist() == [0, 1, 2, 3, 4, 5]
    assert cmaes._ranks(members, members.Y[:, 0]).tolist() == [5, 1, 2, 3, 4, 0]
    found = search_in(play, sampler)
    assert (found.generation, found.bests) == (1, (4.0,))


def test_equal_values_share_a_rank() -> None:
    sampler, play = CMAES(population=4), Rehearsal(FIVE)
    for trial, value in zip(play.start(sampler, 4), [2.0, 1.0, 2.0, math.inf], strict=True):
        play.end(trial, value=value)
    members = individuals(play.history, 0, 4)
    assert cmaes._ranks(members, members.Y[:, 0]).tolist() == [1, 0, 1, 2]


def test_crashes_are_kept_away_from() -> None:
    play = Rehearsal(Space(x=Float(0, 1), y=Float(0, 1)), seed=1)
    ends = []
    for _ in range(120):
        [trial] = play.start(CMAES())
        total = trial.params["x"] + trial.params["y"]
        ends.append(total >= 0.8)
        if ends[-1]:
            play.end(trial, value=total)
        else:
            play.end(trial, TrialState.FAILED)
    assert np.mean(ends[60:]) > np.mean(ends[:10])
    assert min(t.metric_values[0] for t in play.history.completed) < 0.82


def test_it_begins_where_others_were_best() -> None:
    play = Rehearsal(FIVE, seed=0)
    play.optimise(Random(), ellipsoid, 60)
    best = sorted(play.history.completed, key=lambda t: t.metric_values[0])[:6]
    found = search_in(play, CMAES())
    mean = np.mean([[t.params[f"x{i}"] / 10 + 0.5 for i in range(5)] for t in best], axis=0)
    np.testing.assert_allclose(found.distribution.numbers.mean, mean)
    values = play.optimise(CMAES(), ellipsoid, 40)
    assert np.median(values) < np.median([t.metric_values[0] for t in best]) * 3


def test_what_others_end_later_doesnt_change_the_beginning() -> None:
    play, sampler = Rehearsal(FIVE, seed=0), CMAES()
    late = play.add(dict.fromkeys(FIVE, 1.0))
    trial = play.start(sampler)[0]
    before = search_in(play, sampler).distribution.numbers.mean
    play.end(late, value=0.0)
    play.end(trial, value=1.0)
    assert np.array_equal(search_in(play, sampler).distribution.numbers.mean, before)


def test_a_space_that_changes_is_searched_on() -> None:
    play, sampler = Rehearsal(FIVE, seed=0), CMAES()
    play.optimise(sampler, ellipsoid, 300)
    best = min(t.metric_values[0] for t in play.history.completed)
    wider = Space({**dict(FIVE.items()), "more": Categorical(["u", "v"])})
    play.declare(wider)
    play.optimise(sampler, lambda p: ellipsoid({n: p[n] for n in FIVE}), 300)
    assert min(t.metric_values[0] for t in play.history.completed) < best / 5
    assert play.propose(sampler) == forgotten(built_anew(play), sampler, 1)


def test_what_others_end_takes_part() -> None:
    """Better points that others try, far away, are followed; by steps that aren't too long."""
    play, sampler = Rehearsal(FIVE, seed=0), CMAES(population=8, sigma=0.02)
    for _ in range(8):
        for trial in play.start(sampler, 6):
            play.end(trial, value=ellipsoid(trial.params))
        for shift in (0.0, 0.01):
            play.end(play.add(dict.fromkeys(FIVE, 4.0 + shift)), value=-1.0)
    mean = search_in(play, sampler).distribution.numbers.mean
    assert (mean > 0.6).all()
    assert (mean < 1.0).all()


def test_generations_of_other_strategies_are_not_its_own() -> None:
    def mean(**data: int) -> NDArray[np.float64]:
        play, sampler = Rehearsal(FIVE, seed=0), CMAES(population=4, sigma=0.02)
        for trial in play.start(sampler, 3):
            play.end(trial, value=ellipsoid(trial.params))
        far = dict.fromkeys(FIVE, 4.0)
        play.end(play.add(far, proposal=Proposal(far, "", data=data)), value=-1.0)
        return search_in(play, sampler).distribution.numbers.mean

    assert (mean(generation=0) == mean()).all()
    assert (mean(began=0, generation=0) > mean()).all()  # a step of its own isn't shortened


def test_the_users_beliefs_are_the_first_distribution() -> None:
    space = Space(
        x=Float(0, 10, prior=Normal(2, 0.5)),
        n=Int(1, 4, default=4),
        c=Categorical(["a", "b"], prior=[9, 1]),
    )
    found = search_in(Rehearsal(space), CMAES())
    np.testing.assert_allclose(found.distribution.numbers.mean, [0.2, 0.5], atol=0.01)
    assert found.distribution.numbers.std[0] < found.distribution.numbers.std[1] / 3
    np.testing.assert_allclose(found.distribution.choices.q, [[0.9, 0.1]], atol=0.2)
    known = Space(x=Float(0, 10, default=9), n=Int(1, 4, default=4))
    play = Rehearsal(known)
    [first] = play.start(CMAES())
    assert first.params == {"x": 9.0, "n": 4}
    np.testing.assert_allclose(
        search_in(play, CMAES()).distribution.numbers.mean, [0.9, 0.875], atol=1e-9
    )


def test_inactive_numbers_dont_move_the_mean() -> None:
    space = Space(c=Categorical(["a", "b"]), x=Float(0, 1, when={"c": "a"}), y=Float(0, 1))
    first = believed(space, np.empty((0, 3)), 0, 0.2, False)
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.integers(0, 2, 6), rng.random(6), rng.random(6)])
    active = np.ones((6, 3), dtype=bool)
    active[:, 1] = False
    told = first.told(x, active, np.arange(6.0))
    assert told.numbers.mean[0] == pytest.approx(first.numbers.mean[0])
    assert told.numbers.mean[1] != first.numbers.mean[1]
    assert told.numbers.std[0] > 0.15


def test_what_the_user_changed_counts_as_it_is() -> None:
    sampler, play = CMAES(population=4, restarts="none"), Rehearsal(FIVE)
    trials = play.start(sampler, 4)
    for trial in trials:
        play.end(trial, value=1.0, params=dict.fromkeys(FIVE, 5.0))
    found = search_in(play, sampler)
    assert found.generation == 1
    assert (found.distribution.numbers.mean > 0.5).all()


def test_a_flat_objective_leads_to_restarts() -> None:
    play = Rehearsal(FIVE, seed=0)
    play.optimise(CMAES(population=4), lambda _: 1.0, 500)
    found = search_in(play, CMAES(population=4))
    assert found.run.index > 0
    stay = Rehearsal(FIVE, seed=0)
    stay.optimise(CMAES(population=4, restarts="none"), lambda _: 1.0, 500)
    over = search_in(stay, CMAES(population=4, restarts="none"))
    assert over.run.index == 0
    assert over.over == "flat"


def test_bipop_shares_trials_between_large_and_small_populations() -> None:
    rng, run, sizes = np.random.default_rng(0), Run(10, 10), []
    for _ in range(40):
        run = run.counting(run.population * 50)
        small, large = run.spent
        after, width = run.next(rng)
        assert after.small == (small < large)
        assert 0.01 <= width <= 1
        assert 4 <= after.population <= 10 * 2**after.doublings
        sizes.append((after.small, after.population))
        run = after
    doubled = [population for is_small, population in sizes if not is_small]
    assert doubled == [20 * 2**i for i in range(len(doubled))]
    assert len(doubled) > 2
    small, large = run.spent
    assert 0.3 < small / large < 3


def test_several_objectives_are_weighted_alike_within_a_run() -> None:
    objective = Objective(["a", "b"])
    play = Rehearsal(Space(x=Float(0, 1), y=Float(0, 1)), objective=objective)
    for _ in range(150):
        [trial] = play.start(CMAES())
        p = trial.params
        play.end(trial, metrics={"a": p["x"] + p["y"], "b": 1 - p["x"] + p["y"]})
    late = [t.params["y"] for t in play.history.completed[100:]]
    assert np.median(late) < 0.05


def test_constraints_come_first() -> None:
    objective = Objective(constraints=[Constraint("size", "<=", 0.2)])
    play = Rehearsal(Space(x=Float(0, 1), y=Float(0, 1)), objective=objective)
    for _ in range(150):
        [trial] = play.start(CMAES())
        p = trial.params
        play.end(trial, metrics={"value": -p["x"] - p["y"], "size": p["x"]})
    late = play.history.completed[100:]
    assert np.mean([t.params["x"] <= 0.2 for t in late]) > 0.3
    assert max(t.params["x"] + t.params["y"] for t in late if t.params["x"] <= 0.2) > 1.1


def test_relations_are_met_by_drawing_again() -> None:
    space = Space(x=Float(0, 1), y=Float(0, 1)).require("x + y <= 0.9")
    play = Rehearsal(space)
    values = play.optimise(CMAES(), lambda p: -p["x"] - 2 * p["y"], 150)
    assert min(values) < -1.7
    assert all(space.allows(t.params) for t in play.history.completed)
    assert play.propose(CMAES()) == forgotten(built_anew(play), CMAES(), 1)


def test_a_finite_space_is_searched_to_its_end() -> None:
    space = Space(n=Int(1, 6), m=Int(1, 6), c=Categorical(["a", "b"])).forbid({"n": 3, "m": 3})
    play, sampler = Rehearsal(space, seed=2), CMAES(population=4, sigma=0.02)
    keys = []
    while trials := play.start(sampler, 3):
        for trial in trials:
            keys.append(space.key(trial.params))
            play.end(trial, value=float(trial.params["n"] + trial.params["m"]))
    assert len(keys) == len(set(keys)) == 70
    assert any("drawn at random" in t.origin.reason for t in play.history.completed)
    early = [t.metric_values[0] for t in play.history.completed[:35]]
    assert np.mean(early) < 7


def test_a_study_resumed_and_replayed_is_the_same(tmp_path: Any) -> None:
    def objective(trial: luthier.Trial) -> float:
        p = trial.params
        return float(mixed(p))

    url = f"sqlite:///{tmp_path}/study.db"
    for n in (30, 25):
        cmaes._GENERATIONS.forget()
        study = luthier.create_study(
            space=MIXED, sampler="cmaes", seed=1, storage=url, study_name="s", load_if_exists=True
        )
        study.optimize(objective, n_trials=n)
    whole = luthier.create_study(space=MIXED, sampler="cmaes", seed=1)
    whole.optimize(objective, n_trials=55)
    assert [t.params for t in study.trials] == [t.params for t in whole.trials]
    assert study.replay().exact


def test_define_by_run() -> None:
    def objective(trial: luthier.Trial) -> float:
        x = trial.suggest_float("x", -5, 5)
        if trial.suggest_categorical("kind", ["a", "b"]) == "a":
            return x**2 + trial.suggest_int("n", 1, 9)
        return x**2 + 5

    study = luthier.create_study(sampler="cmaes", seed=0)
    study.optimize(objective, n_trials=120)
    assert study.best_value < 1.2
    assert study.replay().exact


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"population": 3}, "population must be a whole number of at least 4"),
        ({"population": 4.5}, "population must be a whole number"),
        ({"sigma": 0}, "sigma must be a number above 0"),
        ({"restarts": "ipop"}, "restarts must be one of 'bipop', 'none'"),
        ({"adapt_rates": 1}, "adapt_rates must be True or False"),
        ({"allow_duplicates": None}, "allow_duplicates must be True or False"),
    ],
)
def test_bad_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        CMAES(**settings)


def test_rows_are_recorded_where_the_configuration_hides_them() -> None:
    space = Space(x=Float(0, 1), n=Int(1, 5), c=Categorical(["a", "b"]), o=Permutation(list("uvw")))
    play, plain = Rehearsal(space), Rehearsal(FIVE)
    [whole], [inside] = play.start(CMAES()), plain.start(CMAES())
    assert len(whole.origin.data["drawn"]) == space.encoding.width
    assert "drawn" not in inside.origin.data


@pytest.mark.parametrize(
    "change", [{"x": 0.123}, {"n": 1}, {"n": 5}, {"c": "a"}, {"c": "b"}, {"o": ("u", "w", "v")}]
)
def test_a_changed_configuration_isnt_what_was_drawn(change: Config) -> None:
    space = Space(x=Float(0, 1), n=Int(1, 5), c=Categorical(["a", "b"]), o=Permutation(list("uvw")))
    play, sampler = Rehearsal(space), CMAES(population=4)
    start = search_in(play, sampler)
    for trial in play.start(sampler, 4):
        play.end(trial, params={**trial.params, **change}, value=0.0)
    history, members = play.history, individuals(play.history, 0, 4)
    rows = cmaes._rows_of(space, history, start, members, 4)
    for trial, row, asked in zip(history.completed, rows, members.X, strict=True):
        proposed = np.array(trial.origin.data["drawn"])
        same = np.array_equal(
            space.encoding.encode(space.encoding.decode(proposed[None]))[0], asked
        )
        assert np.array_equal(row, proposed if same else asked)
