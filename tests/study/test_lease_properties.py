"""Leases under any order of events: no two live owners, no trial lost, attempts bounded.

Machines ask, tell, report, release, fall silent, wake up and die, in any order and at any time.
Whoever is awake beats and looks in time; who is asleep does nothing, and wakes with all it held.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import luthier
from luthier import Trial, TrialState
from luthier.core.events import evolve
from luthier.errors import TrialLostError
from luthier.storages import MemoryStorage
from luthier.study.lease import Lease
from luthier.study.study import Study

LEASE = 60.0
MOST = 2
PLACES = st.integers(0, 2)
RUNS = st.integers(0, 9)


class Machine:
    """A study object on a machine of its own, what it holds, and whether it is awake."""

    def __init__(self, name: str, storage: MemoryStorage, world: Machines) -> None:
        self.study: Study = luthier.load_study(study_name="s", storage=storage)
        driver = self.study._driver
        driver.lease = Lease(storage, driver.record.id, f"{name}/1:b:2:3", lambda: world.now)
        self.awake = True
        self.always_awake = True
        self.runs: list[Trial] = []


class Machines(RuleBasedStateMachine):
    """Three machines on one study; one that dies is replaced by a new one."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.storage = MemoryStorage()
        luthier.create_study(
            study_name="s", storage=self.storage, seed=0, sampler="random", max_attempts=MOST
        )
        self.named = 0
        self.machines = [self.new_machine() for _ in range(3)]
        self.told: dict[int, float] = {}
        self.released: dict[int, int] = {}

    def new_machine(self) -> Machine:
        self.named += 1
        return Machine(f"machine-{self.named}", self.storage, self)

    @rule(place=PLACES)
    def ask(self, place: int) -> None:
        machine = self.machines[place]
        if machine.awake and len(machine.runs) < 4:
            trial = machine.study.ask()
            trial.suggest_float("x", 0, 1)
            machine.runs.append(trial)

    @rule(place=PLACES, run=RUNS, value=st.integers(0, 99))
    def tell(self, place: int, run: int, value: int) -> None:
        machine = self.machines[place]
        if not machine.awake or not machine.runs:
            return
        trial = machine.runs.pop(run % len(machine.runs))
        try:
            machine.study.tell(trial, float(value))
        except TrialLostError:
            assert not machine.always_awake, "a beating worker was robbed"
        else:
            assert trial.number not in self.told, "a trial was told twice"
            self.told[trial.number] = float(value)

    @rule(place=PLACES, run=RUNS)
    def report(self, place: int, run: int) -> None:
        machine = self.machines[place]
        if machine.awake and machine.runs:
            machine.runs[run % len(machine.runs)].report(0.5, 1)

    @rule(place=PLACES, run=RUNS)
    def release(self, place: int, run: int) -> None:
        machine = self.machines[place]
        if machine.awake and machine.runs:
            trial = machine.runs.pop(run % len(machine.runs))
            machine.study._driver.release(trial.number, "for another")
            record = machine.study.trials[trial.number]
            if record.state is TrialState.WAITING and record.attempt == trial.attempt:
                self.released[trial.number] = self.released.get(trial.number, 0) + 1

    @rule(seconds=st.sampled_from([1.0, 15.0, 60.0, 200.0]))
    def go_on(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + LEASE / 4)
            for machine in self.machines:
                if machine.awake:
                    driver = machine.study._driver
                    driver.lease.tick()
                    driver.lease.gone(driver.refresh().running)

    @rule(place=PLACES)
    def fall_asleep_or_wake(self, place: int) -> None:
        machine = self.machines[place]
        machine.awake, machine.always_awake = not machine.awake, False

    @rule(place=PLACES)
    def die(self, place: int) -> None:
        self.machines[place] = self.new_machine()

    @rule(place=PLACES, dies=st.booleans())
    def lose_what_is_asked(self, place: int, dies: bool) -> None:
        machine = self.machines[place]
        if machine.awake:
            self.ask(place)
            self.die(place) if dies else self.fall_asleep_or_wake(place)
            self.go_on(2 * LEASE)

    def records(self) -> list[Any]:
        return sorted(self.storage.changes_since(1, 0).trials, key=lambda t: t.number)

    @invariant()
    def one_owner_at_most(self) -> None:
        for record in self.records():
            owners = [
                (machine, trial)
                for machine in self.machines
                for trial in machine.runs
                if trial.number == record.number and not trial.is_lost(record)
            ]
            assert len(owners) <= 1
            if record.state is not TrialState.RUNNING:
                assert owners == []

    @invariant()
    def attempts_are_bounded(self) -> None:
        for record in self.records():
            assert record.lapses <= MOST
            failed = record.state is TrialState.FAILED
            assert failed == (record.lapses == MOST)
            claims = 1 + record.lapses + self.released.get(record.number, 0)
            waits = record.state is TrialState.WAITING
            assert record.attempt == claims - failed - waits

    @invariant()
    def results_are_those_told(self) -> None:
        complete = {t.number: t.value for t in self.records() if t.state is TrialState.COMPLETE}
        assert complete == self.told

    def teardown(self) -> None:
        """One machine that is left to itself brings every trial to its end."""
        for place in range(3):
            self.die(place)
        last = self.machines[0]
        waiting = True
        while waiting:
            last.study._driver.start(new=False)
            self.go_on(LEASE / 4)
            history = last.study.history
            for record in history.running:
                if record.worker == last.study._driver.lease.worker:
                    last.study.tell(record.number, 1.0)
            waiting = bool(last.study.history.pending)
        assert [t.number for t in self.records()] == list(range(len(self.records())))
        assert all(t.state.is_finished for t in self.records())
        assert self.storage.heartbeats(1) == {}, "a counter was left behind"
        assert last.study.replay().exact
        folded: dict[int, Any] = {}
        for event in self.storage.events(1):
            if event.number is not None:
                folded[event.number] = evolve(folded.get(event.number), event)
        assert repr(sorted(folded.values(), key=lambda t: t.number)) == repr(self.records())


TestMachines = Machines.TestCase
TestMachines.settings = settings(max_examples=40, stateful_step_count=50, deadline=None)


def test_who_wakes_without_its_trial_leaves_no_counter() -> None:
    world = Machines()
    world.ask(2)
    world.fall_asleep_or_wake(2)
    world.go_on(200.0)
    world.ask(0)
    world.fall_asleep_or_wake(2)
    world.go_on(1.0)
    world.teardown()
