from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import luthier
from luthier.core.history import History
from luthier.core.jobs import Decision, Proposal
from luthier.core.objective import Objective
from luthier.core.protocols import Scheduler
from luthier.core.trial import TrialState
from luthier.space import Float, Space
from luthier.testing.rehearsal import Rehearsal
from luthier.testing.simulate import Simulation, Table, Training, simulate

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


@dataclass(frozen=True)
class Scripted:
    """Gives trial n the n-th of some values of x."""

    values: tuple[float, ...]

    @property
    def spec(self) -> dict[str, Any]:
        return {"name": "scripted", "values": list(self.values)}

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        return [Proposal({"x": x}, "scripted") for x in self.values[history.next_number :][:n]]


Play = Callable[..., tuple[luthier.Study, Simulation]]


@pytest.fixture
def play() -> Play:
    """Simulate trials whose x is given in turn; without a table they report x at each step."""

    def simulated(
        scheduler: Scheduler,
        xs: Sequence[float],
        table: Table | None = None,
        *,
        workers: int = 1,
        more: Mapping[str, Any] | None = None,
    ) -> tuple[luthier.Study, Simulation]:
        study = luthier.create_study(
            space=Space(x=Float(0, 100)),
            sampler=Scripted(tuple(map(float, xs))),
            scheduler=scheduler,
            **(more or {}),
        )
        flat = table or (lambda params: Training([params["x"]] * scheduler.rungs[-1]))  # type: ignore[attr-defined]
        return study, simulate(study, flat, workers, n_trials=len(xs))

    return simulated
