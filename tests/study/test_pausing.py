"""Pauses, budgets and resumption, from the objective to the log and back."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier import TrialState
from luthier.core.events import Event, TrialPaused, TrialStarted
from luthier.core.jobs import Decision
from luthier.errors import ArgumentError
from luthier.samplers import Grid, Random
from luthier.schedulers import PBT, Asha, Hyperband, Median, SuccessiveHalving
from luthier.strategies import make_scheduler
from luthier.study.trial import run_trial

SPACE = luthier.Space(x=luthier.Int(1, 9))


def study_of(scheduler: Any, **options: Any) -> luthier.Study:
    defaults: dict[str, Any] = {"space": SPACE, "sampler": Grid(), "seed": 0}
    return luthier.create_study(scheduler=scheduler, **{**defaults, **options})


def steps(study: luthier.Study) -> dict[int, int | None]:
    """The last step of each trial by its x."""
    return {trial.params["x"]: trial.last_step for trial in study.trials}


def returning(trial: luthier.Trial) -> float:
    """Trains up to its budget, reports nothing."""
    assert trial.budget is not None
    return float(trial.params["x"] + 1 / trial.budget)


def reporting(trial: luthier.Trial) -> float:
    """Reports each step, and starts over whenever it is resumed."""
    for step in range(1, 10):
        trial.report(trial.params["x"], step)
        if trial.should_prune():
            raise luthier.TrialPruned
    return float(trial.params["x"])


def deaf(trial: luthier.Trial) -> float:
    """Reports to the end, whatever it is told."""
    for step in range(1, 10):
        trial.report(trial.params["x"], step)
    return float(trial.params["x"])


HALVED = {1: 9, 2: 3, 3: 3, **dict.fromkeys(range(4, 10), 1)}


@pytest.mark.parametrize("objective", [returning, reporting])
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_both_kinds_of_objectives_are_halved_alike(objective: Any, n_jobs: int) -> None:
    study = study_of(SuccessiveHalving(9))
    study.optimize(objective, n_trials=9, n_jobs=n_jobs)
    assert steps(study) == HALVED
    assert study.best_params == {"x": 1}
    assert [t.state.name for t in study.trials].count("PRUNED") == 8
    best = study.best_trial
    assert (best.attempt, best.budget, best.state.name) == (3, 9, "COMPLETE")


def test_a_result_at_the_budget_is_a_report_there() -> None:
    study = study_of(SuccessiveHalving(9))
    study.optimize(returning, n_trials=9)
    assert {s: dict(m) for s, m in study.best_trial.reports.items()} == {
        1: {"value": 2.0},
        3: {"value": 1 + 1 / 3},
        9: {"value": 1 + 1 / 9},
    }
    assert study.best_value == 1 + 1 / 9


def test_an_objective_that_ignores_its_budget_is_taken_at_its_last_word() -> None:
    study = study_of(SuccessiveHalving(9))
    study.optimize(deaf, n_trials=9)
    assert [t.state.name for t in study.trials] == ["COMPLETE"] * 9


def test_without_rungs_there_is_no_budget() -> None:
    study = study_of(Median())
    trial = study.ask()
    assert trial.budget is None
    study.tell(trial, 1.0)
    assert trial.load_checkpoint() is None


def test_a_resumed_trial_goes_on_from_its_checkpoint() -> None:
    trained: list[tuple[int, int]] = []

    def objective(trial: luthier.Trial) -> float:
        saved = trial.load_checkpoint()
        first = 1 if saved is None else int(saved.read_bytes()) + 1
        assert saved is None or saved.step == first - 1
        for step in range(first, 10):
            trained.append((trial.number, step))
            trial.report(trial.params["x"], step)
            trial.save_checkpoint(str(step).encode())
            if trial.should_prune():
                raise luthier.TrialPruned
        return float(trial.params["x"])

    study = study_of(SuccessiveHalving(9))
    study.optimize(objective, n_trials=9)
    assert steps(study) == HALVED
    assert len(trained) == len(set(trained)) == 9 + 3 * 2 + 6


def test_who_takes_up_a_trial_deletes_what_it_saved_before(tmp_path: Path) -> None:
    study = study_of(Asha(9), storage=tmp_path / "s.db", study_name="s")
    trial = study.ask()
    trial.report(1.0, 1)
    for content in (b"a", b"b"):
        trial.save_checkpoint(content)
    other = luthier.load_study(study_name="s", storage=tmp_path / "s.db")
    kept = other._driver.open_checkpoints()
    assert len(kept.sizes()) == 2
    assert set(kept.sizes()) >= other._driver._keeper._needed() != set()  # b, heard of just now
    other.tell(trial.number, state=TrialState.FAILED)
    [last] = kept.sizes()  # spared, as this thread saved it last
    assert kept.path(last).read_bytes() == b"b"


def test_events_and_costs_of_pauses() -> None:
    heard: list[Event] = []
    study = study_of(SuccessiveHalving(2, eta=2))
    study.subscribe(heard.append)
    ended: list[str] = []
    study.optimize(
        returning, n_trials=2, callbacks=[lambda _, trial: ended.append(trial.state.name)]
    )
    kinds = [type(e).__name__ for e in heard]
    assert kinds.count("TrialStarted") == 3
    assert kinds.count("TrialPaused") == 2
    assert all(e.trial.state is TrialState.PAUSED for e in heard if isinstance(e, TrialPaused))
    assert [e.trial.attempt for e in heard if isinstance(e, TrialStarted)] == [1, 1, 2]
    assert ended == ["COMPLETE"]
    assert all(trial.cost is not None for trial in study.trials)
    logged = [e.kind for e in study.storage.events(study._driver.record.id)]
    assert logged.count("paused") == 2


def test_enqueued_trials_get_budgets_and_count_as_planned() -> None:
    study = study_of(SuccessiveHalving(9))
    for x in (9, 1, 5):
        study.enqueue_trial({"x": x})
    study.optimize(returning, n_trials=5)
    assert len(study.trials) == 5
    assert study.history.planned == 5
    assert study.trials[1].last_step == 9
    assert all(trial.state.is_finished for trial in study.trials)


def test_n_trials_counts_new_trials_only() -> None:
    study = study_of(Asha(9), space=luthier.Space(x=luthier.Int(1, 99)))
    study.optimize(returning, n_trials=7)
    assert len(study.trials) == 7
    study.optimize(returning, n_trials=8)
    assert len(study.trials) == 15
    study.optimize(returning, n_trials=0)
    assert len(study.trials) == 15


def test_a_bracket_is_concluded_by_a_later_call() -> None:
    study = study_of(SuccessiveHalving(9))
    study.optimize(returning, timeout=0)
    trial = study.ask()
    trial.report(5.0, 1)
    assert trial.should_prune()
    study.optimize(returning, n_trials=0)  # what runs elsewhere isn't waited for
    assert study.trials[0].state is TrialState.RUNNING


def test_an_exhausted_space_ends_the_bracket() -> None:
    study = study_of(SuccessiveHalving(9), space=luthier.Space(x=luthier.Int(1, 4)))
    study.optimize(returning, n_trials=100)
    assert steps(study) == {1: 9, 2: 1, 3: 1, 4: 1}
    assert all(trial.state.is_finished for trial in study.trials)


def test_a_study_with_all_its_trials_still_resumes_the_paused() -> None:
    study = study_of(SuccessiveHalving(9))
    study.optimize(returning, total_trials=6)
    assert steps(study)[1] == 9
    assert all(trial.state.is_finished for trial in study.trials)


def test_invalid_trials_do_not_hold_up_the_bracket() -> None:
    study = study_of(SuccessiveHalving(9))
    study.add_trial(luthier.create_trial(params={"x": 9}, value=9.0))
    study.invalidate(0)
    study.optimize(returning, n_trials=5)
    assert all(trial.state.is_finished for trial in study.trials)


def test_no_time_left_leaves_trials_paused_for_the_next_call() -> None:
    study = study_of(SuccessiveHalving(9))
    done: list[int] = []

    def once(trial: luthier.Trial) -> float:
        done.append(trial.number)
        if len(done) == 10:
            study.stop()
        return returning(trial)

    study.optimize(once, n_trials=9)
    assert [t.state.name for t in study.trials].count("PAUSED") == 3
    study.optimize(returning, n_trials=0)
    assert steps(study) == HALVED


def test_retries_go_on_from_the_checkpoint() -> None:
    runs: list[tuple[int, int | None]] = []

    def objective(trial: luthier.Trial) -> float:
        saved = trial.load_checkpoint()
        runs.append((trial.attempt, saved and saved.step))
        for step in range(1 if saved is None else saved.step + 1, 4):
            trial.report(step, step)
            if step == 3 and trial.attempt == 1:
                raise ConnectionError("away")
            trial.save_checkpoint(b"%d" % step)
        return 1.0

    study = study_of(Median())
    study.optimize(objective, n_trials=1, retries={ConnectionError: 2})
    assert runs == [(1, None), (2, 2)]
    assert list(study.trials[0].reports) == [1, 2, 3]
    assert study.trials[0].state is TrialState.COMPLETE


def test_ctrl_c_in_a_resumed_run_keeps_what_the_trial_had() -> None:
    def interrupted(trial: luthier.Trial) -> float:
        if trial.attempt > 1:
            raise KeyboardInterrupt
        return returning(trial)

    study = study_of(SuccessiveHalving(9))
    with pytest.raises(KeyboardInterrupt):
        study.optimize(interrupted, n_trials=9)
    released = [t for t in study.trials if t.state is TrialState.WAITING]
    assert [(t.params["x"], t.budget) for t in released] == [(1, 3)]
    study.optimize(returning, n_trials=0)
    assert steps(study) == HALVED


def test_a_trial_ended_from_elsewhere_is_told_to_stop() -> None:
    study = study_of(Median())
    trial = study.ask()
    other = luthier.load_study(study_name=study.study_name, storage=study.storage)
    other.tell(trial.number, 1.0)
    assert study.trials[0].state is TrialState.COMPLETE
    assert study._driver.report(0, 1, {"value": 0.5}, 1) is Decision.STOP
    assert not study.history.live
    assert not study.trials[0].reports


def test_two_drivers_on_one_file_resume_a_trial_once(tmp_path: Path) -> None:
    first = study_of(Asha(9), storage=tmp_path / "s.db", study_name="s")
    second = luthier.load_study(study_name="s", storage=tmp_path / "s.db")
    first.optimize(returning, n_trials=2)  # the better one was trained to the end
    for x in (3.0, 2.0, 1.0):
        trial = first.ask()
        trial.report(x, 1)
        assert trial.should_prune()
        first._driver.finish(trial.number, trial.outcome(TrialState.PAUSED))
    stale = second._driver.refresh()
    resumed = first._driver.start(new=False)
    again = second._driver.start(history=stale, new=False)
    assert resumed is not None
    assert again is None or again.number != resumed.number


def test_two_drivers_halve_as_one(tmp_path: Path) -> None:
    first = study_of(SuccessiveHalving(9), storage=tmp_path / "s.db", study_name="s")
    second = luthier.load_study(study_name="s", storage=tmp_path / "s.db")
    first._driver.mirror.plan(9)
    for study in (first, second) * 20:
        record = study._driver.start(total=9)
        if record is not None:
            trial = study._handle(record)
            outcome = run_trial(returning, trial)
            study._driver.finish(record.number, outcome)
    assert steps(first) == steps(second) == HALVED
    assert first.replay().exact


def test_what_a_scheduler_is_called_and_what_it_needs() -> None:
    assert make_scheduler({"name": "hyperband", "max_resource": 9}) == Hyperband(9)
    with pytest.raises(ArgumentError, match="max_resource"):
        make_scheduler("hyperband")


def test_random_sampling_is_replayed_exactly_with_pauses(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    study = study_of(Hyperband(9), sampler=Random(), space=luthier.Space(x=luthier.Float(0, 1)))
    study.optimize(returning, n_trials=20, n_jobs=4)
    assert study.replay().exact
    assert [t.number for t in study.trials] == list(range(20))


@pytest.mark.parametrize("returns", [False, True])
@pytest.mark.parametrize(
    "scheduler",
    [Hyperband(9), PBT(9, population=2, ready_every=3, synchronous=True)],
    ids=lambda scheduler: type(scheduler).__name__,
)
def test_a_run_that_is_killed_at_its_budget_ends_there(
    scheduler: Any, returns: bool, tmp_path: Path
) -> None:
    trained: list[tuple[int, int]] = []
    broken = False

    def objective(trial: luthier.Trial) -> float:
        nonlocal broken
        x = trial.suggest_float("x", 0, 1)
        saved = trial.load_checkpoint()
        done = 0 if saved is None else saved.step
        end = (trial.budget or 9) if returns else 9
        for step in range(done + 1, end + 1):
            trained.append((trial.number, step))
            trial.report(x + 1 / step, step)
            trial.save_checkpoint(b"state")
            if step == trial.budget and step < 9 and not broken:
                broken = True
                raise KeyboardInterrupt
            if trial.should_prune():
                raise luthier.TrialPruned
        return x + 1 / 9

    runs = []
    for breaks in (True, False):
        trained, broken = [], not breaks
        study = luthier.create_study(
            storage=tmp_path / f"{breaks}.db", strategy="random", scheduler=scheduler, seed=2
        )
        if breaks:
            with pytest.raises(KeyboardInterrupt):
                study.optimize(objective, total_trials=6)
        study.optimize(objective, total_trials=6)
        runs.append((trained, [(t.state, t.params, dict(t.reports)) for t in study.trials]))
    assert runs[0] == runs[1]
    assert len(set(trained)) == len(trained)
