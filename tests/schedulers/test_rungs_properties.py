"""What schedulers with rungs keep, whatever trials report and however many workers there are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import luthier
from luthier.schedulers import Asha, Hyperband, Pasha, SuccessiveHalving
from luthier.testing.simulate import Simulation, Training, simulate

Scheduler = SuccessiveHalving | Hyperband | Asha | Pasha
OBJECTIVES: tuple[Mapping[str, Any], ...] = (
    {},
    {"direction": "maximize"},
    {"metrics": {"value": "minimize", "mb": "maximize"}},
    {"constraints": ["mb <= 0.5"]},
)
FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class World:
    """A table drawn from a seed: some trials crash, some report NaN, some skip steps."""

    seed: int
    end: int

    def __call__(self, params: Mapping[str, Any]) -> Training:
        rng = np.random.default_rng([self.seed, int(params["x"] * 2**32)])
        every = int(rng.integers(1, 4))
        steps = sorted({*range(every, self.end, every), self.end})
        crash = rng.integers(self.end) if rng.random() < 0.15 else None
        values: dict[int, Any] = {}
        for step in steps:
            value = math.nan if rng.random() < 0.1 else rng.normal() + 1 / step
            values[step] = {"value": value, "mb": rng.random()}
            if crash is not None and step > crash:
                values[step] = OSError("crashed")
        return Training(values, seconds=float(rng.integers(1, 4)))


@st.composite
def plays(
    draw: st.DrawFn, kinds: tuple[str, ...], objectives: Sequence[Mapping[str, Any]] = OBJECTIVES
) -> tuple[Scheduler, luthier.Study, Simulation, int]:
    """A scheduler, and a study simulated under it."""
    kind, eta, end = draw(st.sampled_from(kinds)), draw(st.integers(2, 4)), draw(st.integers(1, 12))
    low = draw(st.integers(1, end))
    scheduler: Scheduler
    if kind == "halving":
        scheduler = SuccessiveHalving(end, low, eta, n=draw(st.integers(1, 12)))
    elif kind == "hyperband":
        scheduler = Hyperband(end, low, eta)
    elif kind == "pasha":
        scheduler = Pasha(end, low, eta)
    else:
        scheduler = Asha(end, low, eta, mode=kind)
    n, seed = draw(st.integers(1, 25)), draw(st.integers(0, 99))
    study = luthier.create_study(
        space=luthier.Space(x=luthier.Float(0, 1)),
        sampler="random",
        scheduler=scheduler,
        seed=seed,
        **draw(st.sampled_from(objectives)),
    )
    workers = draw(st.integers(1, 5))
    return scheduler, study, simulate(study, World(seed, end), workers, n_trials=n), n


ALL = ("halving", "hyperband", "promotion", "stopping", "pasha")


@FEW
@given(plays(ALL))
def test_budgets_add_up_and_nothing_runs_on(
    played: tuple[Scheduler, luthier.Study, Simulation, int],
) -> None:
    scheduler, study, run, n = played
    end = scheduler.rungs[-1]
    assert [trial.number for trial in study.trials] == list(range(n))
    assert run.steps == sum(trial.last_step or 0 for trial in study.trials)
    for trial in study.trials:
        assert (trial.last_step or 0) <= end
        assert trial.budget is not None
        assert trial.budget in scheduler.rungs
        assert trial.state.is_finished or trial.state.name == "PAUSED"
        if trial.state.name == "COMPLETE":
            assert trial.last_step == end


@FEW
@given(plays(ALL))
def test_only_paused_trials_are_resumed_and_on_a_higher_rung(
    played: tuple[Scheduler, luthier.Study, Simulation, int],
) -> None:
    _, study, run, _ = played
    last: dict[int, str] = {}
    reached: dict[int, int] = {}
    for event in run.events:
        if event.kind == "resumed":
            assert last[event.trial] == "paused"
        elif event.kind == "paused":
            assert event.step is not None
            assert event.step > reached.get(event.trial, -1)
            reached[event.trial] = event.step
        elif event.kind == "started":
            assert event.trial not in last
        last[event.trial] = event.kind
    for trial in study.trials:
        paused = trial.state.name == "PAUSED"
        assert (last[trial.number] == "paused") is paused


@FEW
@given(plays(("halving", "hyperband")))
def test_nobody_is_promoted_before_the_rung_is_full_and_nobody_starves(
    played: tuple[Scheduler, luthier.Study, Simulation, int],
) -> None:
    scheduler, study, run, n = played
    assert isinstance(scheduler, SuccessiveHalving | Hyperband)
    cycle = scheduler._cycle
    reached: dict[int, int] = {}
    out: set[int] = set()
    began: set[int] = set()
    promoted: dict[tuple[range, int], int] = {}
    for event in run.events:
        if event.kind == "started":
            began.add(event.trial)
        elif event.kind == "reported":
            reached[event.trial] = event.step or 0
        elif event.kind in ("failed", "pruned", "complete"):
            out.add(event.trial)
        elif event.kind == "resumed":
            bracket, members = cycle.of(event.trial)
            members = range(members.start, min(members.stop, n))
            rung = max(r for r in bracket.rungs[:-1] if r <= reached[event.trial])
            assert set(members) <= began
            assert all(reached.get(k, 0) >= rung or k in out for k in members)
            place = (members, bracket.rungs.index(rung))
            promoted[place] = promoted.get(place, 0) + 1
            assert promoted[place] <= bracket.places(place[1], len(members))
    assert all(trial.state.is_finished for trial in study.trials)


@FEW
@given(plays(("promotion", "pasha"), OBJECTIVES[:2]))
def test_asynchronous_halving_promotes_only_the_best_of_those_there(
    played: tuple[Scheduler, luthier.Study, Simulation, int],
) -> None:
    scheduler, study, run, n = played
    reports = [trial.reports.items_in_order() for trial in study.trials]
    sign = 1 if study.direction == "minimize" else -1
    reached: dict[int, int] = {}
    began: set[int] = set()
    running: set[int] = set()
    finished = False
    for event in run.events:
        if event.kind == "reported":
            reached[event.trial] = event.step or 0
        elif event.kind == "resumed" and (finished or running or len(began) < n):
            rung = max(r for r in scheduler.rungs if r <= reached[event.trial])
            order = []
            for number in (k for k, step in reached.items() if step >= rung):
                value = sign * next(m["value"] for s, m in reports[number] if s >= rung)
                order.append((math.isnan(value), 0.0 if math.isnan(value) else value, number))
            best = [number for *_, number in sorted(order)[: len(order) // scheduler.eta]]
            assert event.trial in best
        if event.kind in ("started", "resumed"):
            began.add(event.trial)
            running.add(event.trial)
        elif event.kind != "reported":
            running.discard(event.trial)
            finished |= event.kind == "complete"
    if not study.history.failed:
        assert finished


@pytest.mark.parametrize("kind", ALL)
def test_the_same_simulation_twice_is_the_same(kind: str) -> None:
    def once() -> tuple[Any, Any]:
        scheduler = {
            "halving": SuccessiveHalving(9),
            "hyperband": Hyperband(9),
            "promotion": Asha(9),
            "stopping": Asha(9, mode="stopping"),
            "pasha": Pasha(9),
        }[kind]
        study = luthier.create_study(
            space=luthier.Space(x=luthier.Float(0, 1)),
            sampler="random",
            scheduler=scheduler,
            seed=5,
        )
        run = simulate(study, World(3, 9), 3, n_trials=20)
        assert study.replay().exact
        return run.events, [(t.state, t.params, dict(t.reports)) for t in study.trials]

    assert repr(once()) == repr(once())
