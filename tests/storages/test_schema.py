"""The schema: one path from any older version to the newest, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.core.events import evolve
from luthier.core.objective import Objective
from luthier.core.record import dump
from luthier.core.trial import FrozenTrial
from luthier.errors import StorageError, StorageVersionError
from luthier.storages.schema import MIGRATIONS, SCHEMA_VERSION, migrate
from luthier.storages.sql import SqlStorage
from luthier.storages.sqlite import SqliteDatabase


def tables(database: SqliteDatabase) -> set[str]:
    rows = database.read(lambda execute: execute(database.tables_query, ()).fetchall())
    return {name for (name,) in rows}


def version(database: SqliteDatabase) -> int:
    row = database.read(lambda execute: execute("SELECT version FROM luthier", ()).fetchone())
    return int(row[0])


def test_a_new_database_gets_the_newest_schema(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "a.db")
    migrate(database)
    assert version(database) == SCHEMA_VERSION == len(MIGRATIONS)
    assert tables(database) == {
        *("luthier", "studies", "trials", "events", "state", "spaces"),
        "heartbeats",
    }


def test_new_files_keep_trials_and_events_by_their_keys(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "a.db")
    migrate(database)
    query = "SELECT name FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID'"
    found = database.read(lambda execute: execute(query, ()).fetchall())
    assert {name for (name,) in found} == {"trials", "events"}


def test_a_file_with_rows_by_number_goes_on_as_it_is(tmp_path: Path) -> None:
    """Files of earlier versions are laid out so."""
    database = SqliteDatabase(tmp_path / "a.db")
    database.clustered = ""
    migrate(database)
    study = SqlStorage(database).create_study("s", Objective(), 0, {}).id
    database.close()
    storage = SqlStorage(SqliteDatabase(tmp_path / "a.db"))
    storage.add_trials(study, [FrozenTrial(number=0), FrozenTrial(number=1)])
    assert [trial.number for trial in storage.changes_since(study, 0).trials] == [0, 1]


def test_an_older_schema_is_migrated_and_its_data_kept(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "a.db")
    storage = SqlStorage(database)
    study = storage.create_study("s", Objective(), 0, {}).id
    storage.add_trials(study, [FrozenTrial(number=0)])
    later = (*MIGRATIONS, ("CREATE TABLE a (x TEXT)",), ("CREATE TABLE b (x TEXT)",))
    migrate(database, later)
    migrate(database, later)
    assert version(database) == SCHEMA_VERSION + 2
    assert {"a", "b"} <= tables(database)
    assert len(storage.changes_since(study, 0).trials) == 1
    with pytest.raises(StorageVersionError, match=r"newer Luthier.*Upgrade with: pip install -U"):
        SqlStorage(database)


def test_a_file_from_before_leases_is_migrated(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "a.db")
    migrate(database, MIGRATIONS[:2])
    trial = (
        "INSERT INTO trials (study, number, state, version, attempt, objectives, worker, params)"
        " VALUES (1, 0, 1, 1, 1, 1, 'w', '{}')"
    )
    event = (
        "INSERT INTO events (study, version, at, kind, number, data) VALUES (1, 1, 0.5, 'added', 0,"
        """ '{"state":"RUNNING","params":{},"worker":"w","attempt":1}')"""
    )
    study = (
        "INSERT INTO studies (id, name, objective, seed, created, settings, version, trials)"
        f" VALUES (1, 's', '{dump(Objective().to_json())}', '0', 0.5, '{{}}', 1, 1)"
    )
    for statement in (study, trial, event):
        database.write(lambda execute, s=statement: execute(s, ()))
    storage = SqlStorage(database)
    [old] = storage.changes_since(1, 0).trials
    assert (old.attempt, old.lapses) == (1, 0)
    storage.heartbeat(1, "v", 0.5)
    claimed = storage.claim(1, 0, "v", attempt=1, at=2.5)
    assert claimed is not None
    assert claimed.lapses == 1
    folded = None
    for line in storage.events(1):
        folded = evolve(folded, line)
    assert storage.changes_since(1, 0).trials == [claimed] == [folded]


def test_a_migration_that_fails_leaves_the_old_schema(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "a.db")
    migrate(database)
    before = tables(database)
    with pytest.raises(StorageError, match=r"SQLite refused to work on .*a\.db: .*syntax error"):
        migrate(database, (*MIGRATIONS, ("CREATE TABLE a (x TEXT)", "NONSENSE")))
    assert (version(database), tables(database)) == (SCHEMA_VERSION, before)


def test_reading_changes_and_counting_states_touch_indexes_only(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "a.db")
    migrate(database)
    for statement, expected in (
        ("SELECT * FROM trials WHERE study = 1 AND version > 5 ORDER BY version", "USING INDEX"),
        ("SELECT study, state, COUNT(*) FROM trials GROUP BY study, state", "COVERING INDEX"),
        (
            "SELECT study, state, COUNT(*) FROM trials WHERE invalid IS NOT NULL"
            " GROUP BY study, state",
            "USING INDEX trials_invalid",
        ),
    ):
        plan = database.read(
            lambda execute, s=statement: execute(f"EXPLAIN QUERY PLAN {s}", ()).fetchall()
        )
        assert expected in str(plan), plan
