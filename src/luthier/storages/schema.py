"""The tables, as a list of migrations: the only place where the schema is written down.

Written in the SQL that SQLite and PostgreSQL share. Everything is a number or text; all
structured text is JSON, except ``trials.reports``: JSON values with commas in between, so that
a report is appended without reading what is there.

    studies    a study, its version, and how many trials it has
    trials     the present state of each trial
    events     the log
    state      study-wide values
    spaces     declared spaces
    heartbeats counters that workers raise while they run trials; no part of the log
    luthier    one row: the schema's version, and the key of the next study

A migration once released never changes; a new schema is a new entry at the end. New SQLite files
keep trials and events by their keys, without an index beside the table: a write touches two pages
fewer.
"""

from __future__ import annotations

from typing import Final

from luthier.errors import StorageError, StorageForeignError, StorageVersionError
from luthier.storages.database import Database, Execute

__all__ = ["MIGRATIONS", "SCHEMA_VERSION", "migrate"]

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        "CREATE TABLE luthier (version BIGINT NOT NULL, next_study BIGINT NOT NULL)",
        "INSERT INTO luthier (version, next_study) VALUES (0, 1)",
        """CREATE TABLE studies (
            id BIGINT PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            objective TEXT NOT NULL,
            seed TEXT NOT NULL,
            created DOUBLE PRECISION NOT NULL,
            settings TEXT NOT NULL,
            version BIGINT NOT NULL,
            trials BIGINT NOT NULL
        )""",
        """CREATE TABLE trials (
            study BIGINT NOT NULL,
            number BIGINT NOT NULL,
            state SMALLINT NOT NULL,
            version BIGINT NOT NULL,
            finished_version BIGINT,
            attempt BIGINT NOT NULL,
            objectives BIGINT NOT NULL,
            started DOUBLE PRECISION,
            finished DOUBLE PRECISION,
            cost DOUBLE PRECISION,
            worker TEXT,
            error TEXT,
            invalid TEXT,
            params TEXT NOT NULL,
            value DOUBLE PRECISION,
            metrics TEXT,
            origin TEXT,
            declares TEXT,
            user_attrs TEXT,
            reports TEXT,
            PRIMARY KEY (study, number)
        )""",
        "CREATE INDEX trials_by_version ON trials (study, version, state)",
        "CREATE INDEX trials_by_value ON trials (study, value, finished_version)"
        " WHERE state = 3 AND invalid IS NULL",
        "CREATE INDEX trials_invalid ON trials (study, state) WHERE invalid IS NOT NULL",
        """CREATE TABLE events (
            study BIGINT NOT NULL,
            version BIGINT NOT NULL,
            at DOUBLE PRECISION NOT NULL,
            kind TEXT NOT NULL,
            number BIGINT,
            data TEXT NOT NULL,
            PRIMARY KEY (study, version)
        )""",
        """CREATE TABLE state (
            study BIGINT NOT NULL,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            version BIGINT NOT NULL,
            PRIMARY KEY (study, key)
        )""",
        """CREATE TABLE spaces (
            study BIGINT NOT NULL,
            version BIGINT NOT NULL,
            space TEXT NOT NULL,
            PRIMARY KEY (study, version)
        )""",
    ),
    (
        "ALTER TABLE trials ADD COLUMN budget BIGINT",
        "ALTER TABLE trials ADD COLUMN checkpoint TEXT",
    ),
    (
        "ALTER TABLE trials ADD COLUMN lapses BIGINT",
        "ALTER TABLE trials ADD COLUMN lapsed_at BIGINT",
        """CREATE TABLE heartbeats (
            study BIGINT NOT NULL,
            worker TEXT NOT NULL,
            beats BIGINT NOT NULL,
            at DOUBLE PRECISION NOT NULL,
            PRIMARY KEY (study, worker)
        )""",
    ),
)
SCHEMA_VERSION: Final = len(MIGRATIONS)
_CLUSTERED: Final = ("CREATE TABLE trials ", "CREATE TABLE events ")


def migrate(
    database: Database,
    migrations: tuple[tuple[str, ...], ...] = MIGRATIONS,
    *,
    create: bool = True,
) -> None:
    """Bring a database to the newest schema, in one transaction; do nothing if it is there.

    Args:
        database: An empty database or one of Luthier's.
        migrations: All migrations, oldest first.
        create: Whether to make the tables where there are none.

    Raises:
        StorageError: There are none, and they aren't to be made.
        StorageForeignError: It holds tables, but not Luthier's.
        StorageVersionError: Its schema is newer than the last migration.
    """

    def tables(execute: Execute) -> set[str]:
        return {name for (name,) in execute(database.tables_query, ())}

    present = database.read(tables)
    if not present and not create:
        raise StorageError(
            f"There is no storage at {database.place}: it holds no tables. 'luthier run' and "
            "create_study make them; is the name right?",
            place=database.place,
        )
    if not present:
        database.initialise()
    elif "luthier" not in present:
        raise StorageForeignError(
            f"A storage must be new or Luthier's own, {database.place} holds the tables "
            f"{', '.join(sorted(present)[:5])} of another program. It was left as it is: choose "
            f"{database.elsewhere}.",
            place=database.place,
        )
    elif _check_version(database.read(_version), len(migrations), database.place):
        return

    def upgrade(execute: Execute) -> None:
        version = _version(execute) if "luthier" in tables(execute) else 0
        if _check_version(version, len(migrations), database.place):
            return  # another process was faster
        for migration in migrations[version:]:
            for statement in migration:
                by_key = statement.startswith(_CLUSTERED)
                execute(statement + database.clustered if by_key else statement, ())
        execute("UPDATE luthier SET version = ?", (len(migrations),))

    database.write(upgrade)


def _version(execute: Execute) -> int:
    row = execute("SELECT version FROM luthier", ()).fetchone()
    return 0 if row is None else int(row[0])


def _check_version(present: int, known: int, place: str) -> bool:
    """Whether the schema is up to date."""
    if present > known:
        raise StorageVersionError(
            f"{place} was written by a newer Luthier: its schema has version {present}, this "
            f"Luthier knows up to {known}. Upgrade with: pip install -U luthier",
            place=place,
            version=present,
        )
    return present == known
