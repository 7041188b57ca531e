"""Rules that only stop, in simulated time on one worker, beside what comes out by hand.

Trials report once a second; a full one has four steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from luthier.core.protocols import Scheduler
from luthier.schedulers import LearningCurve, Median, Patience, Percentile, Threshold
from luthier.testing.simulate import Training

if TYPE_CHECKING:
    from conftest import Play

CURVES = {
    3.0: (9.0, 6.0, 4.0, 3.0),
    7.0: (9.5, 8.0, 7.5, 7.0),
    5.0: (8.0, 8.0, 8.0, 5.0),
    2.0: (7.0, 5.0, 3.0, 2.0),
}


def table(params: Any) -> Training:
    return Training(list(CURVES[params["x"]]))


@pytest.mark.parametrize(
    ("scheduler", "ends"),
    [
        # 3 is first. At step 1, 9.5 is worse than its 9. Then 8 is better; at step 2, 8 is worse
        # than its 6. 2 is better at every step.
        (
            Percentile(50.0, n_startup_trials=1),
            [(4.0, 0, "complete"), (5.0, 1, "pruned"), (7.0, 2, "pruned"), (11.0, 3, "complete")],
        ),
        (
            Median(n_startup_trials=1, n_warmup_steps=2),
            [(4.0, 0, "complete"), (6.0, 1, "pruned"), (8.0, 2, "pruned"), (12.0, 3, "complete")],
        ),
        # 9.5 is out of bounds at once; 8, 8, 8 never are.
        (
            Threshold(upper=9.2),
            [(4.0, 0, "complete"), (5.0, 1, "pruned"), (9.0, 2, "complete"), (13.0, 3, "complete")],
        ),
        # Two reports that bring less than 1: 8 -> 7.5 -> 7 does (1 and 1.5 below 9.5, 8: 1 in two),
        # 8, 8, 8 does at its third.
        (
            Patience(2, min_delta=1.0),
            [(4.0, 0, "complete"), (8.0, 1, "pruned"), (11.0, 2, "pruned"), (15.0, 3, "complete")],
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, list) else "",
)
def test_by_hand(play: Play, scheduler: Scheduler, ends: list[tuple[float, int, str]]) -> None:
    study, run = play(scheduler, (3.0, 7.0, 5.0, 2.0), table)
    assert run.when("complete", "pruned") == ends
    assert run.steps == ends[-1][0]
    assert study.best_trial.number == 3
    assert run.seconds == ends[-1][0]


def test_a_curve_that_has_flattened_saves_its_rest(play: Play) -> None:
    """Two curves fall like 1/s to their x; the third lies flat, far above, and is left."""

    def falling(params: Any) -> Training:
        x = params["x"]
        return Training([x + (10.0 / step if x < 5 else 0.0) for step in range(1, 21)])

    study, run = play(LearningCurve(max_step=20), (1.0, 2.0, 8.0, 0.0), falling)
    (stopped,) = run.when("pruned")
    assert stopped[1] == 2
    assert 43.0 <= stopped[0] < 60.0  # after three points, and before its end
    assert run.steps == stopped[0] + 20
    assert [trial.state.name for trial in study.trials].count("COMPLETE") == 3
