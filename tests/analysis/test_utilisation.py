"""Where the time went, on timetables drawn by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from luthier import Float, Space
from luthier.analysis import utilisation
from luthier.core.trial import TrialState
from luthier.testing.rehearsal import Rehearsal

SPACE = Space(x=Float(0, 1))
DONE, PRUNED, FAILED = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED


def timed(*trials: Any) -> Any:
    """Of (start, end, work, state, attempt)."""
    play = Rehearsal(SPACE)
    for start, end, work, state, attempt in trials:
        trial = play.add({"x": 0.5})
        play._apply(replace(trial, started=start, finished=end, attempt=attempt))
        play.end(trial, state, value=1.0, cost=work)
    return utilisation(play.history, SPACE)


def test_two_slots() -> None:
    found = timed(
        (0, 10, 9, DONE, 1),
        (0, 4, 4, PRUNED, 1),
        (5, 10, 5, FAILED, 1),
        (11, 20, 8, DONE, 1),
    )
    assert (found.n, found.slots, found.wall, found.away) == (4, 2, 20, 0)
    assert (found.completed, found.pruned, found.failed) == (17, 4, 5)
    assert found.busy == pytest.approx(26 / 40)
    assert {span.number: span.slot for span in found.spans} == {1: 0, 0: 1, 2: 0, 3: 1}
    assert found.between == 2
    assert found.handling == 2
    assert found.overhead == pytest.approx(0.5 + 1)
    assert "26 s of work in 20 s, on 2 slots, busy 65% of the time." in str(found)
    assert "65% on completed trials, 15% on pruned trials, 19% on failed trials" in str(found)


def test_a_night_isn_t_idle() -> None:
    found = timed((0, 10, 10, DONE, 1), (10, 20, 10, DONE, 1), (50000, 50010, 10, DONE, 1))
    assert found.away == 49980
    assert found.busy == 1
    assert found.between == 0
    assert "away for 14 h" in str(found)


def test_paused_trials_wait() -> None:
    found = timed((0, 100, 10, DONE, 2), (10, 90, 80, DONE, 1))
    assert found.waiting == 90
    assert found.handling == 0
    assert found.slots == 1  # it held no slot in its pauses
    assert "waited for 90 s" in str(found)


def test_short_trials_cost_more_than_they_work() -> None:
    many = timed(*((k, k + 0.5, 0.1, DONE, 1) for k in range(20)))
    assert many.overhead == pytest.approx(0.9)
    assert "Trials are short" in str(many)
    idle = timed(*((k * 10, k * 10 + 2, 2, DONE, 1) for k in range(8)), (0, 2, 2, DONE, 1))
    assert "Half of the slots' time is idle" in str(idle)


def test_trials_without_times_are_left_out() -> None:
    play = Rehearsal(SPACE)
    play.end(play.add({"x": 0.5}), value=1.0)
    assert str(utilisation(play.history, SPACE)) == "No finished trial has times."
