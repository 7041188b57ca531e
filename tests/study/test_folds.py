"""Folds of an objective: their order, what is reported, and going on after a pause."""

from __future__ import annotations

import math

import pytest

import luthier
from luthier.core.jobs import Proposal
from luthier.study.folds import Folds


class Planned:
    """Proposes x = 0 with an incumbent's scores."""

    def __init__(self, *scores: float) -> None:
        self.data = {"incumbent": {"trial": 0, "scores": list(scores)}} if scores else {}
        self.spec = {"name": "planned"}

    def suggest(self, space: object, history: object, n: int, rng: object) -> list[Proposal]:
        return [Proposal({}, "planned", data=self.data)]


def folds_of(*incumbent: float, n: int = 3, alike: bool = True) -> tuple[luthier.Trial, Folds]:
    sampler = Planned(*incumbent)
    study = luthier.create_study(sampler=sampler, direction="maximize", seed=0)  # type: ignore[arg-type]
    trial = study.ask()
    return trial, Folds(trial, n, alike=alike)


def test_the_worst_of_the_incumbent_comes_first_and_means_allow_for_it() -> None:
    trial, folds = folds_of(0.9, 0.5, 0.7)
    assert folds.left == [1, 2, 0]
    folds.report(0.6)
    assert trial.reports[1] == {"value": pytest.approx(0.8), "fold": 1, "fold_score": 0.6}
    folds.report(0.7, seconds=2.0)
    assert trial.reports[2]["value"] == pytest.approx(0.75)
    assert trial.reports[2]["seconds"] == 2.0
    folds.report(0.5)
    assert trial.reports[3]["value"] == folds.mean == pytest.approx(0.6)
    assert folds.scores == {1: 0.6, 2: 0.7, 0: 0.5}
    assert list(folds) == []


@pytest.mark.parametrize(
    ("incumbent", "alike"), [((), True), ((0.9, 0.5), True), ((0.9, 0.5, 0.7), False)]
)
def test_without_an_incumbent_on_the_same_folds_they_come_in_order(
    incumbent: tuple[float, ...], alike: bool
) -> None:
    trial, folds = folds_of(*incumbent, alike=alike)
    assert math.isnan(folds.mean)
    for _ in folds:
        folds.report(0.25 * len(folds.left))
    assert list(folds.scores) == [0, 1, 2]
    assert [report["value"] for report in trial.reports.values()] == [0.75, 0.625, 0.5]


def test_a_paused_trial_goes_on_where_it_was() -> None:
    ran: list[list[int]] = []

    def objective(trial: luthier.Trial) -> float:
        trial.suggest_float("x", 0, 1)
        folds = Folds(trial, 4)
        ran.append([])
        for fold in folds:
            ran[-1].append(fold)
            folds.report(fold / 4)
        return folds.mean

    study = luthier.create_study(scheduler={"name": "asha", "max_resource": 4, "eta": 2}, seed=0)
    study.optimize(objective, n_trials=4)
    assert sorted(fold for run in ran for fold in run).count(0) == 4
    assert all(len(set(run)) == len(run) for run in ran)
    finished = [t for t in study.trials if t.state is luthier.TrialState.COMPLETE]
    assert finished[0].value == pytest.approx(0.375)
