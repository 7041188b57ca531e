"""Faults at each boundary of a transaction: nothing is lost, nothing is done twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from luthier.core.events import evolve
from luthier.core.objective import Objective
from luthier.core.protocols import Storage
from luthier.core.trial import FrozenTrial
from luthier.errors import LuthierError
from luthier.storages import MemoryStorage
from luthier.storages.database import Database, Execute
from luthier.storages.postgresql import PostgresqlDatabase
from luthier.storages.sql import SqlStorage
from luthier.storages.sqlite import SqliteDatabase
from luthier.testing.life import life

T = TypeVar("T")
BOUNDARIES = ["before anything", "after the work", "after the commit"]


class Faulty:
    """A database in which something happens at one boundary of the next transaction that writes.

    Args:
        database: The sound one.
        fault: Called there; what it raises ends the transaction, as a lost connection does, and
            the work is run again.
    """

    def __init__(self, database: Database, fault: Callable[[], None]) -> None:
        self._database = database
        self._fault = fault
        self.boundary: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def write(self, work: Callable[[Execute], T], study: int | None = None) -> T:
        def faulty(execute: Execute) -> T:
            result = work(execute)
            if boundary == "after the work":
                self._fault()
            return result

        boundary, self.boundary = self.boundary, None
        try:
            if boundary == "before anything":
                self._fault()
            result = self._database.write(faulty, study)
            if boundary == "after the commit":
                self._fault()
            return result
        except LostError:
            return self._database.write(work, study)


class LostError(LuthierError):
    """A connection is gone, and with it what the server would have said."""


def lose() -> None:
    raise LostError("gone")


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Database]:
    if request.param == "sqlite":
        return lambda: SqliteDatabase(tmp_path / "runs.db")
    url = request.getfixturevalue("postgres_url")
    return lambda: PostgresqlDatabase(url)


def story(storage: Storage, study: int) -> list[object]:
    """What can be known of a study, but the times."""
    events = storage.events(study)
    folded: dict[int, FrozenTrial] = {}
    for event in events:
        if event.number is not None:
            folded[event.number] = evolve(folded.get(event.number), event)
    trials = sorted(storage.changes_since(study, 0).trials, key=lambda t: t.number)
    assert repr(trials) == repr(list(folded.values()))
    log = [(e.version, e.kind, e.number, e.data) for e in events]
    return [log, trials, storage.get_state(study)]


def expected() -> tuple[list[str], list[object]]:
    storage = MemoryStorage()
    study = storage.create_study("s", Objective(), 0, {}).id
    answers = [repr(act()) for act in life(storage, study)]
    return answers, story(storage, study)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_each_step_of_a_life_survives_a_lost_connection(
    database: Callable[[], Database], boundary: str
) -> None:
    faulty = Faulty(database(), lose)
    storage = SqlStorage(faulty)
    faulty.boundary = boundary
    study = storage.create_study("s", Objective(), 0, {}).id
    assert study == storage.load_study("s").id
    answers = []
    for act in life(storage, study):
        faulty.boundary = boundary
        answers.append(repr(act()))
        assert faulty.boundary is None
    assert (answers, repr(story(storage, study))) == (expected()[0], repr(expected()[1]))
    faulty.boundary = boundary
    storage.delete_study("s")
    assert storage.studies() == []
    storage.close()


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_what_is_not_there_stays_refused_after_a_lost_connection(
    database: Callable[[], Database], boundary: str
) -> None:
    faulty = Faulty(database(), lose)
    storage = SqlStorage(faulty)
    study = storage.create_study("s", Objective(), 0, {}).id
    storage.add_trials(study, [FrozenTrial(number=0)])
    for act, message in (
        (lambda: storage.create_study("s", Objective(), 0, {}), "name must be new"),
        (lambda: storage.delete_study("other"), "There is no study 'other'"),
        (lambda: storage.add_trials(study, [FrozenTrial(number=0)]), "another driver was first"),
        (lambda: storage.invalidate(study, 0, "bug"), "Only a finished trial"),
    ):
        faulty.boundary = boundary
        with pytest.raises(LuthierError, match=message):
            act()
    assert storage.changes_since(study, 0).version == 1
    storage.close()


def test_a_rival_that_was_faster_is_not_taken_for_oneself(
    database: Callable[[], Database],
) -> None:
    rival = SqlStorage(database())
    study = rival.create_study("s", Objective(), 0, {}).id
    rival.add_trials(study, [FrozenTrial(number=0)])

    def lose_to_rival() -> None:
        assert rival.claim(study, 0, "rival", attempt=0, at=1.0) is not None
        raise LostError("gone")

    faulty = Faulty(database(), lose_to_rival)
    storage = SqlStorage(faulty)
    faulty.boundary = "before anything"
    assert storage.claim(study, 0, "me", attempt=0, at=1.0) is None
    assert rival.changes_since(study, 0).trials[0].worker == "rival"
    rival.close()
    storage.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_driver_killed_at_a_boundary_leaves_all_or_nothing(
    database: Callable[[], Database], boundary: str
) -> None:
    storage = SqlStorage(database())
    study = storage.create_study("s", Objective(), 0, {}).id
    reference = MemoryStorage()
    copy = reference.create_study("s", Objective(), 0, {}).id
    for step, (act, same) in enumerate(
        zip(life(storage, study), life(reference, copy), strict=True)
    ):
        child = os.fork()
        if child == 0:
            faulty = Faulty(database(), kill)
            own = SqlStorage(faulty)
            faulty.boundary = boundary
            life(own, study)[step]()
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        before = repr(story(reference, copy))
        same()
        done = boundary == "after the commit"
        assert repr(story(storage, study)) == (repr(story(reference, copy)) if done else before)
        if not done:
            act()
    assert repr(story(storage, study)) == repr(expected()[1])
    storage.close()
