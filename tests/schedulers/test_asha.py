"""ASHA in both forms, one worker, beside what comes out by hand.

Nine trials report x at every step: 5, 3, 8, 1, 7, 2, 6, 4, 9; rungs at 1, 3 and 9.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

import luthier
from luthier.core.jobs import Decision
from luthier.schedulers import Asha
from luthier.testing.simulate import Training, simulate

if TYPE_CHECKING:
    from conftest import Play

NINE = (5, 3, 8, 1, 7, 2, 6, 4, 9)


def test_promotion_by_hand(play: Play) -> None:
    study, run = play(Asha(9), NINE)
    assert run.when("started", "resumed", "complete") == [
        (0.0, 0, "started"),
        (1.0, 1, "started"),
        (2.0, 2, "started"),
        (3.0, 1, "resumed"),  # the best of three
        (5.0, 3, "started"),
        (6.0, 3, "resumed"),  # the best of four
        (8.0, 4, "started"),
        (9.0, 5, "started"),
        (10.0, 5, "resumed"),  # among the best two of six
        (12.0, 3, "resumed"),  # the best of three on the second rung
        (18.0, 3, "complete"),
        (18.0, 6, "started"),
        (19.0, 7, "started"),
        (20.0, 8, "started"),
    ]
    assert run.steps == 21
    assert [trial.state.name for trial in study.trials].count("PAUSED") == 8
    assert [trial.budget for trial in study.trials] == [1, 3, 1, 9, 1, 3, 1, 1, 1]


def test_stopping_by_hand(play: Play) -> None:
    # 0 and 1 have nobody to lose against. 5 is the second of six, then the second of four.
    study, run = play(Asha(9, mode="stopping"), NINE)
    assert [trial.last_step for trial in study.trials] == [9, 9, 1, 9, 1, 9, 1, 1, 1]
    assert run.steps == 4 * 9 + 5
    assert not run.when("paused", "resumed")
    assert study.trials[2].value == 8.0


def test_nobody_waits() -> None:
    study = luthier.create_study(
        space=luthier.Space(x=luthier.Float(0, 9)), strategy="random", scheduler=Asha(9), seed=0
    )
    run = simulate(
        study, lambda p: Training([p["x"]] * 9, seconds=1 + p["x"]), workers=8, seconds=200.0
    )
    assert run.idle.max() == 0
    assert len(run.when("complete")) > 5


def test_where_nothing_has_finished_the_best_goes_to_the_end(play: Play) -> None:
    study, run = play(Asha(9), (5, 3))
    assert run.when("resumed", "complete") == [(2.0, 1, "resumed"), (10.0, 1, "complete")]
    assert study.best_trial.number == 1


def test_a_failed_finalist_is_replaced(play: Play) -> None:
    def table(params: Any) -> Training:
        return Training([3.0, OSError("gone")] if params["x"] == 3 else [params["x"]] * 9)

    study, _ = play(Asha(9), (5, 3), table)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "FAILED"]


@pytest.mark.parametrize("mode", ["promotion", "stopping"])
def test_nan_never_goes_on_before_a_number(play: Play, mode: str) -> None:
    def table(params: Any) -> Training:
        return Training([math.nan if params["x"] < 5 else params["x"]] * 9)

    study, _ = play(Asha(9, mode=mode), (6, 5, 1, 2, 3, 4), table)
    assert [trial.last_step for trial in study.trials][2:] == [1] * 4


def test_a_report_that_skips_rungs_counts_on_the_highest(play: Play) -> None:
    def table(params: Any) -> Training:
        return Training({4: params["x"], 9: params["x"]})

    study, _ = play(Asha(9, mode="stopping"), (1, 2, 3, 0), table)
    assert [trial.last_step for trial in study.trials] == [9, 4, 4, 9]


def test_the_end_is_the_end(play: Play) -> None:
    study, _ = play(Asha(9), (1,))
    trial = study.trials[0]
    for mode in ("promotion", "stopping"):
        assert Asha(9, mode=mode).decide(study.history, trial, 9) is Decision.CONTINUE
