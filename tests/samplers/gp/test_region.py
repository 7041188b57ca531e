from __future__ import annotations

import numpy as np
import pytest

from luthier.core.jobs import Proposal
from luthier.samplers.gp.region import IN_BOX, box, side_length
from luthier.space import Float, Space
from luthier.testing.rehearsal import Rehearsal


def side_after(values: list[float], local: bool = True) -> float:
    play = Rehearsal(Space(x=Float(0, 1)))
    for value in values:
        data = {IN_BOX: True} if local else {}
        trial = play.add({"x": 0.5}, proposal=Proposal({"x": 0.5}, "test", data=data))
        play.end(trial, value=value)
    return side_length(play.history, play.history.Y[:, 0], 1)


@pytest.mark.parametrize(
    ("values", "side"),
    [
        ([], 0.8),
        ([3.0], 0.8),
        ([3.0, 2.0], 1.6),
        ([3.0, 2.0, 1.0, 0.0], 1.6),
        ([3.0, 3.0, 3.0, 3.0, 3.0], 0.4),
        ([3.0, 4.0, 4.0, 4.0, 2.0, 4.0, 4.0, 4.0], 0.8),
        ([0.0] * 26, 0.8 / 64),
        ([0.0] * 29, 0.4),
    ],
)
def test_it_grows_with_success_and_shrinks_without(values: list[float], side: float) -> None:
    assert side_after(values) == side


def test_trials_elsewhere_do_not_count() -> None:
    assert side_after([3.0, 2.0, 1.0], local=False) == 0.8


def test_sides_follow_length_scales_within_limits() -> None:
    lo, hi = box(np.array([0.5, 0.5, 0.5]), np.array([0.1, 1.0, 1000.0]), 0.1)
    assert (hi - lo).round(4).tolist() == [0.02, 0.0215, 0.5]
    lo, hi = box(np.array([0.0, 1.0]), np.array([1.0, 1.0]), 0.4)
    assert (lo.tolist(), hi.tolist()) == ([0.0, 0.8], [0.2, 1.0])
