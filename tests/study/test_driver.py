"""Tests of the driver: several on one storage, orphans, refused results, group commit."""

import itertools
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier import Categorical, Int, Space, TrialState
from luthier.core.jobs import Outcome
from luthier.core.trial import NO_REPORTS, FrozenTrial, changed
from luthier.study import starting


def pair(**options: object) -> tuple[luthier.Study, luthier.Study]:
    storage = luthier.open_storage(None)
    first = luthier.create_study(study_name="s", storage=storage, seed=0, **options)  # type: ignore[arg-type]
    return first, luthier.load_study(study_name="s", storage=storage)


def test_two_drivers_share_numbers_and_never_repeat_a_cell() -> None:
    first, second = pair(space=Space(a=Int(0, 4), b=Categorical(["x", "y"])), strategy="grid")
    for study in (first, second) * 5:
        trial = study.ask()
        study.tell(trial, float(trial.params["a"]))
    for study in (first, second):
        assert [t.number for t in study.trials] == list(range(10))
        assert len({(t.params["a"], t.params["b"]) for t in study.trials}) == 10


def test_a_stale_driver_proposes_again_when_its_number_is_taken() -> None:
    first, second = pair(strategy="random")
    stale = second._driver.refresh()
    taken = first.ask()
    record = second._driver.start(history=stale)
    assert record is not None
    assert (taken.number, record.number) == (0, 1)
    assert record.origin.history_version == 1


def test_two_drivers_claim_a_waiting_trial_once() -> None:
    first, second = pair()
    first.enqueue_trial({"x": 0.5})
    stale = second._driver.refresh()
    assert first.ask().number == 0
    record = second._driver.start(history=stale)
    assert record is not None
    assert record.number == 1


def crowded(study: luthier.Study) -> luthier.Study:
    """The study's driver, as after another was faster."""
    study._driver.mirror.crowded_until = float("inf")
    return study


def test_drivers_that_meet_look_and_add_in_one_step(tmp_path: Path) -> None:
    url = tmp_path / "runs.db"
    first = crowded(luthier.create_study(study_name="s", storage=url, strategy="tpe", seed=0))
    second = crowded(luthier.load_study(study_name="s", storage=url))
    for turn in range(30):
        study = (first, second)[turn % 2]
        study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=1)
    for study in (first, second):
        assert [t.number for t in study.trials] == list(range(30))
        log = study.storage.events(study._driver.record.id)
        versions = [event.version for event in log if event.kind == "added"]
        assert [t.origin.history_version + 1 for t in study.trials] == versions
    alone = luthier.create_study(strategy="tpe", seed=0)
    for _ in range(30):
        alone.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=1)
    assert [t.params for t in first.trials] == [t.params for t in alone.trials]


def test_in_a_crowd_total_and_stop_hold(tmp_path: Path) -> None:
    url = tmp_path / "runs.db"
    first = crowded(luthier.create_study(study_name="s", storage=url, strategy="random", seed=0))
    second = crowded(luthier.load_study(study_name="s", storage=url))
    first.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    second.optimize(lambda trial: trial.suggest_float("x", 0, 1), total_trials=5)
    first.optimize(lambda trial: 0.0, total_trials=5)
    assert len(first.trials) == len(second.trials) == 5
    first.optimize(lambda trial: 0.0, n_trials=9, stop=luthier.MaxTrials(7))
    assert len(second.trials) == 7


def test_in_a_crowd_a_trial_told_elsewhere_is_let_go(tmp_path: Path) -> None:
    url = tmp_path / "runs.db"
    first = crowded(luthier.create_study(study_name="s", storage=url, strategy="random", seed=0))
    second = luthier.load_study(study_name="s", storage=url)
    trial = first.ask()
    first._driver.lease.tick()  # it beats, so letting go is a write of its own
    assert first.storage.heartbeats(first._driver.record.id)
    second.tell(trial.number, 1.0)
    assert first.ask().number == 1
    assert [t.state for t in first.trials] == [TrialState.COMPLETE, TrialState.RUNNING]


def test_in_a_crowd_a_reproducible_study_knows_what_it_has_just_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where others write just before: then its own is more than one version further."""
    storage = luthier.open_storage(tmp_path / "runs.db")
    study = luthier.create_study(study_name="s", storage=storage, strategy="tpe", seed=0)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), total_trials=1, reproducible=2)
    add = type(storage).add_trials

    def after_another(self: Any, key: int, trials: Any) -> Any:
        self.put_state(key, "note", trials[0].number)
        return add(self, key, trials)

    monkeypatch.setattr(type(storage), "add_trials", after_another)
    crowded(study).optimize(
        lambda trial: trial.suggest_float("x", 0, 1), total_trials=6, reproducible=2
    )
    assert [t.number for t in study.trials] == list(range(6))


def test_in_a_crowd_a_trial_ends_that_was_added_behind_anothers_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the driver hasn't read its own trial when it ends."""
    monkeypatch.setattr(starting, "_QUICK_SECONDS", -1.0)  # look and add are steps of their own
    storage = luthier.open_storage(tmp_path / "runs.db")
    study = luthier.create_study(study_name="s", storage=storage, strategy="random", seed=0)
    add = type(storage).add_trials

    def after_another(self: Any, key: int, trials: Any) -> Any:
        self.put_state(key, "note", trials[0].number)
        return add(self, key, trials)

    monkeypatch.setattr(type(storage), "add_trials", after_another)
    crowded(study).optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=5)
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 5


ORPHAN = """
import luthier, sys
study = luthier.create_study(study_name="s", storage=sys.argv[1], seed=0, load_if_exists=True)
trial = study.ask()
print(trial.number, trial.suggest_float("x", 0, 1))
"""


def test_a_trial_whose_process_died_is_taken_up_again(tmp_path: Path) -> None:
    path = str(tmp_path / "s.db")
    shown = [
        subprocess.run(
            [sys.executable, "-c", ORPHAN, path], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert shown[0] == shown[1]
    study = luthier.load_study(storage=path)
    trial = study.ask()
    assert trial.number == 0
    assert trial.attempt == 3
    assert f"0 {trial.suggest_float('x', 0, 1)}\n" == shown[0]
    study.tell(trial, 1.0)
    assert study.ask().number == 1


def test_a_late_result_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    first, second = pair()
    trial = first.ask()
    first._driver.release(trial.number, "given up")
    again = second.ask()
    assert again.number == trial.number
    late = first._driver.finish(trial.number, Outcome(TrialState.COMPLETE, {}, {"value": 9.0}))
    assert late is None
    assert "The result of trial 0 was refused" in caplog.text
    assert second.tell(again, 1.0).value == 1.0


def test_reports_reach_other_drivers_when_flushed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.study.driver._FLUSH_SECONDS", 0.0)
    first, second = pair()
    trial = first.ask()
    trial.report(0.5, 1)
    trial.report({"value": 0.25, "acc": 1.0}, 2)
    seen: FrozenTrial = second.trials[0]
    assert {s: dict(m) for s, m in seen.reports.items()} == {
        1: {"value": 0.5},
        2: {"value": 0.25, "acc": 1.0},
    }
    kinds = [e.kind for e in second.storage.events(second._driver.record.id)]
    assert kinds == ["added", "reported", "reported"]


def test_notes_of_another_driver_survive_the_finish() -> None:
    first, second = pair()
    trial = first.ask()
    second._driver.refresh()
    second._driver.set_attrs(0, {"from": "second"})
    assert first.tell(trial, 1.0).user_attrs == {"from": "second"}


def test_no_report_is_lost_between_threads() -> None:
    """Four trials report without a lock while others look at the study all the time."""
    study = luthier.create_study(strategy="random", scheduler="none", seed=0)
    driver, over, heard = study._driver, threading.Event(), dict[int, bool]()

    def look() -> None:
        while not over.is_set():
            driver.ledger.snapshot()

    def objective(trial: luthier.Trial) -> float:
        for step in range(3000):
            trial.report(float(step), step)
        heard[trial.number] = driver.trial(trial.number).reports == trial.reports
        return 0.0

    lookers = [threading.Thread(target=look) for _ in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in lookers:
            thread.start()
        study.optimize(objective, n_trials=8, executor="thread:4")
    finally:
        over.set()
        sys.setswitchinterval(interval)
        for thread in lookers:
            thread.join()
    assert heard == dict.fromkeys(range(8), True)


def test_a_report_of_a_run_that_another_has_taken_up_is_dropped_though_it_was_heard() -> None:
    study = luthier.create_study(strategy="random", scheduler="none", seed=0)
    trial, driver = study.ask(), study._driver
    trial.report(1.0, 1)
    trial.report(2.0, 2)  # without a lock, so not taken in yet
    record = driver.ledger._trials[trial.number]
    driver.ledger.apply_one(changed(record, attempt=2, reports=NO_REPORTS))
    assert dict(driver.trial(trial.number).reports) == {}
    driver.ledger.hear(trial.number, 1, 3, {"value": 3.0})
    assert dict(driver.trial(trial.number).reports) == {}
    trial.report(4.0, 4)
    assert trial.should_prune()
    assert dict(driver.trial(trial.number).reports) == {}


def test_another_scheduler_is_asked_about_steps_that_the_one_before_let_pass() -> None:
    study = luthier.create_study(scheduler=luthier.schedulers.Asha(100, mode="stopping"), seed=0)
    trials = [study.ask(), study.ask()]
    for trial, step in itertools.product(trials, (1, 28, 29)):
        trial.report(0.5 - 0.1 * trial.number, step)  # the second is the better one
        assert not trial.should_prune()
    driver = study._driver
    driver.use(driver.sampler, luthier.schedulers.Threshold(upper=0.1))
    for trial in trials:
        trial.report(0.5, 30)
        assert trial.should_prune()
