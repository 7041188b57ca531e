"""The storage contract in SQL, written once for all databases.

Every change of a trial is the same few steps in one transaction: look at its present record,
check the rule, raise the study's version, let ``evolve`` say what the event makes of the
record, write the columns that changed, append the event. So what is stored can't differ from
what the log says.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, TypeVar, final

from luthier.core.checkpoint import Checkpoint, CheckpointStore
from luthier.core.events import LogEvent, evolve
from luthier.core.objective import Direction, Objective
from luthier.core.protocols import Beat, Changes, StudyRecord, StudySummary
from luthier.core.record import dump, finish_json, reports_json, trial_json
from luthier.core.trial import FrozenTrial, Reports, TrialState
from luthier.errors import LuthierError, TrialStateError
from luthier.storages import rules
from luthier.storages.checkpoints import FileCheckpoints
from luthier.storages.database import Database, Execute, Rows
from luthier.storages.rows import (
    BEST_VALUE,
    INSERT_EVENT,
    INSERT_TRIAL,
    SELECT_BEST,
    SELECT_CHANGED,
    SELECT_TRIAL,
    UPDATES,
    loads,
    new_row,
    plain_text,
    read_row,
)
from luthier.storages.schema import migrate

__all__ = ["SqlStorage"]

T = TypeVar("T")
_MOST_OPEN: Final = 1024
# Each write begins with one of these: it waits for the study's row, and keeps it to its end.
_HOLD: Final = "UPDATE studies SET version = version WHERE id = ? RETURNING version"
_NEXT_VERSION: Final = "UPDATE studies SET version = version + 1 WHERE id = ? RETURNING version"
_GROW: Final = (
    "UPDATE studies SET version = version + ?, trials = trials + ? WHERE id = ?"
    " RETURNING version, trials"
)
_NOTES: Final = (
    "SELECT version, key, value FROM state WHERE study = ? AND version > ?"
    " UNION ALL SELECT version, NULL, space FROM spaces WHERE study = ? AND version > ?"
    " ORDER BY 1"
)
_EVENTS: Final = (
    "SELECT version, at, kind, number, data FROM events"
    " WHERE study = ? AND version > ? ORDER BY version"
)
_EVENTS_OF_ONE: Final = (
    "SELECT version, at, kind, number, data FROM events"
    " WHERE study = ? AND version > ? AND number = ? ORDER BY version"
)
_TRIAL_VERSION: Final = "SELECT version FROM trials WHERE study = ? AND number = ?"


@final
class SqlStorage:
    """Keeps studies in a SQL database. Thread-safe, and safe with many processes.

    Args:
        database: Runs the statements; see ``storages.database``.
        create: Whether to make the tables where there are none.

    Raises:
        StorageError: The database can't be used; the subclass and the message say why.
    """

    shared = True

    def __init__(self, database: Database, *, create: bool = True) -> None:
        self._database = database
        self._open: dict[tuple[int, int], FrozenTrial] = {}  # a cache: valid while versions agree
        migrate(database, create=create)

    def create_study(
        self, name: str, objective: Objective, seed: int, settings: Mapping[str, Any]
    ) -> StudyRecord:
        """Create a study; see ``core.protocols.Storage`` for this and the other methods."""
        settings = rules.json_copy(settings, "The settings of a study")
        rules.require_text(name, "The name of a study")
        created = time.time()
        tried: list[int] = []

        def work(execute: Execute) -> int:
            found = execute("SELECT id, created FROM studies WHERE name = ?", (name,)).fetchone()
            if found is not None:
                if found == (*tried[-1:], created):  # the answer to its commit was lost
                    return tried[-1]
                raise rules.study_exists(name)
            (study,) = execute("SELECT next_study FROM luthier", ()).fetchone()
            tried.append(study)
            execute("UPDATE luthier SET next_study = next_study + 1", ())
            execute(
                "INSERT INTO studies"
                " (id, name, objective, seed, created, settings, version, trials)"
                " VALUES (?, ?, ?, ?, ?, ?, 0, 0)",
                (study, name, dump(objective.to_json()), str(seed), created, dump(settings)),
            )
            return int(study)

        study = self._database.write(work)
        return StudyRecord(study, name, objective, seed, created, settings)

    def load_study(self, name: str) -> StudyRecord:
        """Return a study's record."""

        def work(execute: Execute) -> StudyRecord:
            row = execute(
                "SELECT id, name, objective, seed, created, settings FROM studies WHERE name = ?",
                (name,),
            ).fetchone()
            if row is None:
                raise _missing(execute, name)
            return _record(row)

        return self._database.read(work)

    def delete_study(self, name: str) -> None:
        """Delete a study with all its trials and its log."""
        tried: list[int] = []

        def work(execute: Execute) -> int:
            row = execute("SELECT id FROM studies WHERE name = ?", (name,)).fetchone()
            if tried and row != (tried[-1],):  # the answer to its commit was lost
                return tried[-1]
            if row is None:
                raise _missing(execute, name)
            tried.append(row[0])
            for statement in _DELETES:
                execute(statement, row)
            return tried[-1]

        study = self._database.write(work)
        for folder in (self._saved(study), self.logs(study)):
            shutil.rmtree(folder, ignore_errors=True)

    def studies(self) -> list[StudySummary]:
        """All studies, oldest first."""

        def work(execute: Execute) -> list[StudySummary]:
            counts: dict[int, dict[TrialState, int]] = {}
            for study, state, n in execute(
                "SELECT study, state, COUNT(*) FROM trials GROUP BY study, state", ()
            ):
                counts.setdefault(study, {})[TrialState(state)] = n
            for study, state, n in execute(
                "SELECT study, state, COUNT(*) FROM trials WHERE invalid IS NOT NULL"
                " GROUP BY study, state",
                (),
            ):
                counts[study][TrialState(state)] -= n
            rows = execute(
                "SELECT id, name, objective, seed, created, settings, version FROM studies"
                " ORDER BY id",
                (),
            )
            return [_summary(row, counts.get(row[0], {})) for row in rows]

        return self._database.read(work)

    def add_trials(self, study: int, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """Add trials in any state."""
        at = time.time()
        lines = _lines(trials)

        def work(execute: Execute) -> list[FrozenTrial]:
            last, count = _grown(execute(_GROW, (len(trials), len(trials), study)), study)
            rules.require_numbers(trials, count - len(trials))
            return _add(execute, study, last - len(trials), at, lines)

        added = self._write(study, work)
        for trial in added:
            self._remember(study, trial)
        return added

    def add_next(
        self, study: int, since: int, propose: Callable[[Changes], FrozenTrial | None]
    ) -> FrozenTrial | None:
        """Look at what has changed and add what is proposed upon that, in one transaction."""
        seen = since

        def work(execute: Execute) -> list[FrozenTrial]:
            nonlocal seen
            grown = execute(_GROW, (1, 1, study))
            read = _read_changes(execute, study, seen)  # together: one trip to a server
            version, count = _grown(grown, study)
            changes = read(version - 1)
            seen = changes.version  # run again, this doesn't show the same twice
            trial = propose(changes)
            if trial is None:
                raise _NothingNewError
            rules.require_numbers([trial], count - 1)
            return _add(execute, study, version - 1, time.time(), _lines([trial]))

        try:
            [added] = self._write(study, work)
        except _NothingNewError:
            return None
        self._remember(study, added)
        return added

    def turn(self, study: int) -> AbstractContextManager[object]:
        """Wait for one's turn to add trials."""
        return self._database.turn(study)

    def claim(
        self,
        study: int,
        number: int,
        worker: str,
        *,
        attempt: int,
        at: float,
        budget: int | None = None,
        state: TrialState | None = None,
    ) -> FrozenTrial | None:
        """Make a trial RUNNING under a worker, or return None if another was faster."""

        def data(before: FrozenTrial) -> dict[str, Any]:
            rules.require_claimable(before, attempt, state)
            return plain_text(rules.claim_data(before, worker, budget))

        try:
            return self._change(study, number, "claimed", data, at)
        except TrialStateError:
            return None

    def report(self, study: int, number: int, attempt: int, reports: Reports) -> FrozenTrial:
        """Record the reports of a running trial that are new."""

        def data(before: FrozenTrial) -> dict[str, Any] | None:
            rules.require_running(before, attempt)
            fresh = rules.new_reports(before, reports)
            return {"reports": reports_json(fresh)} if fresh else None

        return self._change(study, number, "reported", data)

    def checkpoint(
        self, study: int, number: int, attempt: int, checkpoint: Checkpoint, reports: Reports
    ) -> FrozenTrial:
        """Record a running trial's saved state, and its reports that are new."""

        def data(before: FrozenTrial) -> dict[str, Any]:
            rules.require_running(before, attempt)
            fresh = rules.new_reports(before, reports)
            return {"checkpoint": checkpoint.to_json(), "reports": reports_json(fresh)}

        return self._change(study, number, "checkpointed", data)

    def release(
        self,
        study: int,
        number: int,
        attempt: int,
        state: TrialState,
        reason: str,
        *,
        lapse: bool = False,
    ) -> FrozenTrial:
        """Put a running trial back to WAITING or PAUSED."""
        rules.require_open(state)

        def data(before: FrozenTrial) -> dict[str, Any]:
            rules.require_running(before, attempt)
            return plain_text(rules.release_data(before, state, reason, lapse))

        return self._change(study, number, "released", data)

    def finish(self, study: int, trial: FrozenTrial) -> FrozenTrial:
        """Record the end of a trial's run."""
        rules.require_ended(trial.state)
        ready = plain_text(finish_json(trial))

        def data(before: FrozenTrial) -> dict[str, Any]:
            rules.require_endable(before, trial)
            return ready

        return self._change(study, trial.number, rules.end_kind(trial.state), data)

    def set_attrs(self, study: int, number: int, attrs: Mapping[str, Any]) -> FrozenTrial:
        """Add to a trial's user attributes."""
        own = {"user_attrs": rules.json_copy(dict(attrs), "A user attribute")}
        return self._change(study, number, "attrs", lambda before: own)

    def invalidate(self, study: int, number: int, reason: str) -> FrozenTrial:
        """Take a finished trial out of every decision."""

        def data(before: FrozenTrial) -> dict[str, Any]:
            rules.require_finished(before)
            return plain_text({"reason": reason})

        return self._change(study, number, "invalidated", data)

    def put_space(self, study: int, space: str) -> int:
        """Record a newly declared space; return the study's version."""
        return self._note(
            study,
            "space",
            {"space": space},
            "INSERT INTO spaces (version, study, space) VALUES (?, ?, ?)",
            (study, space),
        )

    def put_state(self, study: int, key: str, value: object) -> int:
        """Set a study-wide value; return the study's version."""
        own = rules.json_copy(value, f"The state value {key!r}")
        rules.require_text(key, "A key of the study's state")
        return self._note(
            study,
            "state",
            {"key": key, "value": own},
            "INSERT INTO state (version, study, key, value) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (study, key)"
            " DO UPDATE SET value = excluded.value, version = excluded.version",
            (study, key, dump(own)),
        )

    def get_state(self, study: int) -> dict[str, Any]:
        """All study-wide values."""

        def work(execute: Execute) -> dict[str, Any]:
            _version(execute, study)
            rows = execute(
                "SELECT key, value FROM state WHERE study = ? ORDER BY version", (study,)
            )
            return {key: loads(value) for key, value in rows}

        return self._database.read(work)

    def best_trial(self, study: int, direction: Direction) -> FrozenTrial | None:
        """The best valid COMPLETE trial by the first objective."""

        def work(execute: Execute) -> FrozenTrial | None:
            _version(execute, study)
            [best] = execute(BEST_VALUE[direction], (study,)).fetchone()
            if best is None:
                return None
            return read_row(execute(SELECT_BEST, (study, best)).fetchone())

        return self._database.read(work)

    def changes_since(self, study: int, version: int) -> Changes:
        """Return what has changed since a version."""

        def work(execute: Execute) -> Changes:
            present = _version(execute, study)
            if present <= version:
                return Changes(present, (), {}, ())
            return _read_changes(execute, study, version)(present)

        return self._database.read(work)

    def events(self, study: int, since: int = 0, *, number: int | None = None) -> list[LogEvent]:
        """The log after a version, oldest first."""

        def work(execute: Execute) -> list[LogEvent]:
            _version(execute, study)
            rows = (
                execute(_EVENTS, (study, since))
                if number is None
                else execute(_EVENTS_OF_ONE, (study, since, number))
            )
            return [
                LogEvent(version, at, kind, of, loads(data)) for version, at, kind, of, data in rows
            ]

        return self._database.read(work)

    def heartbeat(self, study: int, worker: str, at: float) -> None:
        """Raise a worker's counter."""
        values = (study, _plain(worker), at)

        def work(execute: Execute) -> None:
            _version_in(execute(_HOLD, (study,)), study)
            execute(
                "INSERT INTO heartbeats (study, worker, beats, at) VALUES (?, ?, 1, ?)"
                " ON CONFLICT (study, worker)"
                " DO UPDATE SET beats = heartbeats.beats + 1, at = excluded.at",
                values,
            )

        self._database.write(work, study)

    def heartbeats(self, study: int) -> dict[str, Beat]:
        """The counters by worker."""

        def work(execute: Execute) -> dict[str, Beat]:
            _version(execute, study)
            rows = execute("SELECT worker, beats, at FROM heartbeats WHERE study = ?", (study,))
            return {worker: Beat(beats, at) for worker, beats, at in rows}

        return self._database.read(work)

    def forget_worker(self, study: int, worker: str) -> None:
        """Delete a worker's counter."""
        values = (study, _plain(worker))

        def work(execute: Execute) -> None:
            _version_in(execute(_HOLD, (study,)), study)
            execute("DELETE FROM heartbeats WHERE study = ? AND worker = ?", values)

        self._database.write(work, study)

    def checkpoints(self, study: int) -> CheckpointStore:
        """Return a folder beside the database's file, or for a server in the user's home."""
        return FileCheckpoints(self._saved(study))

    def logs(self, study: int) -> Path:
        """Return a folder beside the database's file, or for a server in the user's home."""
        return Path(f"{self._database.beside}.logs", str(study)).absolute()

    def close(self) -> None:
        """Release connections; the next use opens new ones."""
        self._database.close()

    def __repr__(self) -> str:
        return f"SqlStorage({self._database!r})"

    def _saved(self, study: int) -> Path:
        return Path(f"{self._database.beside}.checkpoints", str(study))

    def _change(
        self,
        study: int,
        number: int,
        kind: str,
        data_for: Callable[[FrozenTrial], Mapping[str, Any] | None],
        at: float | None = None,
    ) -> FrozenTrial:
        """Log one event of one trial, unless its data is None; return the record as it is then."""
        at = time.time() if at is None else at
        presents: list[FrozenTrial] = []

        def work(execute: Execute) -> FrozenTrial:
            raised = execute(_NEXT_VERSION, (study,))
            seen = execute(_TRIAL_VERSION, (study, number))  # together: one trip to a server
            version = _version_in(raised, study)
            before = self._present(execute, study, number, seen.fetchone())
            presents.append(before)
            data = data_for(before)
            if data is None:
                raise _NothingNewError
            after = evolve(before, LogEvent(version, at, kind, number, data))
            update, columns = UPDATES[kind]
            execute(update, (*columns(after, data), version, study, number))
            execute(INSERT_EVENT, (study, version, at, kind, number, dump(data)))
            return after

        try:
            after = self._write(study, work)
        except _NothingNewError:
            return presents[-1]
        self._remember(study, after)
        return after

    def _note(
        self,
        study: int,
        kind: str,
        data: Mapping[str, Any],
        statement: str,
        columns: tuple[Any, ...],
    ) -> int:
        """Log one event of the study itself; return its version."""
        at = time.time()

        def work(execute: Execute) -> int:
            version = _version_in(execute(_NEXT_VERSION, (study,)), study)
            execute(statement, (version, *columns))
            execute(INSERT_EVENT, (study, version, at, kind, None, dump(data)))
            return version

        return self._write(study, work)

    def _write(self, study: int, work: Callable[[Execute], T]) -> T:
        """Run work that appends to a study's log, exactly once.

        Where the answer to a commit was lost, the work is run again; but first the log is asked
        whether what was appended before stands there. An event at its version, with its time
        and its data, is nobody else's: a claim names its worker, reports and ends are those of
        one attempt, and where two drivers could note the same, it is the same note.
        """
        done: list[tuple[Sequence[Any], T]] = []  # the first event of each run, and its result

        def once(execute: Execute) -> T:
            if done and _is_logged(execute, study, done[-1][0]):
                return done[-1][1]
            appended: list[Sequence[Any]] = []

            def noting(statement: str, columns: Sequence[Any]) -> Rows:
                if statement is INSERT_EVENT:
                    appended.append(columns)
                return execute(statement, columns)

            result = work(noting)
            if appended:
                done.append((appended[0], result))
            return result

        return self._database.write(once, study)

    def _present(
        self, execute: Execute, study: int, number: int, version: tuple[int] | None
    ) -> FrozenTrial:
        """A trial's record, read from its row only if another process has changed it."""
        if version is None:
            raise rules.trial_missing(number)
        known = self._open.get((study, number))
        if known is not None and known.version == version[0]:
            return known
        return read_row(execute(SELECT_TRIAL, (study, number)).fetchone())

    def _remember(self, study: int, trial: FrozenTrial) -> None:
        if trial.state.is_finished:
            self._open.pop((study, trial.number), None)
            return
        if len(self._open) >= _MOST_OPEN:
            self._open.clear()
        self._open[study, trial.number] = trial


_DELETES: Final = (  # the study first: who holds its row has written all that he will
    "DELETE FROM studies WHERE id = ?",
    "DELETE FROM trials WHERE study = ?",
    "DELETE FROM events WHERE study = ?",
    "DELETE FROM state WHERE study = ?",
    "DELETE FROM spaces WHERE study = ?",
    "DELETE FROM heartbeats WHERE study = ?",
)


def _plain(worker: str) -> str:
    """A worker's name as a claim records it."""
    return str(plain_text({"worker": worker})["worker"])


def _version(execute: Execute, study: int) -> int:
    return _version_in(execute("SELECT version FROM studies WHERE id = ?", (study,)), study)


def _is_logged(execute: Execute, study: int, line: Sequence[Any]) -> bool:
    """Whether the log has an event, given as the columns of ``INSERT_EVENT``."""
    _version_in(execute(_HOLD, (study,)), study)  # who still commits it holds the row
    _, version, *event = line
    found = execute(
        "SELECT at, kind, number, data FROM events WHERE study = ? AND version = ?",
        (study, version),
    ).fetchone()
    return found is not None and [*found] == event


def _lines(trials: Sequence[FrozenTrial]) -> list[tuple[int, dict[str, Any]]]:
    """The numbers of new trials, and the data of their events."""
    return [(trial.number, plain_text(trial_json(rules.own_attrs(trial)))) for trial in trials]


def _add(
    execute: Execute, study: int, last: int, at: float, lines: Sequence[tuple[int, dict[str, Any]]]
) -> list[FrozenTrial]:
    """Add trials after a version of the study."""
    added = []
    for version, (number, data) in enumerate(lines, last + 1):
        trial = evolve(None, LogEvent(version, at, "added", number, data))
        execute(INSERT_TRIAL, (study, *new_row(trial, data)))
        execute(INSERT_EVENT, (study, version, at, "added", number, dump(data)))
        added.append(trial)
    return added


def _read_changes(execute: Execute, study: int, since: int) -> Callable[[int], Changes]:
    """Ask what has changed since a version; read the answers when the present one is known."""
    trials = execute(SELECT_CHANGED, (study, since))
    notes = execute(_NOTES, (study, since, study, since))

    def read(present: int) -> Changes:
        changed = [read_row(row) for row in trials.fetchall()]
        state: dict[str, Any] = {}
        spaces = []
        for version, key, text in notes.fetchall():
            if key is None:
                spaces.append((int(version), text))
            else:
                state[key] = loads(text)
        return Changes(present, changed, state, spaces)

    return read


def _grown(rows: Rows, study: int) -> tuple[int, int]:
    """The version and the number of trials that a statement gives of a study."""
    found = rows.fetchall()  # all: SQLite can't commit while a statement has more to say
    if not found:
        raise rules.study_gone(study)
    version, count = found[0]
    return int(version), int(count)


def _version_in(rows: Rows, study: int) -> int:
    """The version that a statement gives of a study."""
    found = rows.fetchall()  # all: SQLite can't commit while a statement has more to say
    if not found:
        raise rules.study_gone(study)
    return int(found[0][0])


class _NothingNewError(LuthierError):
    """Ends a transaction in which there is nothing to write."""

    def __init__(self) -> None:
        super().__init__("There is nothing new.")


def _missing(execute: Execute, name: str) -> Exception:
    names = execute("SELECT name FROM studies ORDER BY id LIMIT 11", ())
    return rules.study_missing(name, [known for (known,) in names])


def _record(row: Sequence[Any]) -> StudyRecord:
    study, name, objective, seed, created, settings = row
    return StudyRecord(
        study, name, Objective.from_json(loads(objective)), int(seed), created, loads(settings)
    )


def _summary(row: Sequence[Any], states: Mapping[TrialState, int]) -> StudySummary:
    counted = {state: n for state, n in sorted(states.items()) if n}
    return StudySummary(_record(row[:6]), row[6], counted)
