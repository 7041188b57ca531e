from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from luthier.core.trial import TrialState
from luthier.samplers import GP
from luthier.samplers.gp.edge import halfway
from luthier.space import Categorical, Float, Space
from luthier.testing.rehearsal import Rehearsal

SQUARE = Space(x=Float(0, 1), y=Float(0, 1))
NONE = np.array([], dtype=np.intp)


def test_the_nearest_crash_is_that_by_length_scales() -> None:
    crashed = np.array([[0.5, 0.9], [0.8, 0.5]])
    here = np.array([0.5, 0.5])
    assert halfway(here, crashed, np.array([1.0, 1.0]), NONE) == pytest.approx([0.65, 0.5])
    assert halfway(here, crashed, np.array([0.1, 1.0]), NONE) == pytest.approx([0.5, 0.7])


def test_only_crashes_with_the_same_choices_count() -> None:
    crashed = np.array([[0.9, 1.0], [0.1, 0.0], [0.8, np.nan]])
    choices = np.array([1])
    found = halfway(np.array([0.5, 0.0]), crashed, np.ones(2), choices)
    assert found == pytest.approx([0.3, 0.0])
    inactive = halfway(np.array([0.5, np.nan]), crashed, np.ones(2), choices)
    assert inactive is not None
    assert inactive[0] == pytest.approx(0.65)
    assert halfway(np.array([0.5, 2.0]), crashed, np.ones(2), choices) is None
    assert halfway(np.array([0.5, 0.0]), crashed[:0], np.ones(2), choices) is None


def played(objective: Any, n: int, seed: int) -> Rehearsal:
    play = Rehearsal(SQUARE, seed=seed)
    for _ in range(n):
        [trial] = play.start(GP())
        value = objective(**trial.params)
        if value is None:
            play.end(trial, TrialState.FAILED)
        else:
            play.end(trial, value=value)
    return play


def test_the_best_on_an_edge_is_found_by_bisection() -> None:
    def objective(x: float, y: float) -> float | None:
        return None if x + y < 0.8 else x + y + 0.1 * (x - 0.4) ** 2

    gaps = []
    for seed in range(3):
        history = played(objective, 60, seed).history
        halved = [t for t in [*history.completed, *history.failed] if "half" in t.origin.reason]
        assert {t.number % 4 for t in halved} == {2}
        assert min(t.number for t in halved) >= 12
        assert len(history.failed) <= 30
        gaps.append(min(t.value for t in history.completed if t.value is not None) - 0.8)
    assert np.median(gaps) < 0.005


def test_crashes_that_lead_away_from_the_best_are_left_alone() -> None:
    def objective(x: float, y: float) -> float | None:
        return None if x > 0.8 else (x - 0.3) ** 2 + (y - 0.3) ** 2

    history = played(objective, 50, 0).history
    assert history.failed
    trials = [*history.completed, *history.failed]
    assert sum("halfway" in t.origin.reason for t in trials) <= 2


def test_where_choices_crash_nothing_is_halved() -> None:
    space = Space(kind=Categorical(["works", "crashes"]), x=Float(0, 1))
    play = Rehearsal(space, seed=0)
    for _ in range(30):
        [trial] = play.start(GP())
        if trial.params["kind"] == "crashes":
            play.end(trial, TrialState.FAILED)
        else:
            play.end(trial, value=trial.params["x"])
    assert play.history.failed
    assert not any("halfway" in t.origin.reason for t in play.history.completed)
