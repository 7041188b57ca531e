"""A population in simulated time, beside what comes out by hand.

Four members on two workers report their x at every step of six, and are compared every two: 3, 1, 7
and 9. The worst quarter, one, copies the best; nothing is changed in a copy.
"""

from __future__ import annotations

import pytest

import luthier
from luthier.errors import CheckpointMissingError
from luthier.schedulers import PBT
from luthier.space import Float, Space
from luthier.testing.simulate import Simulation, Training, simulate

FOUR = (3.0, 1.0, 7.0, 9.0)


def population(
    xs: tuple[float, ...] = FOUR, *, synchronous: bool = True, checkpoints: bool = True
) -> tuple[luthier.Study, Simulation]:
    study = luthier.create_study(
        space=Space(x=Float(0, 10)),
        scheduler=PBT(6, len(xs), ready_every=2, explore="none", synchronous=synchronous),
        seed=0,
    )
    for x in xs:
        study.enqueue_trial({"x": x})
    run = simulate(study, lambda p: Training([p["x"]] * 6), 2, n_trials=40, checkpoints=checkpoints)
    return study, run


def test_synchronous_members_by_hand() -> None:
    study, run = population()
    assert run.when("started", "paused", "pruned", "resumed", "complete") == [
        (0.0, 0, "started"),
        (0.0, 1, "started"),
        (2.0, 0, "paused"),
        (2.0, 2, "started"),
        (2.0, 1, "paused"),
        (2.0, 3, "started"),
        (4.0, 2, "paused"),
        (4.0, 3, "paused"),
        (4.0, 3, "pruned"),
        (4.0, 4, "started"),
        (4.0, 0, "resumed"),
        (6.0, 4, "paused"),
        (6.0, 1, "resumed"),
        (6.0, 0, "paused"),
        (6.0, 2, "resumed"),
        (8.0, 1, "paused"),
        (8.0, 2, "paused"),
        (8.0, 2, "pruned"),
        (8.0, 5, "started"),
        (8.0, 0, "resumed"),
        (10.0, 5, "complete"),
        (10.0, 1, "resumed"),
        (10.0, 0, "complete"),
        (10.0, 4, "resumed"),
        (12.0, 1, "complete"),
        (12.0, 4, "complete"),
    ]
    assert [trial.params["x"] for trial in study.trials] == [*FOUR, 1.0, 1.0]
    assert [trial.last_step for trial in study.trials] == [6, 6, 4, 2, 6, 6]
    assert run.steps == 4 * 6  # nothing twice: a copy goes on where its donor was
    assert run.idle.tolist() == [0.0, 0.0]


def test_asynchronous_members_wait_for_nobody() -> None:
    study, run = population(synchronous=False)
    assert run.idle.sum() <= 4.0
    assert run.steps <= 4 * 6 + 2
    copies = [trial for trial in study.trials if trial.origin.parent is not None]
    assert copies
    for copy in copies:
        assert copy.params == study.trials[copy.origin.parent].params  # type: ignore[index]


def test_without_checkpoints_there_is_nothing_to_copy() -> None:
    with pytest.raises(CheckpointMissingError, match="Trial 1 is to be cloned"):
        population(checkpoints=False)
