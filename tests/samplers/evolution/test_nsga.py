from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import luthier
from luthier.core.objective import Objective
from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import ArgumentError
from luthier.numerics.pareto import hypervolume
from luthier.samplers import NSGA2, NSGA3, Random
from luthier.samplers.evolution import brood, nsga
from luthier.samplers.evolution.nsga import survivors
from luthier.space import Categorical, Float, Int, Space
from luthier.testing.rehearsal import Rehearsal

SQUARE = Space({f"x{i}": Float(0, 1) for i in range(5)})
TWO = Objective.of(directions=["minimize", "maximize"])


def zdt1(params: dict[str, Any]) -> dict[str, float]:
    x = list(params.values())
    g = 1 + 9 * sum(x[1:]) / len(x[1:])
    return {"value_0": x[0], "value_1": -g * (1 - (x[0] / g) ** 0.5)}


def play(sampler: Any, n: int, seed: int = 0, space: Space = SQUARE) -> Rehearsal:
    stage = Rehearsal(space, seed=seed, objective=TWO)
    for _ in range(n):
        [trial] = stage.start(sampler)
        stage.end(trial, metrics=zdt1(trial.params))
    return stage


@pytest.mark.parametrize("kind", [NSGA2, NSGA3])
def test_fronts_are_better_than_random(kind: type[NSGA2 | NSGA3]) -> None:
    def volume(sampler: Any) -> float:
        found = [hypervolume(play(sampler, 400, s).history.Y, [1.1, 1.1]) for s in range(3)]
        return float(np.median(found))

    assert volume(kind(population=20, offspring=10)) > volume(Random()) + 0.25


def test_fewer_offspring_make_more_generations() -> None:
    stage = play(NSGA2(population=10, offspring=4), 33)
    generations = [t.origin.data.get("generation") for t in stage.history.completed]
    assert generations == [*[None] * 10, *[g for g in range(1, 6) for _ in range(4)], 6, 6, 6]
    population = survivors(SQUARE, stage.history, 10, 4, directed=False)
    assert population is not None
    assert (population.until, len(population.members)) == (30, 10)


def test_a_dominated_point_stretches_no_axis() -> None:
    stage = Rehearsal(SQUARE, objective=Objective.of(directions=["minimize"] * 2))
    for k in range(10):
        values = {"value_0": k / 9, "value_1": 1 - k / 9}
        stage.end(stage.add(dict.fromkeys(SQUARE, k / 9)), metrics=values)
    far = {"value_0": 0.0, "value_1": 1000.0}  # the least in the first, and very bad
    stage.end(stage.add(dict.fromkeys(SQUARE, 0.5)), metrics=far)
    population = survivors(SQUARE, stage.history, 11, 11, directed=True)
    assert population is not None
    assert population.extremes.max() == 1.0


@pytest.mark.parametrize(
    "sampler", [NSGA2(population=8, offspring=8), NSGA3(population=8, offspring=8)]
)
def test_a_brood_is_recomputed_anywhere(sampler: NSGA2 | NSGA3) -> None:
    stage = play(sampler, 60)
    before = stage.propose(sampler, 3)
    nsga._GENERATIONS.forget()
    brood._brood.cache_clear()
    assert stage.propose(sampler, 3) == before
    assert play(sampler, 60).propose(sampler, 3) == before


def test_an_earlier_history_has_its_earlier_population() -> None:
    stage = Rehearsal(SQUARE, objective=TWO)
    snapshots = []
    for k in range(60):
        if k % 7 == 0:
            snapshots.append((stage.history, stage.propose(NSGA2(population=6, offspring=6))))
        [trial] = stage.start(NSGA2(population=6, offspring=6))
        stage.end(trial, metrics=zdt1(trial.params))
    from luthier.core.rng import generator

    for history, proposals in reversed(snapshots):
        rng = generator(history.seed, history.next_number)
        assert NSGA2(population=6, offspring=6).suggest(history.space, history, 1, rng) == proposals


def test_generation_and_parents_are_recorded() -> None:
    sampler = NSGA2(population=10, offspring=10)
    stage = play(sampler, 35)
    trials = {t.number: t for t in stage.history.completed}
    assert [trials[k].origin.data.get("generation") for k in (9, 10, 20, 34)] == [None, 1, 2, 3]
    a, b = trials[34].origin.data["parents"]
    assert {a, b} <= set(range(30))
    assert trials[34].origin.reason == f"NSGA-II generation 3: child of trials {a} and {b}"


def test_survivors_are_the_best_fronts_of_parents_and_children() -> None:
    stage = play(NSGA2(population=10, offspring=10), 20)
    population = survivors(SQUARE, stage.history, 10, 10, directed=False)
    assert population is not None
    assert population.generation == 2
    kept = stage.history.Y[population.members.numbers]
    for place in set(range(20)) - set(population.members.numbers.tolist()):
        y = stage.history.Y[place]
        assert not any(((y <= k) & (y < k)).all() for k in kept)


def test_a_slow_trial_blocks_nobody_and_counts_when_it_ends() -> None:
    sampler = NSGA2(population=8, offspring=8)
    stage = Rehearsal(SQUARE, objective=TWO)
    [slow] = stage.start(sampler)
    for _ in range(30):
        [trial] = stage.start(sampler)
        stage.end(trial, metrics=zdt1(trial.params))
    assert trial.origin.data["generation"] == 3
    stage.end(slow, metrics={"value_0": -1.0, "value_1": 9.0})
    for _ in range(2):
        [trial] = stage.start(sampler)
        stage.end(trial, metrics=zdt1(trial.params))
    population = survivors(SQUARE, stage.history, 8, 8, directed=False)
    assert population is not None
    assert slow.number in population.members.numbers


def test_failed_pruned_and_infeasible_trials_come_last() -> None:
    objective = Objective.of(metrics={"a": "minimize", "b": "minimize"}, constraints=["a <= 0.9"])
    for sampler in (NSGA2(population=12, offspring=12), NSGA3(population=12, offspring=12)):
        stage = Rehearsal(SQUARE, objective=objective)
        for _ in range(150):
            [trial] = stage.start(sampler)
            x = trial.params
            if x["x1"] < 0.3:
                stage.end(trial, TrialState.FAILED)
            elif x["x2"] < 0.2:
                stage.end(trial, TrialState.PRUNED)
            else:
                stage.end(trial, metrics={"a": 1 - x["x0"] + x["x1"], "b": x["x0"] + x["x2"]})
        late = list(stage.history.failed)[-1].number, len(stage.history.failed)
        assert late[1] < 60
        population = survivors(SQUARE, stage.history, 12, 12, directed=isinstance(sampler, NSGA3))
        assert population is not None
        assert (population.members.fault == 0).all()


def test_all_trials_failing_is_survived() -> None:
    for sampler in (NSGA2(population=5, offspring=5), NSGA3(population=5, offspring=5)):
        stage = Rehearsal(SQUARE, objective=TWO)
        for _ in range(22):
            [trial] = stage.start(sampler)
            stage.end(trial, TrialState.FAILED)
        assert trial.origin.data["generation"] == 4


def test_a_space_that_changes_keeps_its_population() -> None:
    sampler = NSGA2(population=10, offspring=10)
    stage = play(sampler, 30)
    wider = SQUARE.with_params(x0=Float(0, 0.5), extra=Int(1, 9), c=Categorical(["a", "b"]))
    stage.declare(wider)
    [trial] = stage.start(sampler)
    assert wider.check(trial.params) == trial.params
    assert trial.origin.data["generation"] == 3


@pytest.mark.parametrize("m", [1, 2, 3, 4, 6])
def test_any_number_of_objectives(m: int) -> None:
    objective = Objective.of(directions=["minimize"] * m)
    for sampler in (NSGA2(population=10, offspring=10), NSGA3(population=15, offspring=15)):
        stage = Rehearsal(SQUARE, objective=objective)
        for _ in range(70):
            [trial] = stage.start(sampler)
            x = np.array(list(trial.params.values()))
            values = [float(np.sum((x - k / 9) ** 2)) for k in range(m)]
            stage.end(trial, metrics=dict(zip(objective.names, values, strict=True)))
        Y = stage.history.Y
        assert Y[50:].sum(axis=1).mean() < Y[:10].sum(axis=1).mean()


def test_infinite_objectives_do_no_harm() -> None:
    for sampler in (NSGA2(population=6, offspring=6), NSGA3(population=6, offspring=6)):
        stage = Rehearsal(SQUARE, objective=TWO)
        for k in range(40):
            [trial] = stage.start(sampler)
            value = float("inf") if k % 3 else 1.0
            stage.end(trial, metrics={"value_0": value, "value_1": trial.params["x1"]})
        assert stage.propose(sampler)


def test_a_study_replays_exactly_and_resumes_where_it_was(tmp_path: Any) -> None:
    def objective(trial: Any) -> tuple[float, float]:
        values = zdt1(trial.params)
        return values["value_0"], values["value_1"]

    def run(name: str, *counts: int) -> list[FrozenTrial]:
        for n in counts:
            study = luthier.create_study(
                directions=["minimize", "maximize"],
                space=SQUARE,
                sampler=NSGA2(population=10, offspring=10),
                seed=1,
                storage=f"sqlite:///{tmp_path / name}.db",
                study_name="s",
                load_if_exists=True,
            )
            study.optimize(objective, n_trials=n)
            nsga._GENERATIONS.forget()
            brood._brood.cache_clear()
        assert study.replay().exact
        return list(study.trials)

    whole, broken = run("whole", 45), run("broken", 7, 16, 22)
    assert [t.params for t in whole] == [t.params for t in broken]


@pytest.mark.parametrize(
    "setting", [{"population": 1}, {"crossover": "two"}, {"crossover_rate": 1.5}, {"mutations": -1}]
)
def test_bad_settings_are_refused(setting: dict[str, Any]) -> None:
    for kind in (NSGA2, NSGA3):
        with pytest.raises(ArgumentError, match=next(iter(setting))):
            kind(**setting)
