"""PostgreSQL: what is wrong is said, without the password; servers come and go, studies stay."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import pytest

import luthier
from luthier.core.events import evolve
from luthier.core.objective import Objective
from luthier.core.protocols import Storage
from luthier.core.trial import FrozenTrial, Reports, TrialState
from luthier.errors import (
    ArgumentError,
    LuthierError,
    NumberTakenError,
    StorageBusyError,
    StorageConnectionError,
    StorageError,
    StorageForeignError,
    StorageFullError,
    StorageReadOnlyError,
    StorageVersionError,
    StudyExistsError,
)
from luthier.storages import MemoryStorage, open_storage
from luthier.storages.postgresql import PostgresqlDatabase, postgresql_storage
from luthier.storages.schema import MIGRATIONS, SCHEMA_VERSION, migrate
from luthier.testing.life import ended, life, running

if TYPE_CHECKING:
    from benchmarks.storages.postgres_server import PostgresServer

SECRETS = ("cret", "100%")
forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")


@contextlib.contextmanager
def administrator(server: PostgresServer) -> Iterator[psycopg.Connection]:
    with contextlib.closing(psycopg.connect(server.url(), autocommit=True)) as connection:
        yield connection


@pytest.fixture
def storage(postgres_url: str) -> Iterator[Storage]:
    storage = open_storage(postgres_url)
    yield storage
    storage.close()


def log_is_state(storage: Storage, study: int) -> int:
    """Compare the log's fold with the present state; return the number of trials."""
    folded: dict[int, FrozenTrial] = {}
    events = storage.events(study)
    assert [event.version for event in events] == list(range(1, len(events) + 1))
    for event in events:
        if event.number is not None:
            folded[event.number] = evolve(folded.get(event.number), event)
    trials = sorted(storage.changes_since(study, 0).trials, key=lambda t: t.number)
    assert repr(trials) == repr(list(folded.values()))
    return len(trials)


# --- errors -----------------------------------------------------------------------------------


def refused(url: str, error: type[LuthierError], message: str, **options: float) -> None:
    """Opening is refused with a message; the password isn't in it, nor in what comes with it."""
    with pytest.raises(error, match=message) as caught:
        postgresql_storage(url, **options)  # type: ignore[arg-type]
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.fields)
    assert not any(secret in told for secret in SECRETS), told
    cause = caught.value.__cause__ or caught.value.__context__
    assert not isinstance(cause, psycopg.Error)  # it holds the connection's parameters


def test_no_server(postgres: PostgresServer) -> None:
    url = postgres.url().replace(f":{postgres.port}/", ":1/")
    refused(
        url,
        StorageConnectionError,
        r"postgresql://postgres@127\.0\.0\.1:1/postgres can't be "
        r"opened: .*refused.*is the server running\?",
    )


def test_wrong_password_user_and_database(postgres: PostgresServer) -> None:
    refused(
        postgres.url().replace("se%2F", "wrong"),
        StorageConnectionError,
        r"can't be opened: .*password authentication failed.*Check host, port, user, password",
    )
    refused(
        postgres.url().replace("postgres:", "nobody:", 1),
        StorageConnectionError,
        r"password authentication failed for user .nobody.",
    )
    refused(postgres.url("nosuch"), StorageConnectionError, r"database .nosuch. does not exist")


def test_no_rights(postgres: PostgresServer) -> None:
    with administrator(postgres) as connection:
        connection.execute("CREATE ROLE reader LOGIN PASSWORD 'secret'")
        connection.execute("CREATE DATABASE guarded")
    url = f"postgresql://reader:secret@127.0.0.1:{postgres.port}/guarded"
    refused(url, StorageReadOnlyError, r"permission denied for schema public.*Grant it: GRANT")
    refused(url + "?schema=mine", StorageReadOnlyError, r"permission denied for database guarded")


def test_tables_of_another_program(postgres: PostgresServer, postgres_url: str) -> None:
    schema = postgres_url.partition("schema=")[2]
    with administrator(postgres) as connection:
        connection.execute(f'CREATE SCHEMA "{schema}"')
        connection.execute(f'CREATE TABLE "{schema}".trials (trial_id INT)')
        message = r"the tables trials of another program.*choose another schema, such as "
        refused(postgres_url, StorageForeignError, message)
        left = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = %s", (schema,))
        assert left.fetchone() == (1,)


def test_newer_schema(postgres_url: str, storage: Storage) -> None:
    database = PostgresqlDatabase(postgres_url)
    database.write(lambda execute: execute("UPDATE luthier SET version = 999", ()))
    message = rf"newer Luthier: its schema has version 999, .* knows up to {SCHEMA_VERSION}\. Upgr"
    refused(postgres_url, StorageVersionError, message)
    database.close()


def test_databases_that_cannot_hold_all_text(postgres: PostgresServer) -> None:
    with administrator(postgres) as connection:
        connection.execute("CREATE DATABASE old ENCODING 'LATIN1' TEMPLATE template0")
    refused(postgres.url("old"), StorageError, r"in LATIN1\. Create a database with: CREATE DATA")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://me:se/cret@host/db", r"must have the form postgresql://USER"),
        ("postgresql://me:p@se cret@host/db", r"must have the form postgresql://USER"),
        ("postgresql://me:100%?se cret@host/db", r"must have the form postgresql://USER"),
        ("postgresql://me:se cret@host/db?nonsense=se cret", r"Write / @ \? % in a password as"),
        ("postgresql://me:x@host/db?schema=a-b", r"letters, digits and _, up to 63, got 'a-b'"),
    ],
)
def test_bad_urls(url: str, message: str) -> None:
    refused(url, ArgumentError, message)


def test_bad_arguments() -> None:
    with pytest.raises(ArgumentError, match="patience must be a number of seconds >= 0, got -1"):
        postgresql_storage("postgresql://host/db", patience=-1)
    with pytest.raises(ArgumentError, match="schema's name must be letters"):
        postgresql_storage("postgresql://host/db", schema='x"; DROP')


def test_a_name_too_long_for_an_index_is_refused(storage: Storage) -> None:
    name = secrets.token_hex(20_000)
    with pytest.raises(ArgumentError, match=r"must fit into an index, some 2,700 bytes"):
        storage.create_study(name, Objective(), 0, {})
    assert storage.studies() == []


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ("53100", StorageFullError, r"disk is full.*free some space"),
        ("25006", StorageReadOnlyError, r"Is it a replica\? Name the primary"),
        ("XX001", StorageError, r"must be sound"),
    ],
)
def test_what_the_server_reports_is_explained(
    postgres_url: str, state: str, error: type[LuthierError], message: str
) -> None:
    database = PostgresqlDatabase(postgres_url)
    statement = f"DO $$ BEGIN RAISE EXCEPTION 'oh' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(error, match=message):
        database.write(lambda execute: execute(statement, ()))
    assert database.read(lambda execute: execute("SELECT 1", ()).fetchone()) == (1,)
    database.close()


def test_it_shows_where_it_is_without_the_password(
    postgres: PostgresServer, postgres_url: str, storage: Storage
) -> None:
    schema = postgres_url.partition("schema=")[2]
    place = f"postgresql://postgres@127.0.0.1:{postgres.port}/postgres?schema={schema}"
    assert repr(storage) == f"SqlStorage(PostgresqlDatabase({place!r}))"


# --- places -----------------------------------------------------------------------------------


def test_users_share_a_database_by_schemas(postgres: PostgresServer) -> None:
    one, two = (open_storage(postgres.url(schema=f"user_{name}")) for name in "ab")
    one.create_study("s", Objective(), 0, {})
    assert two.studies() == []
    two.create_study("s", Objective(), 1, {})
    assert [s.record.seed for s in one.studies()] == [0]
    one.close()
    two.close()


@pytest.mark.parametrize("scheme", ["postgres", "PostgreSQL", "postgresql+psycopg"])
def test_urls_as_people_write_them(scheme: str, postgres: PostgresServer) -> None:
    with administrator(postgres) as connection:
        name = f"d_{secrets.token_hex(4)}"
        connection.execute(f"CREATE DATABASE {name}")
    url = postgres.url(name).replace("postgresql", scheme, 1)
    storage = open_storage(url + "?application_name=mine&sslmode=disable")
    assert storage.studies() == []
    storage.close()


def test_a_socket_is_named_as_libpq_does(postgres: PostgresServer) -> None:
    quoted = postgres.url().partition("postgres:")[2].partition("@")[0]
    url = f"postgresql://postgres:{quoted}@/postgres?host={postgres.folder}&port={postgres.port}"
    storage = postgresql_storage(url, schema="by_socket")
    assert f"/postgres?host={postgres.folder}&schema=by_socket" in repr(storage)
    storage.close()


def test_checkpoints_are_kept_in_the_users_home(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    study = storage.create_study("s", Objective(), 0, {}).id
    (tmp_path / "weights").write_text("w")
    key, _ = storage.checkpoints(study).save(tmp_path / "weights")
    [kept] = [p for p in tmp_path.rglob(key) if p.is_file()]
    assert kept.is_relative_to(tmp_path / "luthier")
    assert "cret" not in str(kept)
    storage.delete_study("s")
    assert not kept.exists()


# --- several at once --------------------------------------------------------------------------


def forked(work: Callable[[], None]) -> int:
    """Start a child process that does some work; its exit code says whether that went well."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def exit_codes(children: list[int]) -> list[int]:
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def write_trials(url: str, count: int) -> None:
    storage = open_storage(url)
    with contextlib.suppress(StudyExistsError):
        storage.create_study("s", Objective(), 0, {})
    study = storage.load_study("s").id
    version = number = added = 0
    while added < count:
        for trial in storage.changes_since(study, version).trials:
            number, version = max(number, trial.number + 1), trial.version
        try:
            storage.add_trials(study, [running(number)])
        except NumberTakenError:
            continue
        storage.report(study, number, 1, Reports([(1, {"loss": 0.5})]))
        storage.finish(study, ended(running(number)))
        added += 1


@forking
@pytest.mark.parametrize("older", [0, 2])
def test_ten_start_at_once_on_nothing_or_on_an_older_schema(postgres_url: str, older: int) -> None:
    database = PostgresqlDatabase(postgres_url)
    if older:
        migrate(database, MIGRATIONS[:older])
        database.close()  # children open their own
    reading, writing = os.pipe()

    def start() -> None:
        os.close(writing)
        os.read(reading, 1)  # until all are there
        assert open_storage(postgres_url).studies() == []

    children = [forked(start) for _ in range(10)]
    os.close(writing)
    os.close(reading)
    assert exit_codes(children) == [0] * 10
    [row] = database.read(lambda execute: execute("SELECT version FROM luthier", ()).fetchall())
    assert row == (SCHEMA_VERSION,)
    database.close()


@forking
def test_four_processes_share_a_study_from_its_first_moment(postgres_url: str) -> None:
    children = [forked(lambda: write_trials(postgres_url, 25)) for _ in range(4)]
    assert exit_codes(children) == [0] * 4
    storage = open_storage(postgres_url)
    assert log_is_state(storage, storage.load_study("s").id) == 100
    summary = storage.studies()[0]
    assert (dict(summary.states), summary.version) == ({TrialState.COMPLETE: 100}, 300)
    storage.close()


@forking
def test_a_killed_writer_leaves_the_log_whole(postgres_url: str) -> None:
    storage = open_storage(postgres_url)
    study = storage.create_study("s", Objective(), 0, {}).id
    counts = [0]
    for delay in (0.0, 0.0037, 0.0091, 0.0137, 0.0291):
        writer = forked(lambda: write_trials(postgres_url, 10**9))
        while len(storage.changes_since(study, 0).trials) < counts[-1] + 5:
            time.sleep(0.01)
        time.sleep(delay)
        os.kill(writer, signal.SIGKILL)
        assert exit_codes([writer]) == [-signal.SIGKILL]
        counts.append(log_is_state(storage, study))
    assert counts == sorted(counts)
    storage.put_state(study, "k", 1)  # no lock was left behind
    storage.close()


def test_studies_do_not_wait_for_each_other(postgres: PostgresServer, postgres_url: str) -> None:
    storage = postgresql_storage(postgres_url, patience=0.2)
    one, two = (storage.create_study(name, Objective(), 0, {}).id for name in "ab")
    schema = postgres_url.partition("schema=")[2]
    with administrator(postgres) as connection, connection.transaction():
        connection.execute(f'SELECT 1 FROM "{schema}".studies WHERE id = %s FOR UPDATE', (one,))
        assert storage.put_state(two, "k", 1) == 1
        assert storage.changes_since(one, 0).version == 0  # readers never wait
        storage.create_study("c", Objective(), 0, {})
        with pytest.raises(StorageBusyError, match=r"stayed locked.*pg_stat_activity.*End it"):
            storage.put_state(one, "k", 1)
    assert storage.put_state(one, "k", 1) == 1
    storage.close()


def test_a_study_deleted_under_a_waiting_writer_leaves_nothing(
    postgres: PostgresServer, storage: Storage, postgres_url: str
) -> None:
    study = storage.create_study("s", Objective(), 0, {}).id
    storage.add_trials(study, [running(0)])
    schema = postgres_url.partition("schema=")[2]
    errors: list[str] = []

    def write() -> None:
        try:
            storage.finish(study, ended(running(0)))
        except LuthierError as error:
            errors.append(type(error).__name__)

    with administrator(postgres) as connection, connection.transaction():
        connection.execute(f'SELECT 1 FROM "{schema}".studies WHERE id = %s FOR UPDATE', (study,))
        deleting = threading.Thread(target=storage.delete_study, args=("s",))
        deleting.start()
        waiting(postgres, 1)
        writing = threading.Thread(target=write)
        writing.start()
        waiting(postgres, 2)
    deleting.join()
    writing.join()
    assert errors == ["StudyNotFoundError"]
    with administrator(postgres) as connection:
        for table in ("studies", "trials", "events"):
            rows = connection.execute(f'SELECT count(*) FROM "{schema}".{table}').fetchone()
            assert rows == (0,)


def waiting(server: PostgresServer, n: int) -> None:
    """Wait until n sessions wait for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with administrator(server) as connection:
        while connection.execute(query).fetchone() != (n,):
            time.sleep(0.01)


def test_turns_are_given_in_order_and_end_with_who_has_them(
    postgres: PostgresServer, postgres_url: str
) -> None:
    one, two = open_storage(postgres_url), open_storage(postgres_url)
    study = one.create_study("s", Objective(), 0, {}).id
    order: list[str] = []

    def wait_for_turn() -> None:
        with two.turn(study):
            order.append("two")

    thread = threading.Thread(target=wait_for_turn)
    with one.turn(study):
        thread.start()
        waiting(postgres, 1)
        order.append("one")
    thread.join()
    assert order == ["one", "two"]
    with administrator(postgres) as connection, one.turn(study):
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        )
        wait_for_turn()  # the turn has gone with its session
        assert one.put_state(study, "k", 1) == 1
    one.close()
    two.close()


def test_drivers_that_meet_take_turns(postgres_url: str) -> None:
    url = postgres_url
    luthier.create_study(storage=url, study_name="s", sampler="random", seed=0)
    refused: list[int] = []

    def drive() -> None:
        study = luthier.load_study(storage=url, study_name="s")
        add_trials = study.storage.add_trials

        def counting(*arguments: Any) -> Any:
            try:
                return add_trials(*arguments)
            except NumberTakenError:
                refused.append(1)
                raise

        study.storage.add_trials = counting
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=15)

    threads = [threading.Thread(target=drive) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    study = luthier.load_study(storage=url, study_name="s")
    assert [trial.number for trial in study.trials] == list(range(60))
    assert len(refused) < 30  # without turns some two hundred
    assert study.replay().exact


def test_threads_share_a_handle(storage: Storage) -> None:
    study = storage.create_study("s", Objective(), 0, {}).id
    threads = [
        threading.Thread(
            target=lambda key=str(i): [storage.put_state(study, key, n) for n in range(10)]
        )
        for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert storage.changes_since(study, 0).version == 40
    assert storage.get_state(study) == dict.fromkeys("0123", 9)


@forking
def test_a_forked_child_and_its_parent_both_go_on(postgres_url: str) -> None:
    storage = open_storage(postgres_url)
    study = storage.create_study("s", Objective(), 0, {}).id
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            storage.put_state(study, "k", 1)

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for number in range(0, 6, 2):
            child = os.fork()
            if child == 0:
                try:
                    storage.add_trials(study, [FrozenTrial(number=number)])
                finally:
                    os._exit(len(storage.changes_since(study, 0).trials) - number)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
            storage.add_trials(study, [FrozenTrial(number=number + 1)])
    finally:
        stop.set()
        thread.join()
    assert log_is_state(storage, study) == 6
    storage.close()


def test_reading_changes_touches_indexes_only(postgres_url: str) -> None:
    database = PostgresqlDatabase(postgres_url)
    migrate(database)

    def plan(statement: str) -> str:
        def work(execute: Callable[..., psycopg.Cursor[tuple[str]]]) -> str:
            execute("SET LOCAL enable_seqscan = off", ())
            return str(execute(f"EXPLAIN {statement}", ()).fetchall())

        return database.read(work)  # type: ignore[arg-type]

    changed = plan("SELECT * FROM trials WHERE study = 1 AND version > 5 ORDER BY version")
    assert "Index Scan using trials_by_version" in changed
    assert "Sort" not in changed
    assert "Index" in plan("SELECT version FROM studies WHERE id = 1")
    assert "trials_by_value" in plan(
        "SELECT MIN(value) FROM trials WHERE study = 1 AND state = 3 AND invalid IS NULL"
    )
    database.close()


# --- servers and networks that fail -----------------------------------------------------------


def test_a_server_that_crashes_and_returns_is_waited_for(
    postgres: PostgresServer, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    storage = open_storage(postgres_url)
    study = storage.create_study("s", Objective(), 0, {}).id
    storage.put_state(study, "k", 0)
    versions: list[int] = []
    with caplog.at_level(logging.WARNING, "luthier"):
        for how in ("immediate", "fast"):
            postgres.stop(how)
            writer = threading.Thread(
                target=lambda value=how: versions.append(storage.put_state(study, "k", value))
            )
            writer.start()
            while len(caplog.records) <= len(versions):  # it has been refused
                time.sleep(0.01)
            postgres.start()
            writer.join()
            assert storage.get_state(study) == {"k": how}
    assert versions == [2, 3]
    told = caplog.text
    assert "trying again" in told
    assert not any(secret in told for secret in SECRETS)
    storage.close()


def test_patience_ends(postgres_url: str) -> None:
    with Cable(postgres_url) as cable:
        storage = postgresql_storage(cable.url, patience=0.1)
        study = storage.create_study("s", Objective(), 0, {}).id
    with pytest.raises(StorageConnectionError, match=r"wasn't for 0\.1 s: .*safe; start again"):
        storage.put_state(study, "k", 0)
    storage.close()


def test_terminated_connections_lose_and_repeat_nothing(
    postgres: PostgresServer, postgres_url: str
) -> None:
    storage = open_storage(postgres_url)
    study = storage.create_study("s", Objective(), 0, {}).id
    stop = threading.Event()
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ''"
    ends = ends.replace("''", "'luthier'")

    def terminate() -> None:
        with administrator(postgres) as connection:
            while not stop.wait(0.1):
                connection.execute(ends)

    written: dict[str, list[int]] = {key: [] for key in "abc"}
    writers = [
        threading.Thread(
            target=lambda k=key: [
                written[k].append(storage.put_state(study, k, n)) for n in range(30)
            ]
        )
        for key in written
    ]
    terminator = threading.Thread(target=terminate)
    for thread in (terminator, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    terminator.join()
    versions = sorted(version for each in written.values() for version in each)
    assert versions == list(range(1, 91))  # each write once, and its own version returned
    noted = [(e.data["key"], e.data["value"]) for e in storage.events(study)]
    assert sorted(noted) == [(key, n) for key in "abc" for n in range(30)]
    storage.close()


class Cable:
    """A network cable to a server, which can be cut when something passes.

    Attributes:
        port: Where it begins.
        loses: Gets each packet and whether the server sent it; says whether the cable breaks
            there, and that packet is lost. It breaks once, then another is laid.
        lost: How many packets were lost.
    """

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._far = (str(place.hostname), int(place.port or 0))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self._lock = threading.Lock()
        self.port = self._listener.getsockname()[1]
        self.url = url.replace(f":{place.port}/", f":{self.port}/")
        self.loses: Loses | None = None
        self.lost = 0

    def __enter__(self) -> Cable:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._ends:
            end.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._far)
                self._ends += (near, far)
                for ends in ((near, far, False), (far, near, True)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, from_server: bool) -> None:
        with contextlib.suppress(OSError):
            while packet := source.recv(65536):
                with self._lock:
                    if self.loses is not None and self.loses(packet, from_server):
                        self.loses = None
                        self.lost += 1
                        break
                target.sendall(packet)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


Loses = Callable[[bytes, bool], bool]


def after(n: int) -> Loses:
    """Lose the packet that comes after n others."""
    passed = iter(range(n))
    return lambda packet, from_server: next(passed, None) is None


def answer_to_commit(packet: bytes, from_server: bool) -> bool:
    """Lose what says that a transaction was committed."""
    return from_server and b"COMMIT\x00" in packet


PACKETS = 4  # of a write, both ways; when fewer are sent, the next step loses one
EACH_STEP_ELSEWHERE = [[after(k % PACKETS) for k in range(first, first + 21)] for first in (0, 3)]
AT_EACH_PACKET = [[after(k) for _ in range(21)] for k in range(PACKETS)]


@pytest.mark.parametrize(
    "breaks",
    [
        [answer_to_commit] * 21,
        *EACH_STEP_ELSEWHERE,
        *(pytest.param(breaks, marks=pytest.mark.slow) for breaks in AT_EACH_PACKET),
    ],
)
def test_a_cable_that_breaks_changes_nothing(postgres_url: str, breaks: list[Loses]) -> None:
    """Each step of a life, the connection lost in it: done once, and its answer is right."""
    reference = MemoryStorage()
    copy = reference.create_study("s", Objective(), 0, {}).id
    with Cable(postgres_url) as cable:
        storage = open_storage(cable.url)
        cable.loses = breaks[-1]
        study = storage.create_study("s", Objective(), 0, {}).id
        for act, expected, loses in zip(
            life(storage, study), life(reference, copy), breaks, strict=False
        ):
            cable.loses = loses
            assert repr(act()) == repr(expected())
        cable.loses = None
        found, log = (
            [(e.version, e.kind, e.number, e.data) for e in place.events(key)]
            for place, key in ((storage, study), (reference, copy))
        )
        assert repr(found) == repr(log)
        log_is_state(storage, study)
        cable.loses = breaks[0]
        storage.delete_study("s")
        assert storage.studies() == []
        storage.close()
    assert cable.lost > 15


def test_a_session_that_stops_does_not_hold_its_study_for_ever(postgres_url: str) -> None:
    database = PostgresqlDatabase(postgres_url, patience=7)
    asked = ("idle_in_transaction_session_timeout", "lock_timeout", "search_path")
    answers = [
        database.read(lambda execute, n=name: execute(f"SHOW {n}", ()).fetchone()) for name in asked
    ]
    schema = postgres_url.partition("schema=")[2]
    assert answers == [("30s",), ("7s",), (f'"{schema}"',)]
    database.close()


def test_reports_of_long_runs_are_appended(storage: Storage) -> None:
    study = storage.create_study("s", Objective(), 0, {}).id
    storage.add_trials(study, [running(0)])
    steps = [(n, {"loss": float(n)}) for n in range(50)]
    for n in range(10, 51, 10):
        storage.report(study, 0, 1, Reports(steps[:n]))
    [trial] = storage.changes_since(study, 0).trials
    assert trial.reports.items_in_order() == steps
    assert [len(e.data["reports"]) for e in storage.events(study)[1:]] == [10] * 5
