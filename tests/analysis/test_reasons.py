"""Why trials were made, as samplers recorded it."""

from __future__ import annotations

import luthier
from luthier import Float, Space
from luthier.analysis import reasons
from luthier.analysis.reasons import kind_of
from luthier.core.trial import FrozenTrial, Origin

SPACE = Space(x=Float(0, 1), y=Float(0, 1))


def test_phases_of_a_search() -> None:
    study = luthier.create_study(space=SPACE, strategy="tpe", seed=0)
    study.enqueue_trial({"x": 0.3, "y": 0.3})
    study.optimize(lambda trial: trial.params["x"] + trial.params["y"], n_trials=30)
    found = reasons(study.history, SPACE)
    texts = [stretch.text for stretch in found.stretches]
    assert texts[0] == "enqueued by the user"
    assert texts[1] == "start: sobol point …"
    assert found.stretches[1].first == 1
    assert [row.trials for row in found.rows] == sorted(
        (r.trials for r in found.rows), reverse=True
    )
    assert sum(row.trials for row in found.rows) == len(found.numbers) == 30
    assert min(row.best for row in found.rows if row.best is not None) == study.best_value


def test_improvements_belong_to_who_made_them() -> None:
    study = luthier.create_study(space=SPACE, strategy="random", seed=0)
    study.enqueue_trial({"x": 0.9, "y": 0.9})
    study.enqueue_trial({"x": 0.0, "y": 0.0})
    study.optimize(lambda trial: trial.params["x"] + trial.params["y"], n_trials=10)
    rows = {row.text: row for row in reasons(study.history, SPACE).rows}
    assert rows["enqueued by the user"].improvements == 1  # the first value isn't one
    assert rows["drawn at random from the prior"].improvements == 0


def test_particulars_are_left_out() -> None:
    said = {
        "LogEI on GP, 31 points, near the best": "LogEI on GP, near the best",
        "LogEI on 16 trees, 8 points, 3 failures, 2 running": "LogEI on … trees",
        "grid cell 3 of 12": "grid cell … of …",
        "": "no reason recorded",
        "12 points": "… points",
    }
    for reason, kind in said.items():
        assert kind_of(FrozenTrial(number=0, origin=Origin("{}", reason))) == kind


def test_live_trials_have_reasons_too() -> None:
    study = luthier.create_study(space=SPACE, seed=0)
    assert str(reasons(study.history, SPACE)) == "No trial has been made yet."
    study.ask()
    [row] = reasons(study.history, SPACE).rows
    assert (row.trials, row.best) == (1, None)
