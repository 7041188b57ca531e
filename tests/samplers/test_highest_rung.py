"""Which history a sampler is shown under a scheduler with rungs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.rng import generator
from luthier.core.trial import TrialState
from luthier.errors import ArgumentError
from luthier.samplers import TPE, HighestRung, Random
from luthier.space import Float, Space
from luthier.strategies import make_sampler
from luthier.testing.rehearsal import Rehearsal

SPACE = Space(x=Float(0, 1))


class Spy:
    """Keeps the history that it was shown."""

    spec: Mapping[str, Any] = {"name": "spy"}
    population = None

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        self.shown = history
        return [Proposal({"x": 0.5}, "spied")] * n


def shown(sampler: HighestRung, last_steps: list[int]) -> list[tuple[int, float]]:
    """The completed trials that are shown, where trials have reported 10 - step at each step."""
    play = Rehearsal(SPACE)
    for last in last_steps:
        trial = play.add({"x": 0.5})
        for step in range(1, last + 1):
            trial = play.report(trial, step, {"value": 10.0 - step})
        play.end(trial, TrialState.PAUSED)
    sampler.suggest(SPACE, play.history, 1, generator(0, 0))
    history = sampler.sampler.shown  # type: ignore[attr-defined]
    return [(t.number, t.metric_values[0]) for t in history.completed]


def test_the_highest_rung_with_enough_trials() -> None:
    sampler = HighestRung(Spy(), [1, 3, 9], min_trials=2)
    assert shown(sampler, [1]) == []
    assert shown(sampler, [1, 1]) == [(0, 9.0), (1, 9.0)]
    assert shown(sampler, [3, 1, 1]) == [(0, 9.0), (1, 9.0), (2, 9.0)]
    assert shown(sampler, [3, 1, 4]) == [(0, 7.0), (2, 7.0)]
    assert shown(sampler, [9, 3, 9, 1]) == [(0, 1.0), (2, 1.0)]


def test_how_many_are_enough() -> None:
    assert len(shown(HighestRung(Spy(), [1]), [1] * 7)) == 0
    assert len(shown(HighestRung(Spy(), [1]), [1] * 8)) == 8
    populous = Spy()
    populous.population = 10  # type: ignore[assignment]
    assert len(shown(HighestRung(populous, [1]), [1] * 9)) == 0
    assert len(shown(HighestRung(populous, [1]), [1] * 10)) == 10


def test_values_that_say_nothing_are_not_enough() -> None:
    play = Rehearsal(SPACE)
    for value in (float("nan"), 1.0):
        trial = play.report(play.add({"x": 0.5}), 3, {"value": value})
        play.end(trial, TrialState.PAUSED)
    spy = Spy()
    HighestRung(spy, [1, 3], min_trials=2).suggest(SPACE, play.history, 1, generator(0, 0))
    assert len(spy.shown.completed) == 0


def test_spec_rebuilds_it() -> None:
    sampler = HighestRung(TPE(), [9, 1, 3], min_trials=4)
    assert sampler.spec["rungs"] == [1, 3, 9]
    rebuilt = make_sampler(sampler.spec)
    assert rebuilt == sampler
    assert hash(rebuilt) == hash(sampler)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None, [1]), "sampler must be a sampler"),
        ((Random(), []), "rungs must be steps"),
        ((Random(), [1, -3]), "rungs must be steps"),
        ((Random(), [1], -1), "min_trials must be a whole number"),
    ],
)
def test_what_makes_no_sense(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        HighestRung(*arguments)
