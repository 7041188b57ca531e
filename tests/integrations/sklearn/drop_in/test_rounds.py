"""The plan of halving in rounds, and its scheduler."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier
from luthier import TrialPruned
from luthier.integrations.sklearn.drop_in.rounds import Plan, Rounds, best, subsampled


def test_a_plan_worked_by_hand() -> None:
    plan = Plan(n_candidates=10, factor=3, min_resources=20, max_resources=500)
    assert (plan.n_required, plan.n_possible, plan.n_iterations) == (3, 3, 3)
    assert [plan.resources(k) for k in range(3)] == [20, 60, 180]
    assert [plan.size(k) for k in range(4)] == [10, 4, 2, 1]
    assert plan.exhausting().min_resources == 500 // 9


def test_aggressive_elimination_repeats_the_first_round() -> None:
    plan = Plan(n_candidates=27, factor=3, min_resources=30, max_resources=100, aggressive=True)
    assert (plan.n_required, plan.n_possible) == (4, 2)
    assert [plan.resources(k) for k in range(4)] == [30, 30, 30, 90]


@given(
    n=st.integers(1, 500),
    factor=st.sampled_from([1.5, 2, 3, 4]),
    low=st.integers(1, 50),
    more=st.integers(0, 1000),
    aggressive=st.booleans(),
)
@settings(deadline=None, max_examples=200)
def test_plans_stay_within_their_means(
    n: int, factor: float, low: int, more: int, aggressive: bool
) -> None:
    plan = Plan(n, factor, low, low + more, aggressive)
    spent = [plan.resources(k) for k in range(plan.n_iterations)]
    sizes = [plan.size(k) for k in range(plan.n_iterations + 1)]
    assert spent[0] >= low
    assert spent == sorted(spent)
    assert spent[-1] <= low + more
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] >= 1


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3, float("nan")]), min_size=1), st.data())
@settings(deadline=None)
def test_the_best_are_those_with_the_highest_scores(
    scores: list[float], data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, len(scores)))
    worth = np.nan_to_num(scores, nan=-1)
    kept = worth[best(np.array(scores), k)]
    assert kept.tolist() == sorted(worth)[-k:]


def test_rounds_follow_from_the_reports() -> None:
    plan = Plan(n_candidates=5, factor=2, min_resources=1, max_resources=4)
    study = luthier.create_study(
        direction="maximize", sampler="random", scheduler=Rounds(plan, "value"), seed=0
    )
    worth = [0.1, 0.5, 0.3, 0.2, 0.4]

    def objective(trial: luthier.Trial) -> float:
        trial.suggest_float("x", 0, 1)
        for step in range(3):
            trial.report(worth[trial.number] + step, step)
            if trial.should_prune():
                raise TrialPruned
        return worth[trial.number]

    study.optimize(objective, n_trials=5)
    scheduler = study.scheduler
    assert isinstance(scheduler, Rounds)
    assert scheduler.rounds(study.history) == [[0, 1, 2, 3, 4], [2, 4, 1], [4, 1]]
    assert [len(t.reports) for t in study.trials] == [1, 3, 2, 1, 3]
    assert [t.state.name for t in study.trials].count("COMPLETE") == 2


def test_a_trial_that_was_lost_is_last() -> None:
    scheduler = Rounds(Plan(n_candidates=2, factor=2, min_resources=1, max_resources=4), "value")
    study = luthier.create_study(direction="maximize", sampler="random", scheduler=scheduler)
    study.tell(study.ask(), state=luthier.TrialState.FAILED)
    trial = study.ask()
    assert scheduler.rounds(study.history) == [[0, 1]]
    trial.report(-5.0, 0)
    assert trial.should_prune()
    assert scheduler.rounds(study.history) == [[0, 1], [1]]


def test_subsamples() -> None:
    splits = [(np.arange(10), np.arange(10, 15))]
    ((train, test),) = subsampled(splits, 0.5, 0)
    assert (len(set(train)), len(set(test))) == (5, 2)
    assert set(train) <= set(range(10))
    ((again, _),) = subsampled(splits, 0.5, 0)
    assert train.tolist() == again.tolist()


def test_a_scheduler_says_what_it_is() -> None:
    spec = Rounds(Plan(9, 3, 1, 9)).spec
    assert spec["name"] == "rounds"
    assert spec["factor"] == 3


@pytest.mark.parametrize("step", [0, 1])
def test_trials_pause_after_every_round_but_the_last(step: int) -> None:
    scheduler = Rounds(Plan(n_candidates=3, factor=3, min_resources=1, max_resources=3))
    study = luthier.create_study(scheduler="none")
    trial = study.ask()
    record = study.trials[trial.number]
    paused = scheduler.decide(study.history, record, step).value == "pause"
    assert paused is (step == 0)
