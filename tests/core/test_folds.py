"""What trials note of folds, and of the incumbent that they are raced against."""

from __future__ import annotations

import math

import pytest

from luthier.core.folds import fold_order, fold_scores, incumbent_of, incumbent_scores
from luthier.core.objective import Objective
from luthier.core.trial import Origin, Reports, TrialState
from luthier.space import Float, Space
from luthier.testing.rehearsal import Rehearsal


def rehearse(*rows: list[float], **objective: object) -> Rehearsal:
    play = Rehearsal(Space(x=Float(0, 1)), objective=Objective.of(**objective))  # type: ignore[arg-type]
    for row in rows:
        trial = play.add({"x": 0.5})
        for fold, score in enumerate(row):
            report = {"value": score, "fold": fold, "fold_score": score}
            trial = play.report(trial, fold + 1, report)
        metrics = {"value": sum(row) / len(row), "size": len(row)}
        play.end(trial, metrics=metrics)
    return play


def test_scores_are_by_fold_in_the_order_run() -> None:
    reports = Reports(
        [
            (1, {"value": 0.5, "fold": 2, "fold_score": 0.4}),
            (2, {"value": 0.5}),
            (3, {"value": 0.5, "fold": 0, "fold_score": math.inf}),
        ]
    )
    assert list(fold_scores(reports).items()) == [(2, 0.4), (0, math.inf)]


@pytest.mark.parametrize(("way", "best"), [("minimize", 0), ("maximize", 1)])
def test_the_incumbent_is_the_best_completed_trial(way: str, best: int) -> None:
    noted = incumbent_of(rehearse([1.0, 2.0], [3.0, 4.0], direction=way).history)
    assert noted["incumbent"]["trial"] == best
    assert incumbent_scores(Origin(data=noted)) == [[1.0, 2.0], [3.0, 4.0]][best]


def test_an_incumbent_keeps_the_constraints() -> None:
    bounds = {"constraints": ["size <= 1"]}
    assert incumbent_of(rehearse([1.0, 2.0], **bounds).history) == {}
    noted = incumbent_of(rehearse([1.0, 2.0], [5.0], **bounds).history)
    assert noted["incumbent"]["trial"] == 1


def test_a_trial_without_all_its_folds_is_no_incumbent() -> None:
    play = Rehearsal(Space(x=Float(0, 1)))
    assert incumbent_of(play.history) == {}
    play.end(play.add({"x": 0.1}), value=1.0)
    assert incumbent_of(play.history) == {}
    trial = play.report(play.add({"x": 0.1}), 1, {"value": 0, "fold": 1, "fold_score": 0})
    play.end(trial, TrialState.COMPLETE, value=0.0)
    assert incumbent_of(play.history) == {}


@pytest.mark.parametrize(
    ("scores", "n", "way", "order"),
    [
        ([0.9, 0.7, 0.8, 0.7], 4, "maximize", [1, 3, 2, 0]),
        ([0.9, 0.7, 0.8, 0.7], 4, "minimize", [0, 2, 1, 3]),
        ([0.9, 0.7], 3, "maximize", [0, 1, 2]),
        (None, 2, "maximize", [0, 1]),
    ],
)
def test_where_the_incumbent_was_worst_comes_first(
    scores: list[float] | None, n: int, way: str, order: list[int]
) -> None:
    assert fold_order(scores, n, way) == order  # type: ignore[arg-type]
