"""Leases: who is silent loses its trials, who beats never does, and nobody's clock is read."""

from __future__ import annotations

import gc
import math
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier import Trial, TrialState
from luthier.core.checkpoint import Checkpoint
from luthier.core.jobs import Decision, Outcome
from luthier.core.protocols import Storage
from luthier.core.trial import changed
from luthier.core.worker import this_worker
from luthier.errors import ArgumentError, StorageError, TrialLostError, TrialStateError
from luthier.storages import MemoryStorage
from luthier.study.lease import Lease, Terms, Watch
from luthier.study.study import Study

LEASE = 60.0


class World:
    """Machines with a study object each on one storage, under a clock that is told to go on."""

    def __init__(self, storage: Storage | None = None, **options: Any) -> None:
        self.now = 0.0
        self.storage = MemoryStorage() if storage is None else storage
        luthier.create_study(study_name="s", storage=self.storage, seed=0, **options)
        self.machines = 0

    def machine(self) -> Study:
        study = luthier.load_study(study_name="s", storage=self.storage)
        driver = study._driver
        driver.refresh()
        name = f"machine-{self.machines}/1:boot:7:9"
        terms, self.machines = driver.lease.terms, self.machines + 1
        driver.lease = Lease(self.storage, driver.record.id, name, lambda: self.now)
        driver.lease.terms = terms
        return study

    def go_on(self, seconds: float, *living: Study) -> None:
        """Let time pass, in steps of a quarter lease at which the living beat and look."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + LEASE / 4)
            for study in living:
                study._driver.lease.tick()

    def rows(self) -> set[str]:
        record = self.storage.load_study("s")
        return {worker.partition("/")[0] for worker in self.storage.heartbeats(record.id)}


def suspects(study: Study) -> bool:
    """Let a study look for orphans, as it does before it starts anything."""
    history = study._driver.refresh()
    return bool(study._driver.lease.gone(history.running))


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "memory":
        return World()
    world = World(luthier.open_storage(tmp_path / "runs.db"))
    monkey = request.getfixturevalue("monkeypatch")
    monkey.setattr(threading.Thread, "start", lambda self: None)  # only `go_on` lets it beat
    return world


def test_a_trial_of_a_silent_worker_is_run_again_and_its_late_result_refused(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = world.machine(), world.machine()
    lost = first.ask()
    x = lost.suggest_float("x", 0, 1)
    assert not suspects(second)
    world.go_on(LEASE - 1, second)
    assert not suspects(second)
    world.go_on(LEASE / 2, second)
    again = second.ask()
    assert (again.number, again.attempt, again.suggest_float("x", 0, 1)) == (0, 2, x)
    record = second.trials[0]
    assert (record.state, record.lapses) == (TrialState.RUNNING, 1)
    assert "Trial 0 runs again: machine-0/1:boot:7:9 is gone." in caplog.text
    with pytest.raises(TrialLostError, match=r"taken up by another.*RUNNING at attempt 2.*longer"):
        first.tell(lost, 9.0)
    assert "result is of attempt 1 and is refused" in caplog.text
    assert second.tell(again, 1.0).value == 1.0
    with pytest.raises(TrialLostError, match="COMPLETE at attempt 2, the result is of attempt 1"):
        first.tell(lost, 9.0)
    assert first.tell(lost, 9.0, skip_if_finished=True).value == 1.0
    assert first.ask().number == 1
    assert second.replay().exact


def test_a_worker_that_beats_is_never_robbed(world: World) -> None:
    first, second = world.machine(), world.machine()
    trial = first.ask()
    for _ in range(10):
        world.go_on(LEASE, first, second)
        assert not suspects(second)
    assert second.ask().number == 1
    assert first.tell(trial, 1.0).lapses == 0


def test_only_silence_that_was_watched_counts(world: World) -> None:
    first, second = world.machine(), world.machine()
    trial = first.ask()
    assert not suspects(second)
    world.go_on(LEASE / 2, second)
    world.now += 1000 * LEASE  # the second was stopped; whether the first was it can't know
    second._driver.lease.tick()
    assert not suspects(second)
    first._driver.lease.tick()
    world.go_on(LEASE / 2, second)
    assert not suspects(second)
    assert first.tell(trial, 1.0).state is TrialState.COMPLETE


def test_a_beat_at_the_last_moment_counts(world: World) -> None:
    first, second = world.machine(), world.machine()
    first.ask()
    suspects(second)
    world.go_on(2 * LEASE, second)
    first._driver.lease.tick()
    assert not suspects(second)  # it looks once more before it claims


def test_a_run_that_pauses_at_the_last_moment_is_left_to_the_scheduler(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = world.machine(), world.machine()
    slow = first.ask()
    suspects(second)
    world.go_on(2 * LEASE, second)
    claim = world.storage.claim

    def late(*seen: Any, **more: Any) -> Any:
        first._driver.finish(0, slow.outcome(TrialState.PAUSED))
        return claim(*seen, **more)

    with monkeypatch.context() as patch:
        patch.setattr(world.storage, "claim", late)
        assert second.ask().number == 1
    assert [(t.state.name, t.attempt) for t in second.trials] == [("PAUSED", 1), ("RUNNING", 1)]


def test_nobody_falls_silent_while_the_storage_fails(caplog: pytest.LogCaptureFixture) -> None:
    storage = Failing()
    world = World(storage)
    first, second = world.machine(), world.machine()
    trial = first.ask()
    suspects(second)
    world.go_on(LEASE / 2, first, second)
    storage.fails = True
    pauses = [first._driver.lease.tick() for _ in range(6)]
    world.go_on(10 * LEASE, first, second)
    assert pauses == [LEASE / 32, LEASE / 16, LEASE / 8, LEASE / 4, LEASE / 4, LEASE / 4]
    assert caplog.text.count("machine-0/1:boot:7:9 can't show that it lives") == 1
    storage.fails = False
    second._driver.lease.tick()
    assert not suspects(second)
    world.go_on(LEASE / 2, second)  # the first tries again, but late
    assert not suspects(second)
    assert first._driver.lease.tick() == LEASE / 4
    assert first.tell(trial, 1.0).state is TrialState.COMPLETE


class Failing(MemoryStorage):  # type: ignore[misc]
    """A storage that can be made to refuse heartbeats."""

    fails = False

    def heartbeat(self, study: int, worker: str, at: float) -> None:
        if self.fails:
            raise StorageError("The disk must be able to write.")
        super().heartbeat(study, worker, at)


def lose(world: World, times: int) -> Study:
    """Have as many workers in turn take the next trial and fall silent; return a living one."""
    for _ in range(times):
        study = world.machine()
        suspects(study)
        world.go_on(2 * LEASE, study)
        study.ask()
    last = world.machine()
    suspects(last)
    world.go_on(2 * LEASE, last)
    return last


def test_a_trial_that_has_lost_three_workers_fails(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    study = lose(world, 3)
    assert (study.trials[0].attempt, study.trials[0].lapses) == (3, 2)
    events: list[Any] = []
    study.subscribe(events.append)
    assert study.ask().number == 1
    failed = study.trials[0]
    assert (failed.state, failed.attempt, failed.lapses) == (TrialState.FAILED, 3, 3)
    assert failed.error is not None
    assert "without a further checkpoint: 3; max_attempts is 3" in failed.error
    assert "Trial 0 failed: Runs that lost their worker" in caplog.text
    assert [type(event).__name__ for event in events] == ["TrialFailed", "TrialStarted"]
    assert study.replay().exact


@pytest.mark.parametrize(("most", "state"), [(1, "FAILED"), (math.inf, "RUNNING")])
def test_max_attempts_is_the_studys(most: float, state: str) -> None:
    world = World(max_attempts=most)
    study = lose(world, 1 if most == 1 else 7)
    study.ask()
    assert study.trials[0].state.name == state


def test_a_trial_that_gets_on_is_not_given_up() -> None:
    world = World()
    for step in range(1, 8):
        study = lose(world, 0)
        trial = study.ask()
        assert trial.number == 0
        trial.report(0.5, step)
        trial.save_checkpoint(b"so far")
    record = lose(world, 2).trials[0]
    assert (record.attempt, record.lapses, record.lapsed_at) == (9, 2, 7)
    study = lose(world, 0)
    assert study.ask().number == 1
    assert study.trials[0].state is TrialState.FAILED


def test_who_never_loads_what_it_saves_does_not_get_on() -> None:
    world = World()
    for _ in range(3):
        study = lose(world, 0)
        trial = study.ask()
        for step in range(1, 4):
            trial.report(0.5, step)
            trial.save_checkpoint(b"for nobody")
    study = lose(world, 0)
    assert study.ask().number == 1
    assert study.trials[0].state is TrialState.FAILED


def test_pauses_releases_and_resumption_are_no_lapses(world: World) -> None:
    study = world.machine()
    for _ in range(5):
        number = study.ask().number
        study._driver.release(number, "left for later")
    trial = study.ask()
    assert (trial.number, trial.attempt, study.trials[0].lapses) == (0, 6, 0)
    assert study.tell(trial, 1.0).lapses == 0


def test_a_run_that_has_lost_its_trial_changes_nothing_of_it(world: World) -> None:
    first, second = world.machine(), world.machine()
    lost = first.ask()
    lost.report(0.5, 1)
    suspects(second)
    world.go_on(2 * LEASE, second)
    again = second.ask()
    first._driver.refresh()
    before = second._driver.ledger.version
    lost.report(0.25, 2)
    assert lost.should_prune()
    assert first._driver.report(0, 3, {"value": 0.1}, 1) is Decision.STOP
    lost.set_user_attr("from", "the past")
    with pytest.raises(TrialLostError, match="must be RUNNING at attempt 1.*drop this result"):
        first._driver.checkpoint(0, Checkpoint(1, "ab", 1), 1)
    late = Outcome(TrialState.COMPLETE, {}, {"value": 9.0})
    first._driver.release(0, "interrupted")
    first._driver.lease.take(changed(first.trials[0], attempt=1))
    assert first._driver.finish(0, late) is None
    first._driver.start()  # flushes
    assert [t.number for t in second.trials if t.version > before] == [1]
    assert second.tell(again, 1.0).user_attrs == {}


def test_a_driver_takes_up_no_trial_that_it_still_runs(world: World) -> None:
    first, second = world.machine(), world.machine()
    lost = first.ask()
    suspects(second)
    world.go_on(2 * LEASE, second)
    again = second.ask()
    assert again.number == lost.number
    suspects(first)
    world.go_on(2 * LEASE, first)
    assert first.ask().number == 1
    with pytest.raises(TrialLostError):
        first.tell(lost, 9.0)
    third = first.ask()
    assert (third.number, third.attempt) == (0, 3)
    with pytest.raises(TrialLostError):
        first.tell(lost, 9.0)
    assert first.tell(third, 1.0).lapses == 2


def test_optimize_goes_on_after_it_lost_a_trial(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    first, second = world.machine(), world.machine()

    def objective(trial: Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        if trial.number == 1 and trial.attempt == 1:  # stopped for hours
            suspects(second)
            world.go_on(2 * LEASE, second)
            second.tell(second.ask(), -1.0)
            trial.save_checkpoint(b"late")
        return x

    first.optimize(objective, n_trials=4, catch=())
    assert [t.state.name for t in first.trials] == ["COMPLETE"] * 4
    assert first.trials[1].value == -1.0
    assert "The result of trial 1 was refused" in caplog.text


def test_counters_of_those_without_trials_go(world: World) -> None:
    first, second = world.machine(), world.machine()
    trials = [first.ask(), first.ask()]
    world.go_on(LEASE, first)
    assert world.rows() == {"machine-0"}
    first.tell(trials[0], 1.0)
    assert world.rows() == {"machine-0"}
    first.tell(trials[1], 1.0)
    assert world.rows() == set()
    first.ask()
    suspects(second)
    world.go_on(3 * LEASE, second)
    assert world.rows() == set()
    second.ask()
    world.go_on(LEASE / 4, second)
    assert world.rows() == {"machine-1"}


def test_the_counter_of_a_lost_worker_goes_with_its_last_trial(world: World) -> None:
    first, second = world.machine(), world.machine()
    first.ask(), first.ask()
    world.go_on(LEASE, first)
    suspects(second)
    world.go_on(2 * LEASE, second)
    second.ask()
    assert world.rows() == {"machine-0"}
    second.ask()
    assert "machine-0" not in world.rows()


def test_a_trial_told_by_another_process_is_held_no_more(world: World) -> None:
    first, second = world.machine(), world.machine()
    number = first.ask().number
    world.go_on(LEASE, first)
    second.tell(number, 1.0)
    first._driver.refresh()
    assert world.rows() == set()
    assert first._driver.lease.tick() is None


def test_a_longer_lease_reaches_drivers_at_work(world: World) -> None:
    first, second = world.machine(), world.machine()
    first.ask()
    suspects(second)
    luthier.create_study(study_name="s", storage=world.storage, load_if_exists=True, lease="10 min")
    assert not suspects(second)
    world.go_on(9.9 * LEASE, second)
    assert not suspects(second)
    world.go_on(LEASE, second)
    assert suspects(second)


def test_without_lapses_silence_means_nothing() -> None:
    world = World(lease=math.inf)
    first, second = world.machine(), world.machine()
    first.ask()
    assert not suspects(second)
    world.go_on(100 * LEASE, second)
    assert not suspects(second)
    assert world.rows() == set()


def test_terms_are_kept_unless_others_are_given() -> None:
    storage = luthier.open_storage(None)
    options: dict[str, Any] = {"study_name": "s", "storage": storage, "load_if_exists": True}

    def terms() -> Terms:
        study = luthier.load_study(study_name="s", storage=storage)
        study._driver.refresh()
        return study._driver.lease.terms

    luthier.create_study(**options)
    assert terms() == Terms(60.0, 3)
    assert storage.events(1) == []
    luthier.create_study(**options, lease="5 min")
    luthier.create_study(**options, max_attempts=math.inf)
    luthier.create_study(**options)
    assert terms() == Terms(300.0, math.inf)
    luthier.create_study(**options, lease=math.inf, max_attempts=2)
    assert terms() == Terms(math.inf, 2)
    copy = luthier.copy_study(
        from_study_name="s", from_storage=storage, to_storage=storage, to_study_name="t"
    )
    copy._driver.refresh()
    assert copy._driver.lease.terms == Terms(math.inf, 2)


@pytest.mark.parametrize("lease", [0, -1, "soon", "10 trials", math.nan, True, [60]])
def test_a_lease_that_is_no_time_is_refused(lease: Any) -> None:
    with pytest.raises(ArgumentError, match=r"lease must be seconds above 0.*such as '10 min'"):
        luthier.create_study(lease=lease)


@pytest.mark.parametrize("most", [0, -1, 2.5, "3", True, math.nan])
def test_a_number_of_attempts_that_is_none_is_refused(most: Any) -> None:
    with pytest.raises(ArgumentError, match=r"max_attempts must be an integer of at least 1"):
        luthier.create_study(max_attempts=most)


def test_a_watch_forgets_who_shows_a_sign_or_has_none() -> None:
    watch = Watch()
    for now, signs in (
        (0.0, {"a": 1, "b": 1}),
        (10.0, {"a": 1, "b": 2}),
        (20.0, {"a": 1, "b": 2, "c": None}),
        (30.0, {"b": 2, "c": None}),
        (40.0, {"a": 1, "b": 2, "c": None}),
    ):
        watch.look(signs, now, longest_gap=math.inf)
    assert [watch.silence(name) for name in "abcd"] == [0.0, 30.0, 20.0, 0.0]
    assert watch.is_last("c", None)
    assert not watch.is_last("d", None)


def test_a_deleted_study_is_watched_no_more(world: World) -> None:
    first, second = world.machine(), world.machine()
    first.ask()
    suspects(second)
    luthier.delete_study(study_name="s", storage=world.storage)
    for study in (first, second):
        assert study._driver.lease.tick() == 0.0
        assert study._driver.lease.tick() is None


# The thread


def threads() -> list[threading.Thread]:
    gc.collect()  # studies of other tests that hold each other in a circle
    return [t for t in threading.enumerate() if t.name.startswith("luthier-lease")]


def wait_until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    while not condition():  # pytest's timeout is the safety net
        pause.wait(0.005)


def test_no_thread_where_nobody_else_can_see_the_study() -> None:
    before = threads()
    study = luthier.create_study()
    study.ask()
    assert set(threads()) <= set(before)


def test_the_thread_beats_while_a_trial_runs_and_no_longer(tmp_path: Path) -> None:
    study = luthier.create_study(storage=tmp_path / "runs.db", lease=0.04)
    storage, key = study.storage, study._driver.record.id
    trial = study.ask()
    wait_until(lambda: this_worker() in storage.heartbeats(key))
    count = storage.heartbeats(key)[this_worker()].count
    wait_until(lambda: storage.heartbeats(key)[this_worker()].count > count + 2)
    study.tell(trial, 1.0)
    wait_until(lambda: threads() == [])
    assert storage.heartbeats(key) == {}
    study.ask()
    wait_until(lambda: this_worker() in storage.heartbeats(key))
    study._driver.lease.terms = Terms(math.inf, 3)
    wait_until(lambda: threads() == [])


@pytest.mark.parametrize("fails", [False, True])
def test_a_beat_survives_terms_that_change_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    study = world.machine()
    lease = study._driver.lease
    trial = study.ask()

    def beat(*_: object) -> None:
        lease.terms = Terms(math.inf, 3)
        if fails:
            raise StorageError("not now", place="here")

    monkeypatch.setattr(world.storage, "heartbeat", beat)
    pause = lease.tick()
    assert pause is not None
    assert pause <= LEASE / 4  # a thread can't sleep for ever, and has to see that it is over
    assert lease.tick() is None
    study.tell(trial, 1.0)


def test_the_thread_ends_with_the_study_object(tmp_path: Path) -> None:
    study = luthier.create_study(storage=tmp_path / "runs.db")
    trial = study.ask()
    wait_until(lambda: len(threads()) == 1)  # that of an earlier test may be about to end
    del study, trial
    gc.collect()
    wait_until(lambda: threads() == [])


def test_the_thread_ends_with_the_study(tmp_path: Path) -> None:
    study = luthier.create_study(study_name="s", storage=tmp_path / "runs.db", lease=0.04)
    study.ask()
    luthier.delete_study(study_name="s", storage=tmp_path / "runs.db")
    wait_until(lambda: threads() == [])


def test_the_thread_survives_what_a_storage_raises(tmp_path: Path) -> None:
    study = luthier.create_study(storage=tmp_path / "runs.db", lease=0.04)
    storage, key = study.storage, study._driver.record.id
    sound, failed = storage.heartbeat, threading.Event()

    def broken(study: int, worker: str, at: float) -> None:
        failed.set()
        raise RuntimeError("not even a StorageError")

    storage.heartbeat = broken  # type: ignore[method-assign]
    study.ask()
    assert failed.wait(60)
    storage.heartbeat = sound  # type: ignore[method-assign]
    wait_until(lambda: this_worker() in storage.heartbeats(key))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_is_a_worker_of_its_own(tmp_path: Path) -> None:
    study = luthier.create_study(storage=tmp_path / "runs.db")
    study.ask()
    parent = this_worker()
    child = os.fork()
    if child == 0:
        good = False
        try:
            alone = threads() == []
            second = study.ask()
            record = study.trials[second.number]
            good = alone and len(threads()) == 1 and record.worker == this_worker() != parent
            study.tell(second, 1.0)
        finally:
            os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert study.trials[0].worker == parent
    wait_until(lambda: len(threads()) == 1)


def test_a_told_trial_that_ended_is_refused_in_other_words(world: World) -> None:
    first, second = world.machine(), world.machine()
    trial = first.ask()
    second.tell(0, 1.0)
    with pytest.raises(TrialStateError, match="must be RUNNING to be told") as refused:
        first.tell(trial, 2.0)
    assert not isinstance(refused.value, TrialLostError)
