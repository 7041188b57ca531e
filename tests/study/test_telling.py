"""Ask and tell under schedulers that pause: the same study as ``optimize`` makes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier import TrialState
from luthier.samplers import Grid
from luthier.schedulers import Asha, Hyperband, SuccessiveHalving
from luthier.study.driver import Driver
from luthier.study.study import Study

SPACE = luthier.Space(x=luthier.Int(1, 9))


def study_of(scheduler: Any, **options: Any) -> luthier.Study:
    options = {"space": SPACE, "sampler": Grid(), "seed": 0, **options}
    return luthier.create_study(scheduler=scheduler, **options)


def returning(trial: luthier.Trial) -> float:
    return float(trial.params["x"] + 1 / (trial.budget or 9))


def reported(study: luthier.Study, trial: luthier.Trial) -> luthier.FrozenTrial:
    for step in range(1, 10):
        trial.report(trial.params["x"] + 1 / step, step)
        if trial.should_prune():
            return study.tell(trial, state=TrialState.PRUNED)
    return study.tell(trial, returning(trial))


def told(study: luthier.Study, trial: luthier.Trial) -> luthier.FrozenTrial:
    return study.tell(trial, returning(trial))


def ends(study: luthier.Study) -> list[tuple[Any, ...]]:
    return [(t.params["x"], t.state, t.budget, t.last_step, t.attempt) for t in study.trials]


@pytest.mark.parametrize("tell", [told, reported])
@pytest.mark.parametrize("scheduler", [SuccessiveHalving(9), Asha(9), Hyperband(9)], ids=str)
def test_asked_trials_end_as_those_of_optimize(scheduler: Any, tell: Any) -> None:
    looped, asked = study_of(scheduler), study_of(scheduler)
    looped.optimize(returning, total_trials=9)
    asked._driver.mirror.plan(9)
    for _ in range(sum(trial.attempt for trial in looped.trials)):
        tell(asked, asked.ask())
    assert ends(asked) == ends(looped)


def test_a_paused_trial_is_asked_for_again_with_a_larger_budget() -> None:
    study = study_of(Asha(9))
    assert {told(study, study.ask()).state for _ in range(3)} == {TrialState.PAUSED}
    again = study.ask()
    assert (again.params["x"], again.attempt, again.budget) == (1, 2, 3)


@pytest.mark.parametrize("scheduler", [SuccessiveHalving(9), Hyperband(9), Asha(9)], ids=str)
def test_what_is_paused_when_the_space_is_exhausted_is_asked_for_again(scheduler: Any) -> None:
    space = luthier.Space(x=luthier.Int(1, 5))
    looped, asked = study_of(scheduler, space=space), study_of(scheduler, space=space)
    looped.optimize(returning, n_trials=9)
    for _ in range(sum(trial.attempt for trial in looped.trials)):
        told(asked, asked.ask())
    with pytest.raises(luthier.errors.StudyError, match="its space is exhausted"):
        asked.ask()
    assert ends(asked) == ends(looped)
    assert TrialState.COMPLETE in {trial.state for trial in asked.trials}


def test_complete_is_complete_and_failed_is_failed() -> None:
    study = study_of(Asha(9))
    complete = study.tell(study.ask(), 1.0, state=TrialState.COMPLETE)
    assert (complete.state, complete.value) == (TrialState.COMPLETE, 1.0)
    assert study.tell(study.ask(), state=TrialState.FAILED).state is TrialState.FAILED
    assert study.tell(study.ask(), float("nan")).state is TrialState.FAILED


def test_told_by_number_from_elsewhere(tmp_path: Path) -> None:
    study = study_of(Asha(9), storage=tmp_path / "a.db")
    trial = study.ask()
    trial.report(0.5, 1)
    study._driver._flush()
    other = Study(Driver(study.storage, study._driver.record, study.sampler, study.scheduler))
    paused = other.tell(trial.number, state=TrialState.PRUNED)
    assert paused.state is TrialState.PAUSED
    assert list(paused.reports) == [1]


def test_a_copy_goes_on_from_copied_checkpoints(tmp_path: Path) -> None:
    def resumable(trial: luthier.Trial) -> float:
        saved = trial.load_checkpoint()
        assert (saved is None) is not bool(trial.reports)
        for step in range(1 if saved is None else saved.step + 1, 10):
            trial.report(trial.params["x"] + 1 / step, step)
            trial.save_checkpoint(os.urandom(8))
            if trial.should_prune():
                raise luthier.TrialPruned
        return float(trial.params["x"])

    folder = tmp_path / "saved"
    study = study_of(Asha(9), study_name="a", storage=tmp_path / "a.db", checkpoints=folder)
    study.optimize(resumable, n_trials=7)
    held = [t.checkpoint.key for t in study.trials if t.checkpoint is not None]
    copy = luthier.copy_study(
        from_study_name="a", from_storage=tmp_path / "a.db", to_storage=tmp_path / "b.db"
    )
    assert copy.space == SPACE
    copy.optimize(resumable, total_trials=9)
    assert TrialState.FAILED not in {t.state for t in copy.trials}
    for key in held:  # the copy has deleted only its own
        study._driver.open_checkpoints().verify(key)


def test_studies_that_share_a_place_delete_only_their_own(tmp_path: Path) -> None:
    def saving(trial: luthier.Trial) -> float:
        trial.save_checkpoint(os.urandom(60), step=1)
        return returning(trial)

    options = {"storage": tmp_path / "a.db", "checkpoints": tmp_path / "saved", "max_disk": 200}
    first, second = (study_of(Asha(9), study_name=name, **options) for name in ("a", "../b"))
    first.optimize(saving, n_trials=2)
    second.optimize(saving, n_trials=9)
    [paused] = first.history.paused
    assert paused.checkpoint is not None
    first._driver.open_checkpoints().verify(paused.checkpoint.key)
    assert len(list((tmp_path / "saved").iterdir())) == 2
