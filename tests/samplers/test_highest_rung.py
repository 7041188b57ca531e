from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.trial import TrialState
from luthier.samplers import HighestRung
from luthier.space import Float, Space
from luthier.testing.rehearsal import Rehearsal

RUNGS = (1, 3)
LINE = Space(x=Float(0, 1))


@dataclass
class Watching:
    """Remembers the histories that it is shown."""

    population: int | None = None
    shown: list[History] = field(default_factory=list)

    @property
    def spec(self) -> dict[str, Any]:
        return {"name": "watching"}

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        self.shown.append(history)
        return [Proposal({}, "watching")] * n


def halved() -> Rehearsal:
    """Of 24 trials the third nearest to 0.2 has gone on, to values below 1."""
    play, xs = Rehearsal(LINE), np.random.default_rng(0).random(24)
    for x in xs:
        trial = play.add({"x": float(x)})
        play.report(trial, 1, {"value": 1 + abs(x - 0.2)})
        if abs(x - 0.2) > np.sort(np.abs(xs - 0.2))[8]:
            play.end(trial, TrialState.PAUSED)
        else:
            play.report(trial, 3, {"value": abs(x - 0.25)})
            play.end(trial, value=abs(x - 0.25))
    return play


def test_the_highest_rung_with_enough_trials_is_shown() -> None:
    play, watching = halved(), Watching()
    play.propose(HighestRung(watching, RUNGS, 9))
    play.propose(HighestRung(watching, RUNGS, 10))
    play.propose(HighestRung(watching, RUNGS, 25))
    assert [len(history.completed) for history in watching.shown] == [9, 24, 9]
    assert watching.shown[0].Y.max() < 1 < watching.shown[1].Y.min()


def test_before_that_all_trials_are_shown() -> None:
    play, watching = Rehearsal(LINE), Watching()
    play.propose(HighestRung(watching, RUNGS))
    for x in np.linspace(0, 1, 7):
        play.report(play.add({"x": float(x)}), 1, {"value": x})
    play.propose(HighestRung(watching, RUNGS))
    play.report(play.add({"x": 0.5}), 1, {"value": 0.5})
    play.propose(HighestRung(watching, RUNGS))
    assert [len(history.completed) for history in watching.shown] == [0, 0, 8]


def test_enough_is_a_population_or_two_more_than_there_are_parameters() -> None:
    watching, wide = Watching(), Space({f"x{i}": Float(0, 1) for i in range(8)})
    play = Rehearsal(wide)
    for k in range(10):
        play.report(play.add(dict.fromkeys(wide, 0.1 * k)), 1, {"value": float(k)})
        play.propose(HighestRung(watching, RUNGS))
    assert [len(history.completed) for history in watching.shown] == [0] * 9 + [10]
    play = halved()
    play.propose(HighestRung(replace(watching, population=12), RUNGS))
    assert len(watching.shown[-1].completed) == 24
