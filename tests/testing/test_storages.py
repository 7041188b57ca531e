"""The suite itself: a storage that breaks a promise is caught, and told which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from luthier.core.events import LogEvent
from luthier.core.protocols import Changes, StudySummary
from luthier.core.trial import FrozenTrial, Reports, TrialState
from luthier.errors import NumberTakenError, TrialStateError
from luthier.storages import MemoryStorage
from luthier.testing import STORAGE_CHECKS, check_storage


class Wrapped:
    """A sound storage, for subclasses to break in one place."""

    def __init__(self) -> None:
        self.sound = MemoryStorage()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sound, name)


class ForgetsTheLog(Wrapped):
    def events(self, study: int, since: int = 0, *, number: int | None = None) -> list[LogEvent]:
        return [e for e in self.sound.events(study, since) if e.kind != "attrs"]


class LogsAllTrialsForOne(Wrapped):
    def events(self, study: int, since: int = 0, *, number: int | None = None) -> list[LogEvent]:
        return self.sound.events(study, since)


class LogsTheWrongParams(Wrapped):
    def events(self, study: int, since: int = 0, *, number: int | None = None) -> list[LogEvent]:
        return [
            replace(e, data={**e.data, "params": {}}) if e.kind == "finished" else e
            for e in self.sound.events(study, since)
        ]


class MissesChanges(Wrapped):
    def changes_since(self, study: int, version: int) -> Changes:
        changes = self.sound.changes_since(study, version)
        return replace(changes, trials=changes.trials[:-1] if version else changes.trials)


class SendsTooMuch(Wrapped):
    def changes_since(self, study: int, version: int) -> Changes:
        return self.sound.changes_since(study, 0)


class RenumbersInSilence(Wrapped):
    def add_trials(self, study: int, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        count = len(self.sound.changes_since(study, 0).trials)
        return self.sound.add_trials(
            study, [replace(t, number=n) for n, t in enumerate(trials, count)]
        )


class AddsHalfABatch(Wrapped):
    def add_trials(self, study: int, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        return [self.sound.add_trials(study, [trial])[0] for trial in trials]


class ClaimsForEverybody(Wrapped):
    def claim(
        self, study: int, number: int, worker: str, *, attempt: int, at: float
    ) -> FrozenTrial | None:
        claimed = self.sound.claim(study, number, worker, attempt=attempt, at=at)
        return claimed or self.sound.changes_since(study, 0).trials[number]


class TakesStaleResults(Wrapped):
    def finish(self, study: int, trial: FrozenTrial) -> FrozenTrial:
        try:
            return self.sound.finish(study, trial)
        except TrialStateError:
            return trial


class LosesTypes(Wrapped):
    def add_trials(self, study: int, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        flat = [
            replace(t, param_values=tuple(map(bool, t.param_values)))
            if t.param_values[:1] == (None,)
            else t
            for t in trials
        ]
        return self.sound.add_trials(study, flat)


class OverwritesReports(Wrapped):
    def report(self, study: int, number: int, attempt: int, reports: Reports) -> FrozenTrial:
        after = self.sound.report(study, number, attempt, reports)
        return replace(after, reports=reports)


class CountsTheInvalid(Wrapped):
    def studies(self) -> list[StudySummary]:
        return [
            replace(s, states={**s.states, TrialState.COMPLETE: 2}) for s in self.sound.studies()
        ]


class ForgetsState(Wrapped):
    def get_state(self, study: int) -> Mapping[str, Any]:
        return {}


class RefusesEverything(Wrapped):
    def add_trials(self, study: int, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        raise NumberTakenError("no", number=0)


BROKEN: list[tuple[type[Wrapped], str]] = [
    (LogsAllTrialsForOne, "the_log_folds_to_the_present_state"),
    (ForgetsTheLog, "the_log_folds_to_the_present_state"),
    (LogsTheWrongParams, "the_log_folds_to_the_present_state"),
    (MissesChanges, "changes_converge_from_any_version"),
    (SendsTooMuch, "changes_converge_from_any_version"),
    (RenumbersInSilence, "numbers_are_compare_and_swap"),
    (AddsHalfABatch, "numbers_are_compare_and_swap"),
    (ClaimsForEverybody, "claims_have_one_winner"),
    (ClaimsForEverybody, "claims_are_guarded"),
    (TakesStaleResults, "running_trials_are_guarded"),
    (LosesTypes, "odd_values_survive"),
    (OverwritesReports, "reports_are_appended"),
    (CountsTheInvalid, "invalidated_trials_leave_the_counts"),
    (ForgetsState, "state_and_spaces_are_kept"),
]


def shared(kind: Callable[[], Any]) -> Callable[[], Any]:
    storage = kind()
    return lambda: storage


@pytest.mark.parametrize(("kind", "check"), BROKEN)
def test_a_broken_storage_is_caught(kind: type[Wrapped], check: str) -> None:
    with pytest.raises(AssertionError):
        STORAGE_CHECKS[check](shared(kind))


def test_a_sound_storage_passes_wrapped_too() -> None:
    check_storage(shared(Wrapped))


def test_messages_name_the_rule_and_both_sides() -> None:
    with pytest.raises(AssertionError, match=r"(?s)Storage contract: .*\n  got .*\n  expected "):
        STORAGE_CHECKS["state_and_spaces_are_kept"](shared(ForgetsState))


def test_an_error_of_the_storage_is_not_hidden() -> None:
    with pytest.raises(NumberTakenError):
        check_storage(shared(RefusesEverything))


def test_names_say_what_holds() -> None:
    assert all(" " not in name and "_" in name for name in STORAGE_CHECKS)
    assert all(check.__doc__ for check in STORAGE_CHECKS.values())
