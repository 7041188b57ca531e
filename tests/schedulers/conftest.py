from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from luthier.core.jobs import Decision
from luthier.core.objective import Objective
from luthier.core.protocols import Scheduler
from luthier.core.trial import TrialState
from luthier.space import Float, Space
from luthier.testing.rehearsal import Rehearsal

Curve = Mapping[int, float] | Sequence[float]
Decide = Callable[..., list[bool]]


@pytest.fixture
def stops() -> Decide:
    """Whether a scheduler stops a trial at each step of its curve, beside completed curves."""

    def play(
        scheduler: Scheduler,
        curve: Curve,
        others: Sequence[Curve] = (),
        *,
        direction: str = "minimize",
        metric: str = "value",
        state: TrialState = TrialState.COMPLETE,
    ) -> list[bool]:
        rehearsal = Rehearsal(Space(x=Float(0, 1)), objective=Objective.of(direction=direction))
        for other in others:
            trial = rehearsal.add({"x": 0.5})
            for step, value in _items(other):
                trial = rehearsal.report(trial, step, {metric: value})
            rehearsal.end(trial, state, value=1.0)
        running = rehearsal.add({"x": 0.5})
        decisions = []
        for step, value in _items(curve):
            running = rehearsal.report(running, step, {metric: value})
            decisions.append(scheduler.decide(rehearsal.history, running, step))
        return [decision is Decision.STOP for decision in decisions]

    return play


def _items(curve: Curve) -> list[tuple[int, float]]:
    return list(curve.items() if isinstance(curve, Mapping) else enumerate(curve))
