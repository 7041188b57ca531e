"""The conformance suite of storages: what any implementation of the contract must keep.

Run all of it by ``check_storage(factory)``, or one check at a time from ``STORAGE_CHECKS``
under a test runner. The factory opens a handle on the storage under test; called again, it
must open another handle on the same store (or return the same object). Checks create their
own studies and delete them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from luthier.core.checkpoint import Checkpoint
from luthier.core.events import evolve
from luthier.core.objective import Objective
from luthier.core.protocols import Beat, Changes, Storage
from luthier.core.trial import FrozenTrial, Origin, Reports, TrialState
from luthier.errors import (
    ArgumentError,
    NumberTakenError,
    StudyExistsError,
    StudyNotFoundError,
    TrialNotFoundError,
    TrialStateError,
)
from luthier.space import Float
from luthier.testing.life import Mirror, ended, in_threads, life, running
from luthier.testing.life import refused as _refused
from luthier.testing.life import same as _same

__all__ = ["STORAGE_CHECKS", "check_storage"]

Factory = Callable[[], Storage]
_NAME = "luthier-storage-check"
_OBJECTIVE = Objective.of(metrics={"loss": "minimize"}, constraints=["mb <= 10"])
_COMPLETE, _RUNNING, _WAITING = TrialState.COMPLETE, TrialState.RUNNING, TrialState.WAITING
_PAUSED: Final = TrialState.PAUSED
_SAVED: Final = Checkpoint(2, "ab", 10)


def check_storage(factory: Factory) -> None:
    """Run every check on a storage.

    Args:
        factory: Opens a handle on the storage under test; always on the same store.

    Raises:
        AssertionError: The storage breaks the contract; the message says which rule.

    Example:
        >>> from luthier.storages import MemoryStorage
        >>> storage = MemoryStorage()
        >>> check_storage(lambda: storage)
    """
    for check in STORAGE_CHECKS.values():
        check(factory)


def studies_are_created_loaded_listed_and_deleted(factory: Factory) -> None:
    """A study is found by its name until it is deleted; names are data, whatever they hold."""
    settings = {"sampler": {"name": "grid"}, "n": 1, "on": True, "none": None}
    with _opened(factory) as storage:
        for name in _HOSTILE_NAMES:
            _forget(storage, name)
            record = storage.create_study(name, _OBJECTIVE, 2**63 - 1, settings)
            _same(storage.load_study(name), record, "load_study returns what was created")
            _same(record.settings, settings, "settings stay as they are")
            _same(record.seed, 2**63 - 1, "seeds of 63 bits fit")
            _refused(StudyExistsError, storage.create_study, name, _OBJECTIVE, 0, {})
        names = [summary.record.name for summary in storage.studies()]
        listed = [name for name in names if name in _HOSTILE_NAMES]
        _same(listed, list(_HOSTILE_NAMES), "studies() lists all, oldest first")
        for name in _HOSTILE_NAMES:
            storage.delete_study(name)
            _refused(StudyNotFoundError, storage.load_study, name)
            _refused(StudyNotFoundError, storage.delete_study, name)
        _refused(ArgumentError, storage.create_study, _NAME, _OBJECTIVE, 0, {"f": print})


def deleted_studies_stay_gone(factory: Factory) -> None:
    """A handle that remembers a deleted study's key never writes into a later study."""
    with _study(factory) as (storage, study):
        storage.add_trials(study, [running(0)])
        storage.delete_study(_NAME)
        later = storage.create_study(_NAME, _OBJECTIVE, 0, {}).id
        gone = StudyNotFoundError
        _refused(gone, storage.add_trials, study, [running(1)])
        _refused(gone, storage.claim, study, 0, "w", attempt=1, at=0.0)
        _refused(gone, storage.report, study, 0, 1, Reports([(1, {"loss": 1.0})]))
        _refused(gone, storage.release, study, 0, 1, _WAITING, "")
        _refused(gone, storage.finish, study, ended(running(0)))
        _refused(gone, storage.set_attrs, study, 0, {})
        _refused(gone, storage.invalidate, study, 0, "")
        _refused(gone, storage.put_space, study, "{}")
        _refused(gone, storage.put_state, study, "k", 1)
        _refused(gone, storage.get_state, study)
        _refused(gone, storage.changes_since, study, 0)
        _refused(gone, storage.events, study)
        _refused(gone, storage.heartbeat, study, "w", 0.0)
        _refused(gone, storage.heartbeats, study)
        _same(storage.changes_since(later, 0).version, 0, "the later study is untouched")


def numbers_are_compare_and_swap(factory: Factory) -> None:
    """A trial is added only under the next number; a batch is added whole or not at all."""
    with _study(factory) as (storage, study):
        storage.add_trials(study, [running(0), running(1)])
        for numbers in ([0], [1], [3], [2, 2], [2, 4]):
            _refused(NumberTakenError, storage.add_trials, study, [running(n) for n in numbers])
        _same(storage.add_trials(study, []), [], "an empty batch adds nothing")
        _same(storage.changes_since(study, 0).version, 2, "refused trials leave no trace")


def numbers_are_dense_under_threads(factory: Factory) -> None:
    """Drivers that race for numbers get each number once."""
    won: list[int] = []

    def driver(study: int) -> None:
        with _opened(factory) as storage:
            number = 0
            while len(won) < 40:
                try:
                    storage.add_trials(study, [running(number)])
                    won.append(number)
                except NumberTakenError as taken:
                    _same(taken.fields["number"], number, "the error says which number")
                number = len(storage.changes_since(study, 0).trials)

    with _study(factory) as (storage, study):
        in_threads(4, lambda: driver(study))
        _same(sorted(won), list(range(len(won))), "each number was added once")
        _same(len(storage.changes_since(study, 0).trials), len(won), "none was lost")


def next_trials_are_proposed_from_all_before(factory: Factory) -> None:
    """Who looks and adds in one step sees all trials before, and is never refused."""
    seen: list[tuple[int, int]] = []

    def driver(study: int) -> None:
        with _opened(factory) as storage:
            known: dict[int, FrozenTrial] = {}
            version = 0

            def propose(changes: Changes) -> FrozenTrial:
                nonlocal version
                known.update({trial.number: trial for trial in changes.trials})
                version = changes.version
                return running(len(known))

            for _ in range(10):
                added = storage.add_next(study, version, propose)
                assert added is not None
                seen.append((added.number, added.version))

    with _study(factory) as (storage, study):
        in_threads(4, lambda: driver(study))
        _same(sorted(seen), [(n, n + 1) for n in range(40)], "each number was added once")
        storage.put_state(study, "k", 1)
        storage.put_space(study, "{}")
        looks: list[Changes] = []

        def look(changes: Changes) -> None:
            looks.append(changes)

        _same(storage.add_next(study, 39, look), None, "nothing is added where nothing is proposed")
        _same(looks, [storage.changes_since(study, 39)], "the look shows what has changed")
        _same(looks[0].version, 42, "an attempt without a proposal leaves no trace")
        _refused(NumberTakenError, storage.add_next, study, 42, lambda changes: running(0))
        _same(storage.changes_since(study, 0).version, 42, "a refused one leaves no trace")
    with _opened(factory) as storage:
        _refused(StudyNotFoundError, storage.add_next, 10**6, 0, lambda changes: running(0))


def turns_are_taken_in_turn(factory: Factory) -> None:
    """A turn comes to whoever waits for it, ends with its block, and is no more than a courtesy."""
    with _study(factory) as (storage, study), _opened(factory) as other:
        with storage.turn(study):
            storage.add_trials(study, [running(0)])
            other.add_trials(study, [running(1)])
            other.finish(study, ended(running(0)))
        for handle in (other, storage):
            _refused(NumberTakenError, _add_in_turn, handle, study, 0)
        numbers: list[int] = []

        def driver() -> None:
            with _opened(factory) as mine, mine.turn(study):
                number = len(mine.changes_since(study, 0).trials)
                while True:
                    try:
                        mine.add_trials(study, [running(number)])
                    except NumberTakenError as taken:
                        number = int(str(taken.fields["expected"]))
                    else:
                        break
                numbers.append(number)

        in_threads(4, driver)
        _same(sorted(numbers), [2, 3, 4, 5], "everybody got a turn")


def _add_in_turn(storage: Storage, study: int, number: int) -> None:
    with storage.turn(study):
        storage.add_trials(study, [running(number)])


def claims_have_one_winner(factory: Factory) -> None:
    """Of several claims at the attempt last seen, one succeeds."""
    winners: list[FrozenTrial] = []

    def driver(study: int) -> None:
        with _opened(factory) as storage:
            for number in range(5):
                claimed = storage.claim(study, number, "w", attempt=0, at=5.0)
                if claimed is not None:
                    winners.append(claimed)

    with _study(factory) as (storage, study):
        storage.add_trials(study, [FrozenTrial(number=n) for n in range(5)])
        in_threads(4, lambda: driver(study))
        _same(sorted(t.number for t in winners), [*range(5)], "one winner for each trial")
        _refused(TrialNotFoundError, storage.claim, study, 5, "w", attempt=0, at=5.0)


def claims_are_guarded(factory: Factory) -> None:
    """A claim makes a trial RUNNING and keeps its start; a stale or late one fails."""
    with _study(factory) as (storage, study):
        storage.add_trials(study, [FrozenTrial(number=0)])
        first = storage.claim(study, 0, "one", attempt=0, at=5.0)
        assert first is not None, "a waiting trial can be claimed"
        _same(
            (first.state, first.worker, first.attempt, first.started),
            (_RUNNING, "one", 1, 5.0),
            "a claim sets state, worker, attempt and start",
        )
        _same(storage.claim(study, 0, "two", attempt=0, at=6.0), None, "too late is None")
        second = storage.claim(study, 0, "two", attempt=1, at=7.0)
        assert second is not None, "a running trial can be taken over"
        _same((second.worker, second.attempt, second.started), ("two", 2, 5.0), "started stays")
        storage.finish(study, ended(second))
        _same(storage.claim(study, 0, "two", attempt=2, at=8.0), None, "finished is finished")


def running_trials_are_guarded(factory: Factory) -> None:
    """Only the present attempt of a running trial may report, release and finish it."""
    with _study(factory) as (storage, study):
        storage.add_trials(study, [running(0), FrozenTrial(number=1)])
        storage.claim(study, 0, "thief", attempt=1, at=5.0)
        before = _present(storage, study)
        report = Reports([(1, {"loss": 1.0})])
        for number, attempt in ((0, 1), (0, 3), (1, 0)):
            stale = replace(running(number), attempt=attempt)
            _refused(TrialStateError, storage.report, study, number, attempt, report)
            _refused(TrialStateError, storage.release, study, number, attempt, _WAITING, "")
            _refused(TrialStateError, storage.finish, study, ended(stale))
        mine = replace(running(0), attempt=2)
        _refused(TrialStateError, storage.release, study, 0, 2, _COMPLETE, "")
        _refused(TrialStateError, storage.finish, study, mine)
        _refused(TrialNotFoundError, storage.finish, study, ended(running(2)))
        _refused(TrialNotFoundError, storage.report, study, 2, 1, report)
        _refused(TrialNotFoundError, storage.release, study, 2, 1, _WAITING, "")
        _same(_present(storage, study), before, "what is refused leaves no trace")
        storage.finish(study, ended(mine))
        _refused(TrialStateError, storage.finish, study, ended(mine))


def reports_are_appended(factory: Factory) -> None:
    """A report adds what is new; of a step reported before, the first stays."""
    with _study(factory) as (storage, study):
        storage.add_trials(study, [running(0)])
        storage.report(study, 0, 1, Reports([(1, {"loss": 1.0}), (3, {"loss": math.nan})]))
        full = [(1, {"loss": 9.0}), (3, {"loss": 9.0}), (2, {"loss": math.inf, "acc": 0.5})]
        after = storage.report(study, 0, 1, Reports(full))
        expected = [(1, {"loss": 1.0}), (3, {"loss": math.nan}), full[2]]
        _same(after.reports.items_in_order(), expected, "the first report of a step stays")
        data = storage.events(study)[-1].data
        _same([step for step, _ in data["reports"]], [2], "only what is new is logged")
        again = storage.report(study, 0, 1, Reports(full))
        _same(again, after, "nothing new changes nothing")
        _same(storage.changes_since(study, 0).version, 3, "nothing new is not logged")


def released_trials_can_be_claimed_again(factory: Factory) -> None:
    """A released trial waits or is paused, with the reason; a paused one keeps its reports."""
    with _study(factory) as (storage, study):
        storage.add_trials(study, [running(0)])
        storage.report(study, 0, 1, Reports([(1, {"loss": 1.0})]))
        for attempt, state, kept in ((1, _PAUSED, 1), (2, _WAITING, 0)):
            released = storage.release(study, 0, attempt, state, "why")
            _same((released.state, released.error), (state, "why"), "state and reason are kept")
            _same(len(released.reports), 1, "reports stay until it is claimed")
            claimed = storage.claim(study, 0, "w", attempt=attempt, at=5.0)
            assert claimed is not None, "a released trial can be claimed"
            _same((len(claimed.reports), claimed.attempt), (kept, attempt + 1), "it starts over")


def claims_may_name_the_state(factory: Factory) -> None:
    """A claim of a trial that was seen running is refused once that has paused."""
    with _study(factory) as (storage, study):
        storage.add_trials(study, [running(0)])
        storage.release(study, 0, 1, _PAUSED, "why")
        before = storage.changes_since(study, 0)
        seen = TrialState.RUNNING
        _same(storage.claim(study, 0, "w", attempt=1, at=5.0, state=seen), None, "it has paused")
        _same(storage.changes_since(study, 0), before, "and stays so")
        claimed = storage.claim(study, 0, "w", attempt=1, at=5.0, state=_PAUSED)
        assert claimed is not None, "a trial that is as it was seen can be claimed"


def paused_trials_are_resumed(factory: Factory) -> None:
    """A run may end PAUSED, with parameters and cost; a new claim goes on, with a new budget."""
    with _study(factory) as (storage, study), _opened(factory) as other:
        storage.add_trials(study, [replace(running(0), budget=3)])
        pause = replace(
            ended(running(0)), state=_PAUSED, metric_names=(), metric_values=(), finished=None
        )
        paused = storage.finish(study, pause)
        _same(_present(other, study), [paused], "another handle reads the pause")
        _same((paused.state, paused.budget, paused.finished_version), (_PAUSED, 3, None), "paused")
        _same((paused.cost, paused.params["y"]), (1.0, 3), "its cost and parameters are kept")
        _same(storage.events(study)[-1].kind, "paused", "a pause isn't the end of the trial")
        _refused(TrialStateError, storage.finish, study, ended(running(0)))
        stale = replace(ended(running(0)), state=TrialState.PRUNED, attempt=2)
        _refused(TrialStateError, storage.finish, study, stale)
        claimed = storage.claim(study, 0, "w", attempt=1, at=5.0, budget=9)
        assert claimed is not None, "a paused trial can be claimed"
        _same((claimed.budget, len(claimed.reports)), (9, 1), "a new budget; reports stay")
        storage.finish(study, replace(pause, attempt=2))
        pruned = storage.finish(study, replace(pause, attempt=2, state=TrialState.PRUNED))
        _same(pruned.state, TrialState.PRUNED, "a paused trial may be pruned as it is")
        _same(_present(other, study), [pruned], "another handle reads what came after")


def trials_are_ended_from_outside(factory: Factory) -> None:
    """Whoever knows a trial's attempt may prune it, also where it waits; its worker is refused."""
    with _study(factory) as (storage, study), _opened(factory) as user:
        storage.add_trials(study, [running(0), *(FrozenTrial(number=n) for n in (1, 2))])
        for number, trial in enumerate(_present(user, study)[:2]):
            stop = replace(trial, state=TrialState.PRUNED, error="stopped", finished=2.5)
            _same(user.finish(study, stop).error, "stopped", "it has ended")
            _refused(TrialStateError, user.finish, study, stop)
            _same(storage.claim(study, number, "w", attempt=number, at=5.0), None, "for good")
        _refused(TrialStateError, storage.finish, study, ended(running(0)))
        stale = FrozenTrial(number=2, state=TrialState.PRUNED)
        for state in (_COMPLETE, TrialState.FAILED, _PAUSED):
            _refused(TrialStateError, storage.finish, study, replace(stale, state=state))
        storage.claim(study, 2, "w", attempt=0, at=5.0)
        _refused(TrialStateError, user.finish, study, stale)  # it was claimed meanwhile


def lapses_are_counted(factory: Factory) -> None:
    """A claim of a RUNNING trial is a lapse, and a release that says so; nothing else is."""
    with _study(factory) as (storage, study), _opened(factory) as other:
        storage.add_trials(study, [running(0)])
        for attempt in (1, 2):
            storage.claim(study, 0, "w", attempt=attempt, at=5.0)
        for attempt, state in ((3, _WAITING), (4, _PAUSED)):
            storage.release(study, 0, attempt, state, "why")
            storage.claim(study, 0, "w", attempt=attempt, at=5.0)
        [trial] = _present(other, study)
        _same((trial.attempt, trial.lapses), (5, 2), "claims while it was running are counted")
        storage.release(study, 0, 5, _WAITING, "its worker is gone", lapse=True)
        _same([t.lapses for t in _present(other, study)], [3], "so are releases that are lapses")
        storage.claim(study, 0, "w", attempt=5, at=5.0)
        end = storage.finish(study, replace(ended(running(0)), attempt=6))
        _same(end.lapses, 3, "its end leaves the count")
        storage.add_trials(study, [replace(running(1), lapses=1)])
        failed = replace(running(1), state=TrialState.FAILED, lapses=2, error="gone")
        _same(storage.finish(study, failed).lapses, 2, "or raises it")
        _same([t.lapses for t in _present(other, study)], [3, 2], "another handle reads the same")


def lapses_are_counted_from_the_last_checkpoint(factory: Factory) -> None:
    """The count begins anew with a further checkpoint than at any lapse before."""
    with _study(factory) as (storage, study), _opened(factory) as other:
        storage.add_trials(study, [replace(running(0), lapses=1, lapsed_at=4)])
        seen = []
        for attempt, step in enumerate((4, 7, 2, 7, 8), 1):
            saved = replace(_SAVED, step=step)
            storage.checkpoint(study, 0, attempt, saved, Reports())
            storage.claim(study, 0, "w", attempt=attempt, at=5.0)
            [trial] = _present(other, study)
            seen.append((trial.lapses, trial.lapsed_at))
        _same(seen, [(2, 4), (1, 7), (2, 7), (3, 7), (1, 8)], "only what goes further counts")


def heartbeats_are_counted(factory: Factory) -> None:
    """A worker's counter grows, belongs to its study, and leaves no trace in the log."""
    with _study(factory) as (storage, study), _opened(factory) as other:
        storage.add_trials(study, [running(0)])
        before = storage.changes_since(study, 0)
        _same(dict(storage.heartbeats(study)), {}, "nobody has been heard of")
        for at in (7.5, 2.5, 2.5):  # clocks jump
            storage.heartbeat(study, "hôte:1 '; --", at)
        other.heartbeat(study, "two", 9.0)
        expected = {"hôte:1 '; --": Beat(3, 2.5), "two": Beat(1, 9.0)}
        _same(dict(sorted(other.heartbeats(study).items())), expected, "each has its counter")
        storage.forget_worker(study, "nobody")
        storage.forget_worker(study, "hôte:1 '; --")
        _same(dict(other.heartbeats(study)), {"two": Beat(1, 9.0)}, "it goes when told so")
        _same(storage.changes_since(study, 0), before, "heartbeats change no version")
        _same(len(storage.events(study)), 1, "and aren't in the log")
        storage.delete_study(_NAME)
        later = storage.create_study(_NAME, _OBJECTIVE, 0, {}).id
        _same(dict(other.heartbeats(later)), {}, "they go with their study")


def heartbeats_survive_threads(factory: Factory) -> None:
    """No beat is lost where several threads beat."""
    with _study(factory) as (storage, study):

        def beat() -> None:
            for _ in range(5):
                storage.heartbeat(study, "w", 1.0)

        in_threads(4, beat)
        _same(dict(storage.heartbeats(study)), {"w": Beat(20, 1.0)}, "all beats are counted")


def checkpoints_say_where_to_go_on(factory: Factory) -> None:
    """A checkpoint is kept with the reports until then; a new run goes on from there."""
    with _study(factory) as (storage, study), _opened(factory) as other:
        storage.add_trials(study, [running(0), replace(running(1), checkpoint=_SAVED)])
        storage.report(study, 0, 1, Reports([(1, {"loss": 3.0})]))
        reports = Reports([(1, {"loss": 3.0}), (2, {"loss": 2.0})])
        saved = storage.checkpoint(study, 0, 1, _SAVED, reports)
        _same((saved.checkpoint, len(saved.reports)), (_SAVED, 2), "both are kept")
        again = storage.checkpoint(study, 0, 1, replace(_SAVED, key="cd"), reports)
        _same(again.reports.items_in_order(), reports.items_in_order(), "reports are kept once")
        storage.report(study, 0, 1, Reports([(3, {"loss": 1.0})]))
        before = _present(other, study)
        _same(before[0].checkpoint, _SAVED, "a trial may be added with another's checkpoint")
        _refused(TrialStateError, storage.checkpoint, study, 0, 2, _SAVED, reports)
        claimed = storage.claim(study, 0, "w", attempt=1, at=5.0)
        assert claimed is not None, "the trial of a dead worker can be claimed"
        _same(claimed.checkpoint, replace(_SAVED, key="cd"), "the checkpoint is still there")
        _same(list(claimed.reports), [1, 2], "what came after it is forgotten")
        _same(_present(other, study)[-1], claimed, "another handle reads the same")


def attributes_are_added(factory: Factory) -> None:
    """User attributes accumulate, in any state, and belong to nobody else."""
    with _study(factory) as (storage, study):
        storage.add_trials(study, [running(0)])
        note: dict[str, Any] = {"a": [1, {"b": None}], "c": True}
        storage.set_attrs(study, 0, note)
        note["a"].append(2)
        storage.finish(study, ended(running(0)))
        after = storage.set_attrs(study, 0, {"c": "é", "d": 0.5})
        expected = {"a": [1, {"b": None}], "c": "é", "d": 0.5}
        _same(dict(after.user_attrs), expected, "attributes add up")
        _refused(TrialNotFoundError, storage.set_attrs, study, 1, {})
        for unfit in (object(), math.nan, {1, 2}):
            _refused(ArgumentError, storage.set_attrs, study, 0, {"x": unfit})


def invalidated_trials_leave_the_counts(factory: Factory) -> None:
    """A finished trial can be invalidated; it stays, marked, and isn't counted."""
    with _study(factory) as (storage, study):
        storage.add_trials(study, [running(n) for n in range(3)])
        for number in range(2):
            storage.finish(study, ended(running(number)))
        _refused(TrialStateError, storage.invalidate, study, 2, "no")
        _refused(TrialNotFoundError, storage.invalidate, study, 3, "no")
        _same(storage.invalidate(study, 0, "bug").invalid, "bug", "the reason is kept")
        summary = next(s for s in storage.studies() if s.record.name == _NAME)
        _same(dict(summary.states), {_RUNNING: 1, _COMPLETE: 1}, "invalid trials aren't counted")
        _same(summary.version, 6, "a summary has the study's version")


def state_and_spaces_are_kept(factory: Factory) -> None:
    """Study-wide values are overwritten by key; declared spaces are kept in order."""
    with _study(factory) as (storage, study):
        _same(storage.put_state(study, "k", [1, None]), 1, "put_state returns the version")
        _same(storage.put_space(study, '{"v": 1}'), 2, "put_space returns the version")
        storage.put_state(study, "k", {"é": 1.5})
        storage.put_state(study, "other", "x")
        storage.put_space(study, '{"v": 2}')
        _same(storage.get_state(study), {"k": {"é": 1.5}, "other": "x"}, "the last value counts")
        changes = storage.changes_since(study, 2)
        _same(dict(changes.state), {"k": {"é": 1.5}, "other": "x"}, "changed values come")
        _same(list(changes.spaces), [(5, '{"v": 2}')], "later spaces come with their version")
        _same(dict(storage.changes_since(study, 4).state), {}, "older values don't come")
        _refused(ArgumentError, storage.put_state, study, "k", object())


def odd_values_survive(factory: Factory) -> None:
    """What goes in comes out with its type, through another handle too."""
    odd = (
        *(None, True, 1, 1.0, "1", 1e-300, -0.0, math.inf, -math.inf, 2**80, -(2**80)),
        *((1, (2.0, None)), [1, True], {"$tuple": 1}, "é\x00\n'\"; DROP TABLE trials; --"),
        *("\U0001f600", "\ud800", "x" * 10_000, 0.1 + 0.2, 5e-324),
    )
    names = tuple(f"{'n' * 1_000}é {i}" for i in range(len(odd)))
    trial = FrozenTrial(
        number=0,
        state=_RUNNING,
        param_names=names,
        param_values=odd,
        objectives=2,
        started=1.5,
        worker="hôte:1",
        attempt=1,
        origin=Origin("s", "why é", 7, "first", 3, {"bracket": [1, None]}),
        user_attrs={"é": [1, {"x": None}]},
        declares={"x": Float(0.0, 1.0)},
    )
    metrics = {"a": math.inf, "b é": -math.inf, "c": math.nan, "d": -0.0}
    with _study(factory) as (storage, study), _opened(factory) as other:
        added = storage.add_trials(study, [trial])[0]
        _same(added, replace(trial, version=1), "add_trials returns what was added")
        _same(_present(other, study), [added], "and so it is read")
        end = replace(
            added,
            state=_COMPLETE,
            metric_names=tuple(metrics),
            metric_values=tuple(metrics.values()),
            reports=Reports([(0, {"a": math.nan}), (-1, {"a": -math.inf, "é": 1.0})]),
            finished=2.5,
            cost=0.25,
            error="é\n" * 5_000,
        )
        stored = storage.finish(study, end)
        _same(stored, replace(end, version=2, finished_version=2), "finish returns the end")
        _same(_present(other, study), [stored], "and so it is read")


def handles_see_each_other(factory: Factory) -> None:
    """What one handle writes, another reads, and may go on with."""
    with _study(factory) as (one, study), _opened(factory) as two:
        one.add_trials(study, [running(0)])
        two.report(study, 0, 1, Reports([(1, {"loss": 2.0})]))
        one.report(study, 0, 1, Reports([(2, {"loss": 1.0})]))
        two.set_attrs(study, 0, {"by": "two"})
        end = one.finish(study, replace(ended(running(0)), reports=Reports()))
        _same(two.changes_since(study, 4).trials, [end], "the other sees the end")
        _same(dict(end.user_attrs), {"by": "two"}, "and nothing is overwritten")
        one.close()
        _same(_present(one, study), [end], "a closed handle opens again when needed")


def logs_have_a_place_or_none(factory: Factory) -> None:
    """Studies share no folder for what their trials print, and it goes with the study."""
    with _study(factory) as (storage, first):
        other = f"{_NAME} of another"
        place = storage.logs(storage.create_study(other, _OBJECTIVE, 0, {}).id)
        if place is not None:
            assert place != storage.logs(first), "two studies print into one folder"
            place.mkdir(parents=True)
            (place / "0-1.log").write_text("printed")
        storage.delete_study(other)
        assert place is None or not place.exists(), "what trials printed outlives their study"


def the_best_is_found(factory: Factory) -> None:
    """``best_trial`` looks at valid COMPLETE trials only; the first to finish of equals wins."""
    with _study(factory) as (storage, study):
        _same(storage.best_trial(study, "minimize"), None, "no trial, no best")
        values = [3.0, 1.0, math.inf, 1.0, 2.0, -math.inf, -5.0]
        storage.add_trials(study, [running(n) for n in range(len(values))])
        for number in (3, 1, 0, 2, 4, 5, 6):
            trial = replace(
                ended(running(number)),
                state=TrialState.PRUNED if number == 6 else _COMPLETE,
                metric_names=("loss", "mb"),
                metric_values=(values[number], 0.0),
            )
            storage.finish(study, trial)
        storage.invalidate(study, 5, "bug")
        for direction, number in (("minimize", 3), ("maximize", 2)):
            best = storage.best_trial(study, direction)  # type: ignore[arg-type]
            _same(best and best.number, number, f"the best to {direction}")
        storage.add_trials(study, [running(7)])
        storage.finish(study, replace(ended(running(7)), metric_values=(math.nan, 0.0)))
        storage.invalidate(study, 3, "bug")
        best = storage.best_trial(study, "minimize")
        _same(best and best.number, 1, "the next of two equals")


def changes_converge_from_any_version(factory: Factory) -> None:
    """A mirror that was at any version becomes the present state by ``changes_since``."""
    with _study(factory) as (storage, study):
        mirrors = [Mirror()]
        for act in life(storage, study):
            act()
            mirror = mirrors[-1].copy()
            mirror.apply(storage.changes_since(study, mirror.version))
            mirrors.append(mirror)
        final = mirrors[-1]
        for mirror in mirrors:
            changes = storage.changes_since(study, mirror.version)
            versions = [t.version for t in changes.trials]
            _same(versions, sorted(versions), "trials come in the order of their last change")
            assert all(v > mirror.version for v in versions), "only what changed comes"
            mirror.apply(changes)
            _same(vars(mirror), vars(final), "every mirror converges")
        idle = storage.changes_since(study, final.version)
        _same(idle, Changes(final.version, (), {}, ()), "nothing new is an empty answer")


def the_log_folds_to_the_present_state(factory: Factory) -> None:
    """Events are dense, plain JSON, and ``evolve`` makes the present records of them."""
    with _study(factory) as (storage, study):
        for act in life(storage, study):
            act()
        events = storage.events(study)
        _same([e.version for e in events], list(range(1, len(events) + 1)), "versions are dense")
        _same(storage.changes_since(study, 0).version, len(events), "the version is the last")
        folded: dict[int, FrozenTrial] = {}
        for event in events:
            data = json.loads(json.dumps(dict(event.data), allow_nan=False))
            _same(dict(event.data), data, "an event's data is JSON")
            if event.number is not None:
                folded[event.number] = evolve(folded.get(event.number), event)
        present = sorted(_present(storage, study), key=lambda t: t.number)
        _same(present, list(folded.values()), "the log folds to the present state")
        _same(storage.events(study, 3), events[3:], "events come after a version")
        own = [event for event in events[3:] if event.number == 0]
        _same(storage.events(study, 3, number=0), own, "or only one trial's")


STORAGE_CHECKS: Final[Mapping[str, Callable[[Factory], None]]] = {
    check.__name__: check
    for check in (
        studies_are_created_loaded_listed_and_deleted,
        deleted_studies_stay_gone,
        numbers_are_compare_and_swap,
        numbers_are_dense_under_threads,
        next_trials_are_proposed_from_all_before,
        turns_are_taken_in_turn,
        claims_have_one_winner,
        claims_are_guarded,
        running_trials_are_guarded,
        reports_are_appended,
        released_trials_can_be_claimed_again,
        claims_may_name_the_state,
        paused_trials_are_resumed,
        trials_are_ended_from_outside,
        lapses_are_counted,
        lapses_are_counted_from_the_last_checkpoint,
        heartbeats_are_counted,
        heartbeats_survive_threads,
        checkpoints_say_where_to_go_on,
        attributes_are_added,
        invalidated_trials_leave_the_counts,
        state_and_spaces_are_kept,
        odd_values_survive,
        handles_see_each_other,
        logs_have_a_place_or_none,
        the_best_is_found,
        changes_converge_from_any_version,
        the_log_folds_to_the_present_state,
    )
}
"""All checks by name; each takes a factory and raises AssertionError."""

_HOSTILE_NAMES: Final = (
    f"{_NAME}'; DROP TABLE studies; --",
    f'{_NAME}"%s ? :x {{}} \\ \n',
    f"{_NAME} é \U0001f600",
    f"{_NAME} {'x' * 10_000}",
    "",
)


def _present(storage: Storage, study: int) -> list[FrozenTrial]:
    return list(storage.changes_since(study, 0).trials)


@contextmanager
def _opened(factory: Factory) -> Iterator[Storage]:
    storage = factory()
    try:
        yield storage
    finally:
        storage.close()


@contextmanager
def _study(factory: Factory) -> Iterator[tuple[Storage, int]]:
    with _opened(factory) as storage:
        _forget(storage, _NAME)
        try:
            yield storage, storage.create_study(_NAME, _OBJECTIVE, 1, {}).id
        finally:
            _forget(storage, _NAME)


def _forget(storage: Storage, name: str) -> None:
    if name in [summary.record.name for summary in storage.studies()]:
        storage.delete_study(name)
